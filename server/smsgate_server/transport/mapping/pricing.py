"""Prices, destinations and numbers as messages of the contract."""

from datetime import UTC, date, datetime, time, timedelta

from google.protobuf.timestamp_pb2 import Timestamp

from smsgate.v1 import pricing_service_pb2 as pb
from smsgate_server.domain.account import BillingMode
from smsgate_server.domain.destinations import name_of
from smsgate_server.domain.pricing import TariffRow
from smsgate_server.services.price_lists import Lookup, Offer
from smsgate_server.transport.mapping.money import money
from smsgate_server.transport.mapping.responses import timestamp

_KINDS = {
    "mobile": pb.NUMBER_KIND_MOBILE,
    "fixed_line": pb.NUMBER_KIND_FIXED_LINE,
    "fixed_line_or_mobile": pb.NUMBER_KIND_FIXED_LINE_OR_MOBILE,
    "toll_free": pb.NUMBER_KIND_TOLL_FREE,
    "premium_rate": pb.NUMBER_KIND_PREMIUM_RATE,
    "shared_cost": pb.NUMBER_KIND_SHARED_COST,
    "voip": pb.NUMBER_KIND_VOIP,
    "personal_number": pb.NUMBER_KIND_PERSONAL,
    "pager": pb.NUMBER_KIND_PAGER,
    "uan": pb.NUMBER_KIND_UNIVERSAL_ACCESS,
    "voicemail": pb.NUMBER_KIND_VOICEMAIL,
}
_BILLINGS = {billing.word: billing for billing in BillingMode}


def price(row: TariffRow) -> pb.Price:
    made = pb.Price(
        country=row.country,
        country_name=name_of(row.country),
        network=row.network,
        billing_mode=int(_BILLINGS.get(row.billing, 0)),  # type: ignore[arg-type]
        price_per_segment=money(row.price_micros, row.currency),
        price_status=int(row.status),  # type: ignore[arg-type]
        source=row.source,
        note=row.note,
    )
    if row.valid_from is not None:
        made.valid_from.CopyFrom(_midnight(row.valid_from))
    if row.valid_to is not None and row.valid_to < date.max:
        made.valid_before.CopyFrom(_midnight(row.valid_to + timedelta(days=1)))
    return made


def _midnight(day: date) -> Timestamp:
    return timestamp(datetime.combine(day, time(), UTC))


def destination(offer: Offer) -> pb.Destination:
    place, quote = offer.place, offer.quote
    made = pb.Destination(
        country=place.country,
        name=place.name,
        country_code=place.country_code,
        has_mobile_numbers=place.has_mobile_numbers,
        allowed=offer.allowed,
        price_status=int(quote.status),  # type: ignore[arg-type]
        flat_price=offer.flat,
    )
    if quote.known:
        made.min_price_per_segment.CopyFrom(money(quote.min_per_segment_micros, quote.currency))
        made.max_price_per_segment.CopyFrom(money(quote.per_segment_micros, quote.currency))
    return made


def lookup(recipient: str, found: Lookup) -> pb.LookupNumberResponse:
    facts, quote = found.facts, found.quote
    reason, description = found.fault or ("", "")
    made = pb.LookupNumberResponse(
        recipient=recipient,
        valid=facts.valid,
        sendable=found.fault is None,
        reason=reason,
        description=description,
        suggested_recipient=facts.suggested_recipient,
        kind=_KINDS.get(facts.kind, pb.NUMBER_KIND_UNSPECIFIED),
        country=facts.country,
        country_name=facts.country_name,
        country_code=facts.country_code,
        national_format=facts.national_format,
        international_format=facts.international_format,
        operator_hint=facts.operator_hint,
        operator_source=facts.operator_source,
        portable=facts.portable,
        price_status=int(quote.status),  # type: ignore[arg-type]
        price_exact=quote.known and quote.exact,
    )
    if quote.known:
        made.price_per_segment.CopyFrom(money(quote.per_segment_micros, quote.currency))
    return made
