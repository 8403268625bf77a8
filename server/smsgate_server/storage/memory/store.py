"""The Store port in dicts."""

from smsgate_server.domain.routing import ONE_LANE, Lanes
from smsgate_server.storage.memory.accounts import Accounts
from smsgate_server.storage.memory.books import Books
from smsgate_server.storage.memory.carriers import Carriers
from smsgate_server.storage.memory.verifications import Verifications
from smsgate_server.storage.memory.webhooks import Webhooks


class MemoryStore(Verifications, Accounts, Carriers, Webhooks):
    """See `smsgate_server.services.ports.Store`. What it acknowledged survives nothing."""

    def __init__(self, lanes: Lanes = ONE_LANE, identity: bytes | None = None) -> None:
        books = Books()
        Verifications.__init__(self, books, lanes, identity)
        Accounts.__init__(self, books)
        Carriers.__init__(self)
        Webhooks.__init__(self)
