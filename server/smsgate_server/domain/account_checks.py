"""Everything that can be wrong with an account, its policy or a key, found in one pass."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from smsgate_server.domain.account import Account, AccountPolicy, Bundle, Limit, LimitKind
from smsgate_server.domain.address import parse_sender
from smsgate_server.domain.destinations import name_of
from smsgate_server.domain.errors import ErrorReason, Violation
from smsgate_server.domain.money import is_currency
from smsgate_server.domain.submission import check_labels, printable

MAX_LIMITS = 64
MAX_WORDS = 1_000
MAX_WORD = 64
MAX_DISPLAY_NAME = 100
MAX_REASON = 200
MIN_PERIOD = timedelta(seconds=1)
MAX_PERIOD = timedelta(days=31)

_ID = re.compile(r"[a-z][a-z0-9-]{1,39}")


def check_account(account: Account) -> list[Violation]:
    """`field` of each violation is the path in an account."""
    found = check_account_id(account.id)
    found += _check_text("display_name", account.display_name, MAX_DISPLAY_NAME)
    found += _check_text("state_reason", account.state_reason, MAX_REASON)
    if not is_currency(account.currency):
        description = "must be an ISO 4217 code such as EUR"
        found.append(Violation("currency", ErrorReason.INVALID_MONEY, description))
    if isinstance(parsed := parse_sender(account.default_sender, ""), Violation):
        found.append(Violation("default_sender", parsed.reason, parsed.description))
    found += check_labels(account.labels)
    found += [v.under("bundle") for v in _check_bundle(account.bundle)]
    found += [v.under("policy") for v in _check_policy(account.policy)]
    return found


def check_account_id(account_id: str) -> list[Violation]:
    if _ID.fullmatch(account_id):
        return []
    reason = ErrorReason.INVALID_FIELD if account_id else ErrorReason.FIELD_REQUIRED
    description = "must be a lower-case letter, then 1 to 39 of a-z, 0-9 and -"
    return [Violation("id", reason, description)]


def check_display_name(name: str) -> list[Violation]:
    return _check_text("display_name", name, MAX_DISPLAY_NAME)


def check_note(note: str) -> list[Violation]:
    return _check_text("note", note, MAX_REASON)


def check_expiry(expire_time: datetime | None, now: datetime) -> list[Violation]:
    if expire_time is None or expire_time > now:
        return []
    return [Violation("expire_time", ErrorReason.INVALID_TIME, "is not in the future")]


def _check_text(field: str, text: str, longest: int) -> list[Violation]:
    if len(text) > longest:
        description = f"has {len(text)} characters; at most {longest} are allowed"
        return [Violation(field, ErrorReason.FIELD_TOO_LONG, description)]
    if any(unicodedata.category(char) in ("Cc", "Cs") for char in text):
        description = "must not contain control characters"
        return [Violation(field, ErrorReason.INVALID_FIELD, description)]
    return []


def _check_bundle(bundle: Bundle) -> list[Violation]:
    return _check_countries("countries", bundle.countries)


def _check_policy(policy: AccountPolicy) -> list[Violation]:
    found = _check_countries("countries.allowed_countries", policy.countries.allowed)
    found += _check_countries("countries.denied_countries", policy.countries.denied)
    found += _check_words(policy.content.forbidden_words)
    found += _check_limits(policy.limits)
    return found


def _check_countries(field: str, countries: Sequence[str]) -> list[Violation]:
    return [
        Violation(
            f"{field}[{index}]",
            ErrorReason.INVALID_FIELD,
            f'"{printable(country)}" is not a destination; write IT, or +881',
        )
        for index, country in enumerate(countries)
        if not name_of(country)
    ]


def _check_words(words: Sequence[str]) -> list[Violation]:
    field = "content.forbidden_words"
    if len(words) > MAX_WORDS:
        description = f"has {len(words)} words; at most {MAX_WORDS} are allowed"
        return [Violation(field, ErrorReason.TOO_MANY_ITEMS, description)]
    return [
        Violation(
            f"{field}[{index}]", ErrorReason.INVALID_FIELD, f"must have 1 to {MAX_WORD} characters"
        )
        for index, word in enumerate(words)
        if not word.strip() or len(word) > MAX_WORD
    ]


def _check_limits(limits: Sequence[Limit]) -> list[Violation]:
    if len(limits) > MAX_LIMITS:
        description = f"has {len(limits)} limits; at most {MAX_LIMITS} are allowed"
        return [Violation("limits", ErrorReason.TOO_MANY_ITEMS, description)]
    return [
        Violation(f"limits[{index}].period", ErrorReason.INVALID_DURATION, fault)
        for index, limit in enumerate(limits)
        for fault in limit_faults(limit)
    ]


def limit_faults(limit: Limit) -> Iterable[str]:
    if limit.kind is LimitKind.STREAMS:
        if limit.period is not None:
            yield "is not read for streams, which are counted while they are open; leave it unset"
    elif limit.period is None:
        yield "is needed: from 1 second to 31 days"
    elif not MIN_PERIOD <= limit.period <= MAX_PERIOD:
        yield "must be from 1 second to 31 days"
