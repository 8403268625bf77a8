"""smsgate: an SMS gateway over gRPC. Follow a message: transport, services, storage, carriers."""

__version__ = "0.1.0"
