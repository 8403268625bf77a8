"""What holds for an account: its own policy beside that of the server, made ready for use once."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from smsgate_server.domain.account import (
    Account,
    AccountState,
    Limit,
    LimitKind,
    PolicyMode,
)
from smsgate_server.domain.address import RecipientPolicy
from smsgate_server.domain.charging import Terms, terms_of
from smsgate_server.domain.policy import ForbiddenWords
from smsgate_server.domain.rules import Rules


@dataclass(frozen=True, slots=True)
class ServerPolicy:
    """What the operator decided for all accounts."""

    default_sender: str = "Openapi"
    otp_sender: str = "OTP MOBILE"
    recipient_policy: RecipientPolicy = RecipientPolicy.STRICT
    allowed_prefixes: tuple[str, ...] = ()
    forbidden_words: tuple[str, ...] = ()
    require_price: bool = False
    limits: tuple[Limit, ...] = ()


@dataclass(frozen=True, slots=True)
class Profile:
    """`limits` are all that hold: the account's, and the server's of the kinds it has none of."""

    account: Account
    rules: Rules
    otp_rules: Rules
    terms: Terms
    limits: tuple[Limit, ...] = ()
    otp_limits: tuple[Limit, ...] = field(init=False)
    request_limits: tuple[Limit, ...] = field(init=False)
    message_limits: tuple[Limit, ...] = field(init=False)
    stream_limits: tuple[Limit, ...] = field(init=False)

    def __post_init__(self) -> None:
        for name, kinds in _KINDS.items():
            chosen = tuple(limit for limit in self.limits if limit.kind in kinds)
            object.__setattr__(self, name, chosen)

    @property
    def id(self) -> str:
        return self.account.id


_KINDS = {
    "otp_limits": frozenset(kind for kind in LimitKind if kind.of_otp),
    "request_limits": frozenset({LimitKind.REQUESTS, LimitKind.KEY_REQUESTS}),
    "message_limits": frozenset({LimitKind.MESSAGES}),
    "stream_limits": frozenset({LimitKind.STREAMS}),
}


def profile_of(account: Account, server: ServerPolicy) -> Profile:
    policy = account.policy
    rules = Rules(
        account=account.id,
        default_sender=account.default_sender or server.default_sender,
        recipient_policy=server.recipient_policy,
        allowed_prefixes=server.allowed_prefixes,
        countries=policy.countries,
        forbidden_words=ForbiddenWords((*server.forbidden_words, *policy.content.forbidden_words)),
        content_mode=policy.content.mode,
        suspend_for_content=policy.content.suspend_account,
        require_price=server.require_price or policy.prices.require_price,
        price_mode=_price_mode(account, server),
        billing=account.billing_mode,
        currency=account.currency,
        suspended=None if account.state is AccountState.ACTIVE else account.state_reason,
    )
    otp_rules = replace(
        rules, default_sender=server.otp_sender, recipient_policy=RecipientPolicy.STRICT
    )
    limits = _limits(policy.limits, server.limits)
    return Profile(account, rules, otp_rules, terms_of(account), limits)


def _price_mode(account: Account, server: ServerPolicy) -> PolicyMode:
    # What the server demands of all accounts, no account can turn into a wish.
    return PolicyMode.ENFORCE if server.require_price else account.policy.prices.mode


def _limits(own: Sequence[Limit], defaults: Sequence[Limit]) -> tuple[Limit, ...]:
    kinds = {limit.kind for limit in own}
    chosen = [*own, *(limit for limit in defaults if limit.kind not in kinds)]
    return tuple(sorted(chosen, key=lambda limit: limit.kind))
