"""Who calls: accounts, their API keys, and what an operator lets them do. Numbers are the
contract's.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum

# The account of every caller of a server that runs open.
LOCAL_ACCOUNT = "local"
DEFAULT_CURRENCY = "EUR"


class Scope(IntEnum):
    """What an API key may be used for. ADMIN includes no other."""

    SEND = 1
    READ = 2
    OTP = 3
    ADMIN = 4


ALL_SCOPES = frozenset(Scope)


class BillingMode(IntEnum):
    SUBSCRIPTION = 1
    PREPAID = 2

    @property
    def word(self) -> str:
        """As the tariffs spell it."""
        return _BILLING_WORDS[self]


# Asked for with every price: names of enums are slow to come.
_BILLING_WORDS = ("", *(mode.name.lower() for mode in BillingMode))


class AccountState(IntEnum):
    """SUSPENDED may read but not send; CLOSED may nothing."""

    ACTIVE = 1
    SUSPENDED = 2
    CLOSED = 3


class PolicyMode(IntEnum):
    """MONITOR serves what ENFORCE would refuse, and puts it on record."""

    ENFORCE = 1
    MONITOR = 2


class LimitKind(IntEnum):
    REQUESTS = 1
    KEY_REQUESTS = 2
    MESSAGES = 3
    STREAMS = 4
    OTP_RECIPIENT = 5
    OTP_PREFIX = 6
    OTP_COUNTRY = 7
    OTP_ACCOUNT = 8

    @property
    def word(self) -> str:
        """As errors and settings spell it."""
        return self.name.lower()

    @property
    def of_otp(self) -> bool:
        return self >= LimitKind.OTP_RECIPIENT


@dataclass(frozen=True, slots=True)
class Limit:
    """How often something may happen in `period`; STREAMS has none and counts what is open."""

    kind: LimitKind
    maximum: int
    period: timedelta | None = None
    burst: int = 0
    mode: PolicyMode = PolicyMode.ENFORCE


@dataclass(frozen=True, slots=True)
class CountryPolicy:
    """Empty `allowed` means all; `denied` wins."""

    allowed: tuple[str, ...] = ()
    denied: tuple[str, ...] = ()
    mode: PolicyMode = PolicyMode.ENFORCE

    def admits(self, country: str) -> bool:
        return country not in self.denied and (not self.allowed or country in self.allowed)

    def refuses(self, country: str) -> bool:
        """Whether messages to `country` are refused, and not only put on record."""
        return self.mode is PolicyMode.ENFORCE and not self.admits(country)


@dataclass(frozen=True, slots=True)
class ContentPolicy:
    forbidden_words: tuple[str, ...] = ()
    mode: PolicyMode = PolicyMode.ENFORCE
    suspend_account: bool = False


@dataclass(frozen=True, slots=True)
class BudgetPolicy:
    """`monthly_maximum` in micros of the account's currency; None: no budget."""

    monthly_maximum: int | None = None
    mode: PolicyMode = PolicyMode.ENFORCE


@dataclass(frozen=True, slots=True)
class PricePolicy:
    require_price: bool = False
    mode: PolicyMode = PolicyMode.ENFORCE


@dataclass(frozen=True, slots=True)
class AccountPolicy:
    """A part that is at its default forbids nothing."""

    countries: CountryPolicy = field(default_factory=CountryPolicy)
    content: ContentPolicy = field(default_factory=ContentPolicy)
    budget: BudgetPolicy = field(default_factory=BudgetPolicy)
    prices: PricePolicy = field(default_factory=PricePolicy)
    limits: tuple[Limit, ...] = ()


@dataclass(frozen=True, slots=True)
class Bundle:
    """Segments that a subscription includes a month; empty `countries` means all with a price."""

    segments_per_month: int = 0
    countries: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """`version` grows with every change."""

    id: str
    display_name: str = ""
    state: AccountState = AccountState.ACTIVE
    state_reason: str = ""
    billing_mode: BillingMode = BillingMode.SUBSCRIPTION
    currency: str = DEFAULT_CURRENCY
    bundle: Bundle = field(default_factory=Bundle)
    policy: AccountPolicy = field(default_factory=AccountPolicy)
    default_sender: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    create_time: datetime
    update_time: datetime
    version: int = 1

    @property
    def etag(self) -> str:
        return f"{self.version:x}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """All that is known of a key. `digest` is what is kept of its secret."""

    id: str
    account: str
    display_name: str = ""
    scopes: frozenset[Scope]
    digest: bytes = field(repr=False)
    create_time: datetime
    expire_time: datetime | None = None
    revoke_time: datetime | None = None
    last_used_time: datetime | None = None

    def usable(self, now: datetime) -> bool:
        return self.revoke_time is None and (self.expire_time is None or now < self.expire_time)
