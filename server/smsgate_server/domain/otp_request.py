"""A request to send a code, and everything that can be wrong with it, found in one pass."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from smsgate_server.domain.callbacks import Callback
from smsgate_server.domain.errors import ErrorReason, Violation
from smsgate_server.domain.message import UnknownSubmit
from smsgate_server.domain.otp_codes import CodeAlphabet
from smsgate_server.domain.otp_texts import (
    app_hash_fault,
    brand_fault,
    host_fault,
    is_locale,
    purpose_fault,
)
from smsgate_server.domain.rules import MaxPrice

DEFAULT_LENGTH = 6
MIN_LENGTH, MAX_LENGTH = 4, 10
DEFAULT_TTL = timedelta(minutes=5)
MIN_TTL, MAX_TTL = timedelta(seconds=30), timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class CodeRequest:
    """What a caller wants sent: nothing in it is trusted yet. `length` 0 and `ttl` None are the
    defaults.
    """

    recipient: str
    purpose: str = ""
    length: int = 0
    alphabet: CodeAlphabet = CodeAlphabet.NUMERIC
    ttl: timedelta | None = None
    locale: str = ""
    brand: str = ""
    web_origin: str = ""
    android_app_hash: str = ""
    sender: str = ""
    request_id: str = ""
    dry_run: bool = False
    client_reference: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    max_price: MaxPrice | None = None
    on_unknown_submit: UnknownSubmit = UnknownSubmit.AT_LEAST_ONCE
    callback: Callback | None = field(default=None, repr=False)
    unreadable: tuple[Violation, ...] = ()


def check_request(request: CodeRequest) -> list[Violation]:
    """What is wrong beside recipient, sender, reference, labels and request id."""
    found = list(request.unreadable)
    if request.length and not MIN_LENGTH <= request.length <= MAX_LENGTH:
        description = f"must be from {MIN_LENGTH} to {MAX_LENGTH}"
        found.append(Violation("length", ErrorReason.INVALID_FIELD, description))
    if request.ttl is not None and not MIN_TTL <= request.ttl <= MAX_TTL:
        description = "must be from 30 seconds to 10 minutes"
        found.append(Violation("ttl", ErrorReason.INVALID_DURATION, description))
    if request.locale and not is_locale(request.locale):
        description = "is not a BCP 47 tag such as it or pt-BR"
        found.append(Violation("locale", ErrorReason.INVALID_FIELD, description))
    for name, fault in (
        ("purpose", purpose_fault(request.purpose)),
        ("brand", brand_fault(request.brand) if request.brand else None),
        ("web_origin", host_fault(request.web_origin) if request.web_origin else None),
        (
            "android_app_hash",
            app_hash_fault(request.android_app_hash) if request.android_app_hash else None,
        ),
    ):
        if fault:
            found.append(Violation(name, ErrorReason.INVALID_FIELD, fault))
    return found
