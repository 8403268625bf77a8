"""What the simulated carrier remembers when it is killed, as a real one would.

One JSON line per submit that reached it, with the receipts it will send, and one per receipts that
were acknowledged. Lines go straight to the file, so they survive kill -9 of the process.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from smsgate_server.domain.delivery import Receipt
from smsgate_server.domain.message import Message, Reason, Status

# Receipts older than this are of no use to anyone.
_KEPT = timedelta(hours=72)


@dataclass(frozen=True, slots=True)
class Promised:
    """A receipt and when it is to be sent."""

    due: datetime
    receipt: Receipt


class Journal:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def submitted(self, message: Message, attempt: int, promised: list[Promised]) -> None:
        receipts = [_written(p) for p in promised]
        self._write({"submit": message.id, "attempt": attempt, "receipts": receipts})

    def acknowledged(self, receipts: list[Receipt]) -> None:
        self._write({"done": [[r.carrier_id, int(r.status)] for r in receipts]})

    def _write(self, line: dict[str, object]) -> None:
        # One write of one line to a file opened for appending is not mixed with another's.
        os.write(self._file, (json.dumps(line) + "\n").encode())

    def close(self) -> None:
        os.close(self._file)


def submits(path: Path) -> Iterator[tuple[str, int]]:
    """(message id, attempt) of every submit that reached the carrier: what tells double sends."""
    for line in _lines(path):
        if "submit" in line:
            yield str(line["submit"]), int(line["attempt"])


def outstanding(path: Path, carrier: str, now: datetime) -> list[Promised]:
    """The receipts that were promised and not acknowledged."""
    promised: dict[tuple[str, int], Promised] = {}
    for line in _lines(path):
        for written in line.get("receipts", ()):
            read = _read(written, carrier)
            if read.due > now - _KEPT:
                promised[read.receipt.carrier_id, int(read.receipt.status)] = read
        for carrier_id, status in line.get("done", ()):
            promised.pop((carrier_id, status), None)
    return list(promised.values())


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    if not path.exists():
        return
    with path.open(encoding="utf-8") as file:
        for line in file:
            try:
                yield json.loads(line)
            except json.JSONDecodeError:
                continue  # the last line of a process that was killed while it wrote


def _written(promised: Promised) -> list[object]:
    receipt = promised.receipt
    return [
        promised.due.timestamp(),
        receipt.carrier_id,
        int(receipt.status),
        receipt.code,
        int(receipt.reason),
        receipt.recipient,
    ]


def _read(written: list[Any], carrier: str) -> Promised:
    due, carrier_id, status, code, reason, recipient = written
    time = datetime.fromtimestamp(due, UTC)
    receipt = Receipt(
        carrier,
        str(carrier_id),
        Status(status),
        str(code),
        Reason(reason),
        time,
        str(recipient),
        exact_id=True,
    )
    return Promised(time, receipt)
