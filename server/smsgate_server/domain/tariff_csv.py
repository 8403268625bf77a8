"""The tariffs as CSV: every fault of a file is found in one pass, and what is read can be written
back as it was.
"""

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from io import StringIO

from smsgate_server.domain.destinations import name_of
from smsgate_server.domain.message import PriceStatus
from smsgate_server.domain.money import decimal_text, is_currency, parse_decimal
from smsgate_server.domain.pricing import ANY, FLAT_COUNTRIES, TariffRow

HEADER = "country,network,billing,currency,price,valid_from,valid_to,status,source,note"
COLUMNS = tuple(HEADER.split(","))
MAX_ROWS = 200_000
MAX_FIELD = 1_000
MAX_FAULTS = 100
# Of any currency: more is a slip of the pen.
MAX_PRICE = 1_000_000
_MAX_NUMBER = 20

_NETWORK = re.compile(r"\*|\d{5,6}|[a-z0-9-]{1,40}", re.ASCII)
_BILLINGS = frozenset({"subscription", "prepaid", ANY})
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
# Line separators and halves of surrogate pairs are as bad in a list as controls.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
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
    """`faults` are the first MAX_FAULTS found, ordered by line; `count` is how many there are."""

    def __init__(self, faults: Sequence[Fault], count: int) -> None:
        self.faults = sorted(faults, key=lambda fault: fault.line)
        self.count = count
        lines = [str(fault) for fault in self.faults]
        if self.count > len(lines):
            lines.append(f"and {self.count - len(lines)} more")
        super().__init__("\n".join(lines))


class _Found:
    """The faults so far. Only those that will be told are kept: a file can have a million."""

    def __init__(self) -> None:
        self.first: list[Fault] = []
        self.count = 0

    def add(self, line: int, column: str, description: str) -> None:
        self.count += 1
        if self.count <= MAX_FAULTS:
            self.first.append(Fault(line, column, description))


# With its line, which for a row of several lines is the first of them.
_Rows = list[tuple[int, TariffRow]]


def parse(text: str) -> list[TariffRow]:
    """The rows of a file; TariffFaults with everything that is wrong with it."""
    found = _Found()
    rows = _read(text, found)
    _check_together(rows, found)
    if found.count:
        raise TariffFaults(found.first, found.count)
    return [row for _, row in rows]


def render(rows: Iterable[TariffRow]) -> str:
    """The file of which `parse` makes these rows."""
    out = StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in sorted(rows, key=lambda row: row.order):
        price, status = decimal_text(row.price_micros), _WORDS[row.status]
        days = (row.valid_from or "", row.valid_to or "")
        name = (row.country, row.network, row.billing)
        writer.writerow((*name, row.currency, price, *days, status, row.source, row.note))
    return out.getvalue()


def _read(text: str, found: _Found) -> _Rows:
    reader = csv.reader(StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    rows: _Rows = []
    line, records = 1, 0
    try:
        if not _check_header(next(reader, []), found):
            return rows
        line = reader.line_num + 1
        for fields in reader:
            records += bool(fields)
            if records > MAX_ROWS:
                found.add(line, "", f"is over the {MAX_ROWS} rows allowed")
                break
            if fields:
                _take(line, fields, rows, found)
            line = reader.line_num + 1
    except csv.Error as error:
        # A quote that nobody closes runs to the end of the file: tell where it began.
        found.add(line, "", f"is not CSV, nor is what follows: {error}")
    return rows


def _check_header(header: Sequence[str], found: _Found) -> bool:
    if tuple(header) == COLUMNS:
        return True
    missing = [name for name in COLUMNS if name not in header]
    unknown = [ascii(name[:20])[1:-1] for name in header if name not in COLUMNS][:10]
    repeated = [name for name in COLUMNS if header.count(name) > 1]
    what = [f"lacks {', '.join(missing)}"] if missing else []
    what += [f"has unknown {', '.join(unknown)}"] if unknown else []
    what += [f"repeats {', '.join(repeated)}"] if repeated else []
    why = "; ".join(what) or "has the columns in another order"
    found.add(1, "", f"{why}; the header must be {HEADER}")
    return False


def _take(line: int, fields: Sequence[str], rows: _Rows, found: _Found) -> None:
    if len(fields) != len(COLUMNS):
        found.add(line, "", f"has {len(fields)} fields, and {len(COLUMNS)} are needed")
        return
    count = found.count
    for (column, (is_good, rule)), value in zip(_RULES.items(), fields, strict=True):
        if not is_good(value):
            found.add(line, column, rule)
    for column, rule in _contradictions(fields):
        found.add(line, column, rule)
    if found.count == count:
        rows.append((line, _row(fields)))


# Most rows of a list share their prices and their days with others.
@lru_cache(4_096)
def _micros(price: str) -> int | None:
    try:
        micros = parse_decimal(price)
    except ValueError:
        return None
    return micros if micros <= MAX_PRICE * 1_000_000 else None


@lru_cache(4_096)
def _day(text: str) -> date | None:
    # `fromisoformat` takes weeks, and days without dashes, too.
    if not _DAY.fullmatch(text):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


# What is remembered of a file must be short, whatever is in it.
def _is_price(text: str) -> bool:
    return len(text) <= _MAX_NUMBER and _micros(text) is not None


def _is_day(text: str) -> bool:
    return not text or (len(text) <= _MAX_NUMBER and _day(text) is not None)


def _is_text(text: str) -> bool:
    return len(text) <= MAX_FIELD and not _CONTROL.search(text)


_RULES: Mapping[str, tuple[Callable[[str], object], str]] = {
    "country": (
        lambda text: text == ANY or name_of(text),
        "must be ISO 3166-1 alpha-2 such as IT, a code such as +881, or *",
    ),
    "network": (_NETWORK.fullmatch, "must be *, MCCMNC or a name in a-z 0-9 -"),
    "billing": (_BILLINGS.__contains__, "must be subscription, prepaid or *"),
    "currency": (is_currency, "must be an ISO 4217 code such as EUR"),
    "price": (_is_price, f"must be a plain decimal up to {MAX_PRICE}, with at most six places"),
    "valid_from": (_is_day, "must be a day such as 2026-01-31, or empty"),
    "valid_to": (_is_day, "must be a day such as 2026-01-31, or empty"),
    "status": (_STATUSES.__contains__, f"must be one of {', '.join(_STATUSES)}"),
    "source": (
        lambda text: text.strip() and _is_text(text),
        f"must say where the price comes from, in up to {MAX_FIELD} characters, no controls",
    ),
    "note": (_is_text, f"must be up to {MAX_FIELD} characters, no controls"),
}


def _contradictions(fields: Sequence[str]) -> Iterator[tuple[str, str]]:
    country, network, _, _, price, first, last, status, _, _ = fields
    if network != ANY and country == ANY:
        yield "network", "needs a country"
    if network != ANY and country in FLAT_COUNTRIES:
        yield "network", f"must be *: {country} has a flat price"
    if status != "operator" and _is_price(price) and _micros(price) == 0:
        yield "price", "is 0, which only a price of the operator's own can be"
    if _DAY.fullmatch(first) and _DAY.fullmatch(last) and last < first:
        yield "valid_to", "is before valid_from"


def _row(fields: Sequence[str]) -> TariffRow:
    country, network, billing, currency, price, first, last, status, source, note = fields
    name, days = (country, network, billing), (_day(first), _day(last))
    return TariffRow(*name, currency, _micros(price) or 0, _STATUSES[status], *days, source, note)


def _check_together(rows: _Rows, found: _Found) -> None:
    """What is wrong with rows only beside one another."""
    ordered = sorted(rows, key=lambda item: (item[1].order, item[0]))
    _check_overlaps(ordered, found)
    # `*` sorts before every country.
    firsts: dict[str, tuple[int, str]] = {}
    for line, row in ordered:
        first_line, currency = firsts.setdefault(row.country, (line, row.currency))
        any_line, any_currency = firsts.get(ANY, (line, row.currency))
        if row.currency != currency:
            why = f"is not {currency}, as in line {first_line}: a country has one currency"
            found.add(line, "currency", why)
        elif row.network != ANY and row.currency != any_currency:
            # One quote covers both: this operator, and those for whom only the row of all counts.
            why = f"is not {any_currency}, as in line {any_line}, which counts for other operators"
            found.add(line, "currency", why)


def _check_overlaps(ordered: _Rows, found: _Found) -> None:
    key: tuple[str, str, str] | None = None
    # The row of this key that is in force the longest: it need not be the one before.
    longest_line, longest = 0, date.min
    for line, row in ordered:
        first, last = row.valid_from or date.min, row.valid_to or date.max
        if key != (row.country, row.network, row.billing):
            key, longest_line, longest = row.order[:3], line, last
            continue
        if first <= longest:
            found.add(line, "valid_from", f"is in force at the same time as line {longest_line}")
        if last > longest:
            longest_line, longest = line, last
