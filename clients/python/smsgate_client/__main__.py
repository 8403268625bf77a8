"""The `smsgate` command."""

import os
import sys


def main() -> None:
    """Run the command, or say what is missing to run it."""
    # gRPC core writes its own lines to stderr, of connections that come and go. Ours are enough.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    try:
        import rich  # noqa: F401
        import typer  # noqa: F401
    except ModuleNotFoundError as missing:
        sys.stderr.write(
            f"smsgate: the command line needs {missing.name}; install it with: "
            "pip install 'smsgate[cli]'\n"
        )
        sys.exit(70)
    from smsgate_client.cli.app import run

    sys.exit(run())


if __name__ == "__main__":
    main()
