"""A database that is away or in trouble: what callers are told of it, and what the log is."""

import logging

import psycopg

from smsgate_server.domain.errors import Unavailable
from smsgate_server.storage.errors import store_unavailable

_log = logging.getLogger(__name__)


class Away(psycopg.OperationalError):
    """There was no connection a moment ago, and nobody has tried again since."""


def cannot_read(error: psycopg.Error) -> Unavailable:
    return _unavailable(error, "the store cannot be read", "try again later")


def cannot_write(error: psycopg.Error) -> Unavailable:
    advice = "repeat the request with the same request_id, later"
    return _unavailable(error, "the store cannot write", advice)


def _unavailable(error: psycopg.Error, trouble: str, advice: str) -> Unavailable:
    # What the driver says names hosts, paths and statements: nothing for callers.
    if not isinstance(error, Away):
        _log.error("%s: %s", trouble, first_line(error))
    return store_unavailable(f"{trouble}; {advice}")


def first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
