"""The rows of a batch file, each with the request_id that lets it be sent only once."""

import csv
import hashlib
import io
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from smsgate.v1 import message_service_pb2 as pb
from smsgate_client.requests import batch_item

_NAMESPACE = uuid.UUID("0f5b7d52-6f0e-4b0a-9f6e-2d1c5a5f7b10")
_COLUMNS = ("recipient", "text", "sender", "reference")
_LABEL = "label:"
_MAX_FIELD_CHARACTERS = 1_000_000


class BatchFileError(ValueError):
    """The file cannot be read as a batch."""


@dataclass(frozen=True, slots=True)
class Row:
    """One message of a file. `line` is where it begins, counted from 1.

    In its job it is known by its recipient, and which of the rows for that recipient it is. So rows
    can be added, corrected and moved, and a row that was sent and then got another text conflicts.
    """

    line: int
    recipient: str
    text: str = ""
    sender: str = ""
    reference: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    nth: int = 0

    def item(self, job: str) -> pb.BatchItem:
        """The row as an item whose request_id is the same whenever the job is run again."""
        return batch_item(
            self.recipient,
            self.text,
            sender=self.sender,
            client_reference=self.reference,
            labels=self.labels,
            request_id=str(uuid.uuid5(_NAMESPACE, f"{job}\n{self.recipient}\n{self.nth}")),
        )


def job_of(content: bytes, *common: str) -> str:
    """The name of a job that has none: its content and all that goes with every row."""
    digest = hashlib.sha256(content)
    for text in common:
        digest.update(b"\0" + text.encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def rows_of(content: bytes) -> list[Row]:
    """The rows of a CSV file with a header, or of plain numbers, one a line."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BatchFileError(f"the file is not UTF-8 (byte {error.start})") from None
    first = next((line for line in text.splitlines() if line.strip()), "")
    columns = [name.strip().strip('"').lower() for name in first.replace(";", ",").split(",")]
    rows = _csv_rows(text, first) if "recipient" in columns else _plain_rows(text)
    seen: Counter[str] = Counter()
    counted = []
    for row in rows:
        counted.append(replace(row, nth=seen[row.recipient]))
        seen[row.recipient] += 1
    if not counted:
        raise BatchFileError("the file has no rows")
    return counted


def _plain_rows(text: str) -> Iterator[Row]:
    for number, line in enumerate(text.splitlines(), 1):
        if (recipient := line.strip()) and not recipient.startswith("#"):
            if "," in recipient or ";" in recipient:
                raise BatchFileError(
                    f"line {number} has more than a number: "
                    "a CSV file begins with a header such as recipient,text"
                )
            yield Row(number, recipient)


def _csv_rows(text: str, header: str) -> Iterator[Row]:
    # Spreadsheets of many countries write semicolons.
    delimiter = "," if "," in header else ";"
    csv.field_size_limit(_MAX_FIELD_CHARACTERS)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    names: list[str] = []
    begin = 1
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                pass
            elif not names:
                names = _checked_names(cells)
            else:
                yield _csv_row(begin, names, cells)
            begin = reader.line_num + 1
    except csv.Error as error:
        raise BatchFileError(f"line {begin} is not CSV: {error}") from None


def _checked_names(cells: list[str]) -> list[str]:
    names = [cell.strip() for cell in cells]
    names = [name if name.startswith(_LABEL) else name.lower() for name in names]
    for name in names:
        if name not in _COLUMNS and not (name.startswith(_LABEL) and name != _LABEL):
            raise BatchFileError(
                f"{name!r} is no column; there are {', '.join(_COLUMNS)} and label:KEY"
            )
    if len(set(names)) != len(names):
        raise BatchFileError("the header names a column twice")
    return names


def _csv_row(line: int, names: list[str], cells: list[str]) -> Row:
    if len(cells) != len(names):
        raise BatchFileError(f"line {line} has {len(cells)} fields, the header has {len(names)}")
    values = dict(zip(names, cells, strict=True))
    labels = {
        name.removeprefix(_LABEL): value
        for name, value in values.items()
        if name.startswith(_LABEL) and value
    }
    return Row(
        line,
        values["recipient"].strip(),
        values.get("text", ""),
        values.get("sender", "").strip(),
        values.get("reference", "").strip(),
        labels,
    )
