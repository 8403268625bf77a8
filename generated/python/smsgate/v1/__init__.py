"""Version 1: one `<file>_pb2` per file of the contract, `_pb2_grpc` for services."""
