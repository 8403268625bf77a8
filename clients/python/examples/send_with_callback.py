"""Sends a message with an endpoint of its own: `python send_with_callback.py URL`."""

import sys

# --8<-- [start:import]
from smsgate.v1.message_pb2 import Callback

# --8<-- [end:import]
from smsgate_client import BlockingClient


def main(url: str) -> None:
    """One message; its events go to the URL."""
    with BlockingClient() as client:
        # --8<-- [start:callback]
        callback = Callback(url=url, custom_data={"order": "7"})
        client.send("+393331234567", "Hello", callback=callback)
        # --8<-- [end:callback]


if __name__ == "__main__":
    main(sys.argv[1])
