"""google.type.Money and integer micros."""

from functools import lru_cache

from google.type.money_pb2 import Money

from smsgate_server.domain.errors import ErrorReason
from smsgate_server.domain.money import is_currency
from smsgate_server.domain.rules import MaxPrice
from smsgate_server.transport.mapping.reading import Reader

_MICROS = 1_000_000
# What fits the store with room to spare.
_MAX_UNITS = 10**11


@lru_cache(4_096)  # there are few prices, and each is in very many answers
def money(micros: int, currency: str) -> Money:
    """Units and nanos have the same sign, as the type demands. Copy it, never change it."""
    units, rest = divmod(abs(micros), _MICROS)
    sign = -1 if micros < 0 else 1
    return Money(currency_code=currency, units=sign * units, nanos=sign * rest * 1_000)


def amount(reader: Reader, field: str, value: Money) -> MaxPrice | None:
    """An amount of 0 or more; None if it is none, which the reader then knows."""
    if not is_currency(value.currency_code):
        reader.refuse(field, ErrorReason.INVALID_MONEY, "needs a currency code such as EUR")
    elif value.units < 0 or not 0 <= value.nanos < 1_000_000_000:
        reader.refuse(field, ErrorReason.INVALID_MONEY, "must be an amount of 0 or more")
    elif value.nanos % 1_000:
        reader.refuse(field, ErrorReason.INVALID_MONEY, "has more than six decimal places")
    else:
        return MaxPrice(value.units * _MICROS + value.nanos // 1_000, value.currency_code)
    return None


def bounded_amount(reader: Reader, field: str, value: Money, currency: str) -> int | None:
    """An amount in the account's own currency, in micros, small enough to be kept."""
    found = amount(reader, field, value)
    if found is None:
        return None
    if found.currency != currency:
        description = f"must be in {currency}, the currency of the account"
        reader.refuse(field, ErrorReason.INVALID_MONEY, description)
    elif found.micros > _MAX_UNITS * _MICROS:
        reader.refuse(field, ErrorReason.INVALID_MONEY, f"must be at most {_MAX_UNITS}")
    else:
        return found.micros
    return None
