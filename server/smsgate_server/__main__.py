"""python -m smsgate_server"""

from smsgate_server.cli import app


def main() -> None:
    app()


if __name__ == "__main__":
    main()
