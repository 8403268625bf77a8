"""The tariffs as CSV: every fault of a file is found in one pass, and what is read can be written
back as it was.
"""

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from io import StringIO

from smsgate_server.domain.destinations import name_of
from smsgate_server.domain.message import PriceStatus
from smsgate_server.domain.money import decimal_text, is_currency, parse_decimal
from smsgate_server.domain.pricing import ANY, FLAT_COUNTRIES, TariffRow

COLUMNS = (
    "country",
    "network",
    "billing",
    "currency",
    "price",
    "valid_from",
    "valid_to",
    "status",
    "source",
    "note",
)
MAX_ROWS = 200_000
MAX_FIELD = 1_000
MAX_FAULTS = 100

_NETWORK = re.compile(r"\*|\d{5,6}|[a-z0-9-]{1,40}", re.ASCII)
_BILLINGS = frozenset({"subscription", "prepaid", ANY})
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_STATUSES: Mapping[str, PriceStatus] = {
    status.name.lower().replace("_", "-"): status
    for status in PriceStatus
    if status is not PriceStatus.UNKNOWN
}
_WORDS = {status: word for word, status in _STATUSES.items()}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with one line. `column` is empty where it is about the line as a whole."""

    line: int
    column: str
    description: str

    def __str__(self) -> str:
        where = f"line {self.line}" + (f", {self.column}" if self.column else "")
        return f"{where}: {self.description}"


class TariffFaults(Exception):
    """`faults` are the first MAX_FAULTS; `count` is how many there are."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = list(faults[:MAX_FAULTS])
        self.count = len(faults)
        lines = [str(fault) for fault in self.faults]
        if self.count > len(lines):
            lines.append(f"and {self.count - len(lines)} more")
        super().__init__("\n".join(lines))


def parse(text: str) -> list[TariffRow]:
    """The rows of a file; TariffFaults with everything that is wrong with it."""
    # Several lines can be one row, but numbers of lines are what an editor shows.
    reader = csv.reader(StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    faults: list[Fault] = []
    rows: list[tuple[int, TariffRow]] = []
    try:
        faults += _check_header(next(reader, []))
        for fields in reader if not faults else ():
            if fields:
                _take(reader.line_num, fields, rows, faults)
            if len(rows) > MAX_ROWS:
                faults.append(Fault(reader.line_num, "", f"is over the {MAX_ROWS} rows allowed"))
                break
    except csv.Error as error:
        faults.append(Fault(reader.line_num, "", f"is not CSV: {error}"))
    faults += _check_together(rows)
    if faults:
        raise TariffFaults(faults)
    return [row for _, row in rows]


def render(rows: Iterable[TariffRow]) -> str:
    """The file of which `parse` makes these rows."""
    out = StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in sorted(rows, key=lambda row: row.order):
        writer.writerow(
            (
                row.country,
                row.network,
                row.billing,
                row.currency,
                decimal_text(row.price_micros),
                row.valid_from or "",
                row.valid_to or "",
                _WORDS[row.status],
                row.source,
                row.note,
            )
        )
    return out.getvalue()


def _check_header(header: Sequence[str]) -> list[Fault]:
    if tuple(header) == COLUMNS:
        return []
    missing = [name for name in COLUMNS if name not in header]
    unknown = [name for name in header if name not in COLUMNS]
    what = []
    if missing:
        what.append(f"lacks {', '.join(missing)}")
    if unknown:
        what.append(f"has unknown {', '.join(ascii(name)[1:-1] for name in unknown[:10])}")
    why = "; ".join(what) or "has the columns in another order"
    return [Fault(1, "", f"{why}; the header must be {','.join(COLUMNS)}")]


def _take(
    line: int, fields: Sequence[str], rows: list[tuple[int, TariffRow]], faults: list[Fault]
) -> None:
    if len(fields) != len(COLUMNS):
        faults.append(Fault(line, "", f"has {len(fields)} fields, and {len(COLUMNS)} are needed"))
        return
    values = dict(zip(COLUMNS, fields, strict=True))
    found = _check_fields(line, values)
    faults += found
    if not found:
        rows.append((line, _row(values)))


def _check_fields(line: int, values: Mapping[str, str]) -> list[Fault]:
    faults = []

    def check(column: str, good: bool, description: str) -> None:
        if not good:
            faults.append(Fault(line, column, description))

    for column, value in values.items():
        check(column, len(value) <= MAX_FIELD, f"is over {MAX_FIELD} characters")
        check(column, not _CONTROL.search(value), "contains a control character")
    country, network = values["country"], values["network"]
    check(
        "country",
        country == ANY or bool(name_of(country)),
        "must be ISO 3166-1 alpha-2 such as IT, a code such as +881, or *",
    )
    check("network", bool(_NETWORK.fullmatch(network)), "must be *, MCCMNC or a name in a-z 0-9 -")
    if network != ANY:
        check("network", country != ANY, "needs a country")
        check("network", country not in FLAT_COUNTRIES, f"must be *: {country} has a flat price")
    check("billing", values["billing"] in _BILLINGS, "must be subscription, prepaid or *")
    check("currency", is_currency(values["currency"]), "must be an ISO 4217 code such as EUR")
    check("status", values["status"] in _STATUSES, f"must be one of {', '.join(_STATUSES)}")
    check("source", bool(values["source"].strip()), "is empty: say where the price comes from")
    faults += _check_price(line, values)
    faults += _check_days(line, values)
    return faults


def _check_price(line: int, values: Mapping[str, str]) -> list[Fault]:
    try:
        micros = parse_decimal(values["price"])
    except ValueError as error:
        return [Fault(line, "price", str(error))]
    if micros == 0 and values["status"] != "operator":
        return [Fault(line, "price", "is 0, which only a price of the operator's own can be")]
    return []


def _check_days(line: int, values: Mapping[str, str]) -> list[Fault]:
    faults = []
    days = {}
    for column in ("valid_from", "valid_to"):
        try:
            days[column] = _day(values[column])
        except ValueError:
            faults.append(Fault(line, column, "must be a day such as 2026-01-31, or empty"))
    first, last = days.get("valid_from"), days.get("valid_to")
    if first and last and last < first:
        faults.append(Fault(line, "valid_to", "is before valid_from"))
    return faults


def _day(text: str) -> date | None:
    if not text:
        return None
    if not _DAY.fullmatch(text):
        raise ValueError(text)
    return date.fromisoformat(text)


def _row(values: Mapping[str, str]) -> TariffRow:
    return TariffRow(
        country=values["country"],
        network=values["network"],
        billing=values["billing"],
        currency=values["currency"],
        price_micros=parse_decimal(values["price"]),
        status=_STATUSES[values["status"]],
        valid_from=_day(values["valid_from"]),
        valid_to=_day(values["valid_to"]),
        source=values["source"],
        note=values["note"],
    )


def _check_together(rows: Sequence[tuple[int, TariffRow]]) -> list[Fault]:
    """What is wrong with rows only beside one another."""
    faults = []
    currencies: dict[str, tuple[int, str]] = {}
    ordered = sorted(rows, key=lambda item: (item[1].order, item[0]))
    for index, (line, row) in enumerate(ordered):
        first_line, currency = currencies.setdefault(row.country, (line, row.currency))
        if row.currency != currency:
            description = f"is not {currency}, as in line {first_line}: a country has one currency"
            faults.append(Fault(line, "currency", description))
        if index and (before := ordered[index - 1])[1].order[:3] == row.order[:3]:
            last = before[1].valid_to
            if last is None or row.valid_from is None or row.valid_from <= last:
                description = f"is in force at the same time as line {before[0]}"
                faults.append(Fault(line, "valid_from", description))
    return sorted(faults, key=lambda fault: fault.line)
