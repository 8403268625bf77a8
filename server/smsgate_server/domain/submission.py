"""A request to send one message, and everything that can be wrong with it, found in one pass."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from datetime import datetime, timedelta

from smsgate_server.domain.account import BillingMode
from smsgate_server.domain.address import Msisdn, parse_msisdn, parse_sender
from smsgate_server.domain.callbacks import Callback
from smsgate_server.domain.delivery import MAX_SEGMENTS
from smsgate_server.domain.errors import (
    ErrorReason,
    InvalidArgument,
    SmsgateError,
    Violation,
)
from smsgate_server.domain.message import MAX_VALIDITY, Encoding, UnknownSubmit
from smsgate_server.domain.number_facts import network_of
from smsgate_server.domain.pricing import ANY, NO_QUOTE, PriceList, Quote
from smsgate_server.domain.rules import MaxPrice, Rules, check_rules
from smsgate_server.domain.segmentation import check_text, count_segments
from smsgate_server.domain.smart_encoding import simplify
from smsgate_server.domain.values import frozen

DEFAULT_MAX_SEGMENTS = 10
MIN_VALIDITY = timedelta(seconds=1)
MAX_SCHEDULE = timedelta(days=7)
MAX_LABELS = 16
MAX_LABEL_VALUE = 128
# A batch of 1,000 must fit in one response of a stream (4 MiB is what clients accept by default).
MAX_LABEL_BYTES = 1024
MAX_CLIENT_REFERENCE = 128

_LABEL_KEY = re.compile(r"[A-Za-z0-9_.-]{1,63}", re.ASCII)
_REQUEST_ID = re.compile(r"[!-~]{1,36}", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


@frozen
class Options:
    dry_run: bool = False
    fail_on_multiple_messages: bool = False
    max_segments: int = 0
    validity_period: timedelta | None = None
    send_time: datetime | None = None
    max_price: MaxPrice | None = None
    smart_encoding: bool = False
    on_unknown_submit: UnknownSubmit = UnknownSubmit.AT_MOST_ONCE
    callback: Callback | None = field(default=None, repr=False)
    # What could not even be read from the request (e.g. a negative nanosecond count).
    unreadable: tuple[Violation, ...] = ()


NO_OPTIONS = Options()


@frozen
class Submission:
    """One message as the caller wrote it: nothing in it is trusted yet."""

    recipient: str
    text: str
    sender: str = ""
    request_id: str = ""
    client_reference: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    options: Options = NO_OPTIONS


@frozen
class Draft:
    """A submission with its parts parsed.

    What could not be parsed is None and stands in `errors`. `noted` is what only goes on record.
    """

    sender: str | None
    recipient: Msisdn | None
    text: str
    substituted: int
    encoding: Encoding
    segments: int
    quote: Quote
    errors: Sequence[SmsgateError]
    noted: Sequence[SmsgateError] = ()


def draft(submission: Submission, rules: Rules, prices: PriceList, now: datetime) -> Draft:
    """Check everything. `errors` is all that is wrong: first the malformed fields as one error,
    then policy.
    """
    options = submission.options
    violations = _check_fields(submission, now)
    parsed_sender = parse_sender(submission.sender, rules.default_sender)
    parsed_recipient = parse_msisdn(
        submission.recipient, rules.recipient_policy, rules.allowed_prefixes
    )
    sender, recipient = None, None
    if isinstance(parsed_sender, Violation):
        violations.append(parsed_sender)
    else:
        sender = parsed_sender
    if isinstance(parsed_recipient, Violation):
        violations.append(parsed_recipient)
    else:
        recipient = parsed_recipient
    text, substituted = submission.text, 0
    bad_text = check_text(text)
    if bad_text:
        violations.append(bad_text)
    elif options.smart_encoding:
        smart = simplify(text)
        text, substituted = smart.text, smart.substituted
    # A text that is refused is not measured: it can be 10 MB long.
    encoding, segments = (Encoding.GSM7, 0) if bad_text else count_segments(text)
    violations += _check_segments(segments, options)
    quote = quote_of(recipient, prices, rules.billing) if recipient else NO_QUOTE
    country = recipient.country if recipient else None
    found = check_rules(rules, sender, text, country, quote, segments, options.max_price)
    errors: list[SmsgateError] = [InvalidArgument.of(violations)] if violations else []
    errors += found.errors
    return Draft(
        sender, recipient, text, substituted, encoding, segments, quote, errors, found.noted
    )


def quote_of(recipient: Msisdn, prices: PriceList, billing: BillingMode) -> Quote:
    """The price for a number. Its operator is looked up only where the price depends on it."""
    country = recipient.country
    network = network_of(recipient.e164) if prices.has_networks(country) else ANY
    return prices.quote(country, billing.word, network)


def with_violations(drafted: Draft, found: Sequence[Violation]) -> Draft:
    """The same draft, with more that is wrong with its fields: all of that is one error."""
    violations = [v for e in drafted.errors if isinstance(e, InvalidArgument) for v in e.violations]
    rest = [error for error in drafted.errors if not isinstance(error, InvalidArgument)]
    return replace(drafted, errors=[InvalidArgument.of([*violations, *found]), *rest])


def without_field(drafted: Draft, name: str) -> Draft:
    """The same draft, not held against it what is wrong with one field."""
    errors: list[SmsgateError] = []
    for error in drafted.errors:
        if isinstance(error, InvalidArgument):
            rest = [v for v in error.violations if v.field != name]
            errors += [InvalidArgument.of(rest)] if rest else []
        else:
            errors.append(error)
    return replace(drafted, errors=errors)


def _check_fields(submission: Submission, now: datetime) -> list[Violation]:
    options = submission.options
    found = list(options.unreadable)
    if submission.request_id:
        found += check_request_id(submission.request_id)
    if submission.client_reference:
        found += check_reference(submission.client_reference)
    if submission.labels:
        found += check_labels(submission.labels)
    if options is not NO_OPTIONS:
        found += _check_times(options, now)
    return found


def check_request_id(request_id: str) -> list[Violation]:
    if not request_id or _REQUEST_ID.fullmatch(request_id):
        return []
    description = "must be up to 36 printable ASCII characters without spaces; use a UUID"
    return [Violation("request_id", ErrorReason.INVALID_REQUEST_ID, description)]


def check_reference(reference: str) -> list[Violation]:
    if len(reference) > MAX_CLIENT_REFERENCE:
        description = f"has {len(reference)} characters; at most {MAX_CLIENT_REFERENCE} are allowed"
        return [Violation("client_reference", ErrorReason.FIELD_TOO_LONG, description)]
    if _CONTROL.search(reference):
        description = "must not contain control characters"
        return [Violation("client_reference", ErrorReason.INVALID_FIELD, description)]
    return []


def check_labels(labels: Mapping[str, str]) -> list[Violation]:
    if not labels:
        return []
    found = []
    if len(labels) > MAX_LABELS:
        description = f"has {len(labels)} labels; at most {MAX_LABELS} are allowed"
        found.append(Violation("labels", ErrorReason.TOO_MANY_ITEMS, description))
    elif sum(len(key) + len(value.encode()) for key, value in labels.items()) > MAX_LABEL_BYTES:
        description = f"is over {MAX_LABEL_BYTES} bytes in all"
        found.append(Violation("labels", ErrorReason.INVALID_LABEL, description))
    for key, value in list(labels.items())[:MAX_LABELS]:
        name = f'labels["{printable(key)}"]'
        if not _LABEL_KEY.fullmatch(key):
            description = "is not a key: 1 to 63 characters of A-Z a-z 0-9 _ . -"
            found.append(Violation(name, ErrorReason.INVALID_LABEL, description))
        elif len(value) > MAX_LABEL_VALUE or _CONTROL.search(value):
            description = f"must be up to {MAX_LABEL_VALUE} characters without control characters"
            found.append(Violation(name, ErrorReason.INVALID_LABEL, description))
    return found


def printable(text: str) -> str:
    """The beginning of what a caller wrote, fit for an error."""
    return ascii(text[:20])[1:-1]


def _check_times(options: Options, now: datetime) -> list[Violation]:
    found = []
    validity = options.validity_period
    if validity is not None and not MIN_VALIDITY <= validity <= MAX_VALIDITY:
        description = "must be from 1 second to 48 hours"
        field_name = "options.validity_period"
        found.append(Violation(field_name, ErrorReason.INVALID_DURATION, description))
    if options.send_time is not None and options.send_time > now + MAX_SCHEDULE:
        description = "must be at most 7 days ahead"
        found.append(Violation("options.send_time", ErrorReason.INVALID_TIME, description))
    if options.max_segments > MAX_SEGMENTS:
        description = f"must be at most {MAX_SEGMENTS}"
        found.append(Violation("options.max_segments", ErrorReason.INVALID_FIELD, description))
    return found


def _check_segments(segments: int, options: Options) -> list[Violation]:
    if options.fail_on_multiple_messages and segments > 1:
        description = f"needs {segments} segments, and fail_on_multiple_messages allows one"
        return [Violation("text", ErrorReason.MULTIPLE_SEGMENTS, description)]
    limit = min(options.max_segments or DEFAULT_MAX_SEGMENTS, MAX_SEGMENTS)
    if segments > limit:
        description = f"needs {segments} segments; at most {limit} are allowed"
        return [Violation("text", ErrorReason.TOO_MANY_SEGMENTS, description)]
    return []
