"""The operator's command line: smsgate-server."""

from smsgate_server.cli.main import app

__all__ = ["app"]
