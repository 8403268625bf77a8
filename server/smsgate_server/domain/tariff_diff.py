"""What differs between two versions of the tariffs."""

from collections.abc import Sequence
from dataclasses import dataclass

from smsgate_server.domain.money import decimal_text
from smsgate_server.domain.pricing import TariffRow

MAX_LINES = 200


@dataclass(frozen=True, slots=True)
class TariffDiff:
    """Ordered by country, network, billing mode and first day; `changed` are (old, new)."""

    added: Sequence[TariffRow]
    removed: Sequence[TariffRow]
    changed: Sequence[tuple[TariffRow, TariffRow]]
    unchanged: int

    @property
    def any(self) -> bool:
        return bool(self.added or self.removed or self.changed)


def diff(old: Sequence[TariffRow], new: Sequence[TariffRow]) -> TariffDiff:
    """Rows are the same row if country, network, billing mode and first day agree."""
    before = {row.order: row for row in old}
    after = {row.order: row for row in new}
    both = sorted(before.keys() & after.keys())
    changed = [(before[key], after[key]) for key in both if before[key] != after[key]]
    return TariffDiff(
        added=[after[key] for key in sorted(after.keys() - before.keys())],
        removed=[before[key] for key in sorted(before.keys() - after.keys())],
        changed=changed,
        unchanged=len(both) - len(changed),
    )


def lines(difference: TariffDiff, limit: int = MAX_LINES) -> list[str]:
    """The difference for a terminal: a line a row, at most `limit` of them, and one with counts."""
    shown = [
        *(f"- {_name(row)} {_price(row)}" for row in difference.removed),
        *(f"+ {_name(row)} {_price(row)}" for row in difference.added),
        *(f"~ {_name(new)} {_change(old, new)}" for old, new in difference.changed),
    ]
    left_out = len(shown) - limit
    if left_out > 0:
        shown = [*shown[:limit], f"… and {left_out} more"]
    counts = (
        f"{len(difference.added)} added, {len(difference.removed)} removed, "
        f"{len(difference.changed)} changed, {difference.unchanged} unchanged"
    )
    return [*shown, counts]


def _name(row: TariffRow) -> str:
    first = f" from {row.valid_from}" if row.valid_from else ""
    last = f" to {row.valid_to}" if row.valid_to else ""
    return f"{row.country} {row.network} {row.billing}{first}{last}"


def _price(row: TariffRow) -> str:
    return f"{decimal_text(row.price_micros)} {row.currency}"


def _change(old: TariffRow, new: TariffRow) -> str:
    names = ("status", "valid_from", "valid_to", "source", "note")
    others = ", ".join(name for name in names if getattr(old, name) != getattr(new, name))
    return _price_change(old, new) + (f", other {others}" if others else "")


def _price_change(old: TariffRow, new: TariffRow) -> str:
    if old.currency != new.currency:
        return f"{_price(old)} → {_price(new)}"
    if old.price_micros == new.price_micros:
        return _price(new)
    text = f"{decimal_text(old.price_micros)} → {_price(new)}"
    if old.price_micros == 0:
        return text
    return f"{text} ({(new.price_micros - old.price_micros) / old.price_micros:+.1%})".replace(
        "%", " %"
    )
