"""Amounts as integer micros, and as plain decimals at the edges."""

import re

_MICROS = 1_000_000
_DECIMAL = re.compile(r"(\d{1,12})(?:\.(\d{1,6}))?", re.ASCII)
_CURRENCY = re.compile(r"[A-Z]{3}")


def decimal_text(micros: int) -> str:
    """Micros as a plain decimal number."""
    sign = "-" if micros < 0 else ""
    whole, fraction = divmod(abs(micros), _MICROS)
    return f"{sign}{whole}.{fraction:06d}".rstrip("0").rstrip(".")


def parse_decimal(text: str) -> int:
    """The micros of a plain decimal number of 0 or more; ValueError if it is none."""
    found = _DECIMAL.fullmatch(text)
    if found is None:
        raise ValueError("must be a plain decimal number with at most six places, such as 0.036")
    whole, fraction = found[1], found[2] or ""
    return int(whole) * _MICROS + int(fraction.ljust(6, "0"))


def is_currency(code: str) -> bool:
    """Whether it has the form of an ISO 4217 code."""
    return _CURRENCY.fullmatch(code) is not None
