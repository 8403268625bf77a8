"""The gateway over HTTP: Connect, gRPC-Web, JSON, server-sent events and the dashboard.

An adapter in front of the same handlers as gRPC: calls.py and stall.py are given a context of ours
(context.py) in place of grpc's, so keys, limits, errors and counts cannot differ. Imported only if
`web_listen` is set.
"""
