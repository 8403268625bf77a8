"""A port that several processes share."""

import socket


def reserved(listen: str) -> socket.socket:
    """A socket that keeps a port for those who listen there with SO_REUSEPORT, and takes no
    connections itself. OSError if it is taken.
    """
    host, _, port = listen.rpartition(":")
    host = host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    kept = socket.socket(family, socket.SOCK_STREAM)
    kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        kept.bind((host, int(port)))
    except OSError as error:
        kept.close()
        raise OSError(f"cannot listen on {listen}: {error.strerror}") from error
    return kept


def refuse_a_second(listen: str) -> None:
    """OSError if somebody listens there: a port that is shared would be shared with it, too."""
    host, _, port = listen.rpartition(":")
    host = host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((host, int(port)))
        except OSError as error:
            raise OSError(f"cannot listen on {listen}: is another server there?") from error
