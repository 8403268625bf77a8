"""The use cases. They know the domain and the ports of `ports.py`, never an adapter."""
