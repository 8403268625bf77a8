"""What the services need from the world, with the guarantees they rely on.

messages.py       messages, the log of their events, clock and ids
carriers.py       carriers, and how they do
accounts.py       accounts, API keys, balances
verifications.py  one-time passwords
usage.py          usage and tariffs
sharing.py        what servers on one store know of each other
webhooks.py       webhooks, and the events that did not get through
"""

from typing import Protocol

from smsgate_server.services.ports.accounts import (
    MAX_BALANCE,
    AccountStore,
    CreatedAccount,
    Directory,
    EntryKind,
    LedgerEntry,
    ToppedUp,
    TopUp,
)
from smsgate_server.services.ports.carriers import (
    Carrier,
    CarrierListener,
    CarrierReport,
    Carriers,
    CarrierStore,
)
from smsgate_server.services.ports.messages import (
    Acceptance,
    Accepted,
    Cancelled,
    Claim,
    Claims,
    Clock,
    CommitListener,
    Entry,
    Horizons,
    Ids,
    LogBounds,
    LogPage,
    MessageStore,
    Page,
    Pricing,
    RequestKey,
    StoredEntry,
)
from smsgate_server.services.ports.sharing import Lease, SharingStore
from smsgate_server.services.ports.usage import TariffStore, TariffVersion, UsageQuery, UsageStore
from smsgate_server.services.ports.verifications import (
    Attempt,
    Attempted,
    CancelledCode,
    Judge,
    LimitHit,
    SendCode,
    SentCode,
    SentCodes,
    VerificationStore,
)
from smsgate_server.services.ports.webhooks import WebhookStore


class Store(
    MessageStore,
    AccountStore,
    VerificationStore,
    UsageStore,
    TariffStore,
    CarrierStore,
    SharingStore,
    WebhookStore,
    Protocol,
):
    """All that is durable, in one place: what belongs together is changed in one transaction."""


__all__ = [
    "MAX_BALANCE",
    "Acceptance",
    "Accepted",
    "AccountStore",
    "Attempt",
    "Attempted",
    "Cancelled",
    "CancelledCode",
    "Carrier",
    "CarrierListener",
    "CarrierReport",
    "CarrierStore",
    "Carriers",
    "Claim",
    "Claims",
    "Clock",
    "CommitListener",
    "CreatedAccount",
    "Directory",
    "Entry",
    "EntryKind",
    "Horizons",
    "Ids",
    "Judge",
    "Lease",
    "LedgerEntry",
    "LimitHit",
    "LogBounds",
    "LogPage",
    "MessageStore",
    "Page",
    "Pricing",
    "RequestKey",
    "SendCode",
    "SentCode",
    "SentCodes",
    "SharingStore",
    "Store",
    "StoredEntry",
    "TariffStore",
    "TariffVersion",
    "TopUp",
    "ToppedUp",
    "UsageQuery",
    "UsageStore",
    "VerificationStore",
    "WebhookStore",
]
