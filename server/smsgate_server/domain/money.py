"""Amounts as integer micros, and as plain decimals at the edges."""

import re

_MICROS = 1_000_000
_DECIMAL = re.compile(r"(-?)(\d+)(?:\.(\d{1,6}))?", re.ASCII)
# Micros of twelve digits before the point fit 63 bits with room to spare.
_MAX_DIGITS = 12
_CURRENCY = re.compile(r"[A-Z]{3}")


def decimal_text(micros: int) -> str:
    """Micros as a plain decimal number."""
    sign = "-" if micros < 0 else ""
    whole, fraction = divmod(abs(micros), _MICROS)
    return f"{sign}{whole}.{fraction:06d}".rstrip("0").rstrip(".")


def parse_decimal(text: str, *, signed: bool = False) -> int:
    """The micros of a plain decimal number, of 0 or more unless it is `signed`; ValueError if it is
    none.
    """
    found = _DECIMAL.fullmatch(text)
    if found is None or (found[1] and not signed):
        raise ValueError("must be a plain decimal number with at most six places, such as 0.036")
    if len(found[2]) > _MAX_DIGITS:
        raise ValueError(f"must have at most {_MAX_DIGITS} digits before the point")
    micros = int(found[2]) * _MICROS + int((found[3] or "").ljust(6, "0"))
    return -micros if found[1] else micros


def is_currency(code: str) -> bool:
    """Whether it has the form of an ISO 4217 code."""
    return _CURRENCY.fullmatch(code) is not None
