"""Storing new messages, and recognising requests that were seen before."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import field
from hashlib import blake2b

from smsgate_server.domain.charging import Declined, DeclinedBy, Terms
from smsgate_server.domain.delivery import begin, opening_event
from smsgate_server.domain.message import Message
from smsgate_server.domain.values import frozen
from smsgate_server.services.ports import Acceptance, Accepted, Entry, RequestKey, StoredEntry
from smsgate_server.storage.sql.bulk import BulkStatement
from smsgate_server.storage.sql.database import Row
from smsgate_server.storage.sql.rows import (
    MESSAGE_COLUMNS,
    MESSAGE_TYPES,
    OPENING_COLUMNS,
    OPENING_TYPES,
    message_row,
    micros,
    opening_row,
)
from smsgate_server.storage.sql.transaction import Transaction
from smsgate_server.storage.sql.workspace import Workspace

_INSERT_MESSAGES = BulkStatement(
    f"INSERT INTO messages ({MESSAGE_COLUMNS}) {{rows}}", MESSAGE_TYPES
)
_INSERT_DELIVERIES = BulkStatement(
    f"INSERT INTO deliveries ({OPENING_COLUMNS}) {{rows}}", OPENING_TYPES
)
_INSERT_LABELS = BulkStatement("INSERT INTO labels (key, value, message_seq) {rows}", "ttn")
_INSERT_BATCHES = BulkStatement("INSERT INTO batches (id, first_seq, last_seq) {rows}", "tnn")
_FIND_REQUESTS = BulkStatement(
    "SELECT key, fingerprint, message_seqs, refused, declined FROM requests WHERE key IN ({rows})",
    "b",
)
_INSERT_REQUESTS = BulkStatement(
    "INSERT INTO requests (key, fingerprint, create_time, message_seqs, refused, declined) {rows}",
    "bbnttt",
)

# Stand for entries without a message: the entry's own request id was used for something else, or
# the message could not be paid.
_CONFLICT = 0
_DECLINED = -1


def accept(tx: Transaction, acceptances: Sequence[Acceptance]) -> Sequence[Accepted]:
    acceptor = Acceptor(tx)
    acceptor.look_up(acceptances)
    results = [acceptor.accept(acceptance) for acceptance in acceptances]
    acceptor.write()
    return results


def repeat(tx: Transaction, acceptances: Sequence[Acceptance]) -> Sequence[Accepted | None]:
    acceptor = Acceptor(tx)
    acceptor.look_up(acceptances)
    results = [
        acceptor.accept(acceptance) if acceptor.knows(acceptance) else None
        for acceptance in acceptances
    ]
    # Nothing, unless retention deleted the message of a known id: then it was stored anew.
    acceptor.write()
    return results


@frozen
class _Seen:
    """What a request id was used for."""

    fingerprint: bytes
    seqs: Sequence[int]
    refused: str = ""
    declined: Mapping[int, Declined] = field(default_factory=dict)


_UNSEEN = _Seen(b"", ())


class Acceptor:
    """Rows pile up here and are written in one go, table by table."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self._books = tx.books
        self._workspace = Workspace(tx)
        self._seen: dict[bytes, _Seen] = {}
        self._new: dict[int, Message] = {}
        self._messages: list[Row] = []
        self._deliveries: list[Row] = []
        self._labels: list[Row] = []
        self._batches: list[Row] = []
        self._requests: list[Row] = []

    def look_up(self, acceptances: Sequence[Acceptance]) -> None:
        keys, accounts = set(), set()
        for acceptance in acceptances:
            if acceptance.request is not None:
                keys.add(digest(acceptance.request))
            for entry in acceptance.entries:
                if entry.request is not None:
                    keys.add(digest(entry.request))
            if acceptance.entries:
                accounts.add(acceptance.entries[0].message.account)
        if keys:
            self._find(keys)
        self._books.load(accounts)

    def _find(self, keys: Collection[bytes]) -> None:
        rows = _FIND_REQUESTS.fetch(self._tx.db, [(key,) for key in keys])
        for key, fingerprint, seqs, refused, declined in rows:
            known = [int(seq) for seq in seqs.split(",") if seq]
            self._seen[key] = _Seen(fingerprint, known, refused, _read_declined(declined))
        self._workspace.load(seq for seen in self._seen.values() for seq in seen.seqs if seq > 0)

    def knows(self, acceptance: Acceptance) -> bool:
        """Whether nothing of it is new."""
        if acceptance.request and digest(acceptance.request) in self._seen:
            return True
        return acceptance.request is None and all(
            entry.request and digest(entry.request) in self._seen for entry in acceptance.entries
        )

    def accept(self, acceptance: Acceptance) -> Accepted:
        request = acceptance.request
        seen = self._seen.get(digest(request)) if request else None
        if request and seen:
            return self._repeat(request, seen)
        if acceptance.all_or_nothing and (unpaid := self._unpaid(acceptance)):
            return Accepted(unpaid, self._tx.head)
        entries = [self._store(entry, acceptance.terms) for entry in acceptance.entries]
        fresh = [e.message for e in entries if e.message is not None and not e.replayed]
        if fresh:
            self._note_request(fresh)
        if request and not _all_declined(entries):
            at = acceptance.entries[0].message if acceptance.entries else None
            self._remember(request, entries, acceptance.refused, at)
        return Accepted(entries, self._tx.head)

    def _note_request(self, fresh: Sequence[Message]) -> None:
        first = fresh[0]
        if first.batch_id:
            self._batches.append((first.batch_id, first.seq, fresh[-1].seq))
        # A batch has many countries, so as a request it belongs to none.
        country = "" if first.batch_id else first.country
        self._books.usage.paid_request(first.account, first.create_time, country)

    def _unpaid(self, acceptance: Acceptance) -> list[StoredEntry]:
        """One entry for each of the acceptance if not all can be paid; else nothing."""
        seen: set[bytes] = set()
        messages = []
        for entry in acceptance.entries:
            key = digest(entry.request) if entry.request else b""
            if key not in seen and not self._stored_before(entry):
                messages.append(entry.message)
            seen |= {key} - {b""}
        declined = self._books.check(acceptance.terms, messages)
        if not declined:
            return []
        reasons = {messages[index].id: why for index, why in declined.items()}
        return [
            StoredEntry(None, declined=reasons.get(entry.message.id))
            for entry in acceptance.entries
        ]

    def _repeat(self, request: RequestKey, seen: _Seen) -> Accepted:
        if seen.fingerprint != request.fingerprint:
            return Accepted((), self._tx.head, conflict=True)
        entries = [
            self._again(seq, seen.declined.get(index))
            for index, seq in enumerate(seen.seqs)
            if seq <= 0 or self._known([seq])
        ]
        return Accepted(entries, self._tx.head, replayed=True, refused=seen.refused)

    def _stored_before(self, entry: Entry) -> list[Message]:
        if entry.request is None:
            return []
        return self._known(self._seen.get(digest(entry.request), _UNSEEN).seqs)

    def _store(self, entry: Entry, terms: Terms) -> StoredEntry:
        request = entry.request
        if request and (known := self._stored_before(entry)):
            same = self._seen[digest(request)].fingerprint == request.fingerprint
            return StoredEntry(known[0] if same else None, replayed=same)
        charged = self._books.charge(terms, entry.message)
        if isinstance(charged, Declined):
            return StoredEntry(None, declined=charged)
        message = entry.message.charged(charged.bundle_segments).numbered(self._tx.next_seq())
        self._add(message)
        stored = StoredEntry(message, over_budget=charged.over_budget)
        if request:
            self._remember(request, [stored], "", message)
        return stored

    def _add(self, message: Message) -> None:
        seq = message.seq
        self._new[seq] = message
        self._messages.append(message_row(message))
        delivery = begin(message, self._tx.lanes.lane_of(message), self._tx.shared)
        self._tx.lives[seq] = (message, delivery)
        self._deliveries.append(opening_row(message, delivery))
        if message.labels:
            self._labels += [(key, value, seq) for key, value in message.labels.items()]
        self._tx.events.append(opening_event(message, seq))
        self._tx.waiting += message.schedule_time is None

    def _again(self, seq: int, declined: Declined | None) -> StoredEntry:
        if seq <= 0:
            return StoredEntry(None, declined=declined)
        return StoredEntry(self._known([seq])[0], replayed=True)

    def _known(self, seqs: Sequence[int]) -> list[Message]:
        """The messages of a request, as they are now; those that retention deleted are left out."""
        found = (self._new.get(seq) or self._workspace.messages.get(seq) for seq in seqs)
        return [message for message in found if message is not None]

    def _remember(
        self, request: RequestKey, entries: Sequence[StoredEntry], refused: str, at: Message | None
    ) -> None:
        key = digest(request)
        seqs = [_seq_of(entry) for entry in entries]
        declined = {i: e.declined for i, e in enumerate(entries) if e.declined is not None}
        self._seen[key] = _Seen(request.fingerprint, seqs, refused, declined)
        time = micros(at.create_time) if at else 0
        text = ",".join(map(str, seqs))
        written = _write_declined(declined)
        self._requests.append((key, request.fingerprint, time, text, refused, written))

    def write(self) -> None:
        # All in one go, as what they have in common is at hand then.
        self._books.enter(self._new.values())
        db = self._tx.db
        _INSERT_MESSAGES.run(db, self._messages)
        _INSERT_DELIVERIES.run(db, self._deliveries)
        _INSERT_LABELS.run(db, self._labels)
        _INSERT_BATCHES.run(db, self._batches)
        _INSERT_REQUESTS.run(db, self._requests)


def _all_declined(entries: Sequence[StoredEntry]) -> bool:
    """Then the request was refused, and a refused request does not use up its id."""
    return bool(entries) and all(entry.declined for entry in entries)


def _seq_of(entry: StoredEntry) -> int:
    if entry.message is not None:
        return entry.message.seq
    return _CONFLICT if entry.declined is None else _DECLINED


def _write_declined(declined: Mapping[int, Declined]) -> str:
    if not declined:
        return ""
    return json.dumps(
        {index: (int(d.by), d.available, d.required, d.spent) for index, d in declined.items()}
    )


def _read_declined(text: str) -> Mapping[int, Declined]:
    if not text:
        return {}
    return {
        int(index): Declined(DeclinedBy(by), available, required, spent)
        for index, (by, available, required, spent) in json.loads(text).items()
    }


def digest(request: RequestKey) -> bytes:
    """What a request id is kept as."""
    # The separator is in none of the three, so no two keys run together.
    text = f"{request.account}\0{request.method}\0{request.request_id}"
    return blake2b(text.encode(), digest_size=16).digest()
