"""The runner of clients/scenarios for Python; see the page there."""
