"""gRPC: the only package that imports grpc or the generated stubs.

It translates and decides nothing.
"""
