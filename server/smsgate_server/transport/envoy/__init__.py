"""gRPC behind Envoy in the same process: Envoy speaks HTTP/2, the calls come as ASGI.

`application.py` answers the calls of the contract with the handlers that gRPC has; `call.py` is one
of them.
"""
