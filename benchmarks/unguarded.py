"""The server without what stands around a send: no key, price, policy, charge or count. What these
cost is the difference. Run like `python -m smsgate_server`.
"""

from typing import Any

from smsgate_server.cli import app
from smsgate_server.domain import submission
from smsgate_server.domain.charging import NO_STANDING, Charged
from smsgate_server.domain.pricing import NO_QUOTE
from smsgate_server.domain.rules import NO_FINDINGS
from smsgate_server.services import access, meter, quotas
from smsgate_server.storage.sql.books import Books
from smsgate_server.transport import calls


def _nothing(*_: Any) -> None:
    return None


class _NoBooks(Books):
    """Knows no money and counts nothing."""

    load = write = enter = follow = _nothing

    def charge(self, *_: Any) -> Charged:
        return Charged(NO_STANDING, 0)


def _strip() -> None:
    from smsgate_server.storage.sql import acceptance, transaction

    transaction.Books = _NoBooks  # type: ignore[misc]
    acceptance.Acceptor._note_request = _nothing  # type: ignore[method-assign,assignment]
    submission.check_rules = lambda *_: NO_FINDINGS
    submission.quote_of = lambda *_: NO_QUOTE
    quotas.Quotas.enter = _nothing  # type: ignore[method-assign,assignment]
    meter.Meter.free = meter.Meter.used = _nothing  # type: ignore[method-assign,assignment]
    # Nobody is asked for a key: the one account there is makes every call.
    access.Access.load = _remembering(access.Access.load)  # type: ignore[method-assign]
    calls.Calls._enter = lambda *_: _LOCAL[0]  # type: ignore[method-assign]


_LOCAL: list[Any] = []


def _remembering(load: Any) -> Any:
    async def wrapped(self: Any) -> None:
        await load(self)
        _LOCAL[:] = [self._local]

    return wrapped


if __name__ == "__main__":
    _strip()
    app()
