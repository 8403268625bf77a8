"""Times, spans and money between Python's types and the contract's."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.money_pb2 import Money

_NANOS = 1_000_000_000


def timestamp(time: datetime) -> Timestamp:
    """An aware time; a naive one is a ValueError, because nobody can know which zone was meant."""
    if time.tzinfo is None:
        raise ValueError("a time needs a time zone, e.g. datetime.now(UTC)")
    stamp = Timestamp()
    stamp.FromDatetime(time)
    return stamp


def time_of(stamp: Timestamp) -> datetime:
    """A timestamp of the contract as an aware time in UTC."""
    return stamp.ToDatetime(tzinfo=UTC)


def duration(span: timedelta | float) -> Duration:
    """A span, either a timedelta or a number of seconds."""
    made = Duration()
    made.FromTimedelta(span if isinstance(span, timedelta) else timedelta(seconds=span))
    return made


def seconds(span: timedelta | float) -> float:
    """A span in seconds."""
    return span.total_seconds() if isinstance(span, timedelta) else span


def money(price: Money | str) -> Money:
    """An amount, e.g. "0.05 EUR". Money is never a float."""
    if isinstance(price, Money):
        return price
    amount, _, currency = price.partition(" ")
    try:
        nanos = Decimal(amount) * _NANOS
        exact = int(nanos)
    except (InvalidOperation, ValueError, OverflowError):
        raise ValueError(f"{price!r} is not an amount such as '0.05 EUR'") from None
    if not currency or nanos != exact:
        raise ValueError(f"{price!r} is not an amount such as '0.05 EUR'")
    sign = -1 if exact < 0 else 1
    units, rest = divmod(abs(exact), _NANOS)
    return Money(currency_code=currency.strip().upper(), units=sign * units, nanos=sign * rest)


def amount_of(price: Money) -> Decimal:
    """The exact amount, without its currency."""
    return (Decimal(price.units) + Decimal(price.nanos) / _NANOS).normalize() + 0
