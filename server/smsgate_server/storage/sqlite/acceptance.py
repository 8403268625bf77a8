"""Storing new messages, and recognising requests that were seen before."""

from collections.abc import Sequence
from hashlib import blake2b

from smsgate_server.domain.delivery import begin, opening_event
from smsgate_server.domain.message import Message
from smsgate_server.services.ports import Acceptance, Accepted, Entry, RequestKey, StoredEntry
from smsgate_server.storage.sqlite.bulk import BulkStatement
from smsgate_server.storage.sqlite.rows import (
    MESSAGE_COLUMNS,
    MESSAGE_WIDTH,
    Row,
    delivery_row,
    message_row,
    micros,
)
from smsgate_server.storage.sqlite.workspace import Workspace
from smsgate_server.storage.sqlite.writer import Transaction

_INSERT_MESSAGES = BulkStatement(
    f"INSERT INTO messages ({MESSAGE_COLUMNS}) VALUES {{rows}}", MESSAGE_WIDTH
)
_INSERT_DELIVERIES = BulkStatement(
    "INSERT INTO deliveries (message_seq, stage, due_time, attempts, delivered) VALUES {rows}", 5
)
_INSERT_LABELS = BulkStatement("INSERT INTO labels (key, value, message_seq) VALUES {rows}", 3)
_INSERT_BATCHES = BulkStatement("INSERT INTO batches (id, first_seq, last_seq) VALUES {rows}", 3)
_FIND_REQUESTS = BulkStatement(
    "SELECT key, fingerprint, message_seqs, refused FROM requests WHERE key IN (VALUES {rows})", 1
)
_INSERT_REQUESTS = BulkStatement(
    "INSERT INTO requests (key, fingerprint, create_time, message_seqs, refused) VALUES {rows}", 5
)

# Stands for an entry whose own request id was used for something else.
_CONFLICT = 0


def accept(tx: Transaction, acceptances: Sequence[Acceptance]) -> Sequence[Accepted]:
    acceptor = _Acceptor(tx)
    acceptor.look_up(acceptances)
    results = [acceptor.accept(acceptance) for acceptance in acceptances]
    acceptor.write()
    return results


def repeat(tx: Transaction, acceptances: Sequence[Acceptance]) -> Sequence[Accepted | None]:
    acceptor = _Acceptor(tx)
    acceptor.look_up(acceptances)
    results = [
        acceptor.accept(acceptance) if acceptor.knows(acceptance) else None
        for acceptance in acceptances
    ]
    # Nothing, unless retention deleted the message of a known id: then it was stored anew.
    acceptor.write()
    return results


class _Acceptor:
    """Rows pile up here and are written in one go, table by table."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self._workspace = Workspace(tx)
        # digest -> (fingerprint, seqs of the messages, what was refused)
        self._seen: dict[bytes, tuple[bytes, list[int], str]] = {}
        self._new: dict[int, Message] = {}
        self._messages: list[Row] = []
        self._deliveries: list[Row] = []
        self._labels: list[Row] = []
        self._batches: list[Row] = []
        self._requests: list[Row] = []

    def look_up(self, acceptances: Sequence[Acceptance]) -> None:
        keys = {
            _digest(key)
            for acceptance in acceptances
            for key in (acceptance.request, *(entry.request for entry in acceptance.entries))
            if key is not None
        }
        rows = _FIND_REQUESTS.fetch(self._tx.db, [(key,) for key in keys])
        for digest, fingerprint, seqs, refused in rows:
            self._seen[digest] = (fingerprint, [int(s) for s in seqs.split(",") if s], refused)
        self._workspace.load(seq for _, seqs, _ in self._seen.values() for seq in seqs)

    def knows(self, acceptance: Acceptance) -> bool:
        """Whether nothing of it is new."""
        if acceptance.request and _digest(acceptance.request) in self._seen:
            return True
        return acceptance.request is None and all(
            entry.request and _digest(entry.request) in self._seen for entry in acceptance.entries
        )

    def accept(self, acceptance: Acceptance) -> Accepted:
        request = acceptance.request
        seen = self._seen.get(_digest(request)) if request else None
        if request and seen:
            return self._repeat(request, seen)
        entries = [self._store(entry) for entry in acceptance.entries]
        fresh = [e.message for e in entries if e.message is not None and not e.replayed]
        if fresh and fresh[0].batch_id:
            self._batches.append((fresh[0].batch_id, fresh[0].seq, fresh[-1].seq))
        if request:
            seqs = [e.message.seq if e.message else _CONFLICT for e in entries]
            at = acceptance.entries[0].message if acceptance.entries else None
            self._remember(request, seqs, acceptance.refused, at)
        return Accepted(entries, self._tx.head)

    def _repeat(self, request: RequestKey, seen: tuple[bytes, list[int], str]) -> Accepted:
        fingerprint, seqs, refused = seen
        if fingerprint != request.fingerprint:
            return Accepted((), self._tx.head, conflict=True)
        entries = [self._again(seq) for seq in seqs if seq == _CONFLICT or self._known([seq])]
        return Accepted(entries, self._tx.head, replayed=True, refused=refused)

    def _store(self, entry: Entry) -> StoredEntry:
        request = entry.request
        if request:
            fingerprint, seqs, _ = self._seen.get(_digest(request), (b"", [], ""))
            known = self._known(seqs)
            if known:
                same = fingerprint == request.fingerprint
                return StoredEntry(known[0] if same else None, replayed=same)
        seq = self._tx.next_seq()
        message = entry.message.numbered(seq)
        self._new[seq] = message
        self._messages.append(message_row(message))
        self._deliveries.append(delivery_row(seq, begin(message)))
        self._labels += [(key, value, seq) for key, value in message.labels.items()]
        self._tx.events.append(opening_event(message, seq))
        self._tx.waiting += message.schedule_time is None
        if request:
            self._remember(request, [seq], "", message)
        return StoredEntry(message)

    def _again(self, seq: int) -> StoredEntry:
        if seq == _CONFLICT:
            return StoredEntry(None)
        return StoredEntry(self._known([seq])[0], replayed=True)

    def _known(self, seqs: Sequence[int]) -> list[Message]:
        """The messages of a request, as they are now; those that retention deleted are left out."""
        found = (self._new.get(seq) or self._workspace.messages.get(seq) for seq in seqs)
        return [message for message in found if message is not None]

    def _remember(
        self, request: RequestKey, seqs: list[int], refused: str, at: Message | None
    ) -> None:
        digest = _digest(request)
        self._seen[digest] = (request.fingerprint, seqs, refused)
        time = micros(at.create_time) if at else 0
        text = ",".join(map(str, seqs))
        self._requests.append((digest, request.fingerprint, time, text, refused))

    def write(self) -> None:
        db = self._tx.db
        _INSERT_MESSAGES.run(db, self._messages)
        _INSERT_DELIVERIES.run(db, self._deliveries)
        _INSERT_LABELS.run(db, self._labels)
        _INSERT_BATCHES.run(db, self._batches)
        _INSERT_REQUESTS.run(db, self._requests)


def _digest(request: RequestKey) -> bytes:
    # The separator is in none of the three, so no two keys run together.
    text = f"{request.account}\0{request.method}\0{request.request_id}"
    return blake2b(text.encode(), digest_size=16).digest()
