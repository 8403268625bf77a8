"""What happens to stored messages, inside the writer's transaction.

The rules are in domain/delivery.py.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from smsgate_server.domain.carrier_ids import (
    MOST_KEPT,
    MOST_NAMESAKES,
    NATIONAL_DIGITS,
    Candidate,
    choose,
    end_of,
    key_of,
    keys_of,
    other_keys,
    parts_with_id,
)
from smsgate_server.domain.delivery import (
    OutcomeKind,
    Receipt,
    Stage,
    SubmitOutcome,
    SubmitResult,
    after_receipt,
    after_submit,
    cancel,
    claim,
    expire,
    with_namesakes,
)
from smsgate_server.domain.delivery import Step as _Step
from smsgate_server.domain.standing import cancellable, heard_before
from smsgate_server.domain.values import changed
from smsgate_server.services.ports import Cancelled, Claim, Claims
from smsgate_server.storage.sql.bulk import BulkStatement
from smsgate_server.storage.sql.database import Database, Row
from smsgate_server.storage.sql.reader import history_of
from smsgate_server.storage.sql.rows import (
    ORPHAN_COLUMNS,
    ORPHAN_TYPES,
    orphan_of,
    orphan_row,
    time_of,
)
from smsgate_server.storage.sql.transaction import Transaction
from smsgate_server.storage.sql.workspace import Workspace

_INSERT_PARTS = BulkStatement(
    "INSERT INTO parts (message_seq, segment, carrier, carrier_id, carrier_key) "
    "{rows} ON CONFLICT DO NOTHING",
    "nnttt",
)
# A carrier that gives every message the same id leaves the recipient to tell them apart: among the
# newest of them, so that what an id costs has an end.
_MOST_OF_ONE_ID = 20_000


def _keys_since(most: int, table: str = "parts", seq: str = "message_seq") -> str:
    """Each key that is wanted, and from where on `most` of the rows that have it are."""
    return f"""
        SELECT carrier, carrier_key, coalesce((
            SELECT {seq} FROM {table}
            WHERE {table}.carrier = w.carrier AND {table}.carrier_key = w.carrier_key
            ORDER BY {seq} DESC LIMIT 1 OFFSET {most - 1}
        ), 0) AS oldest
        FROM (SELECT DISTINCT carrier, carrier_key FROM wanted) AS w
    """


def _end_of(recipient: str) -> str:
    return f"substr({recipient}, length({recipient}) - {NATIONAL_DIGITS - 1})"


# Found by the end of the recipient in the database itself: to load all that have such an id, only
# to compare, takes a second where thousands have. MATERIALIZED, or PostgreSQL would look up the
# same thing again and again.
_FIND_PARTS_TO = BulkStatement(
    f"""
    WITH wanted (carrier, carrier_key, ending) AS ({{rows}}),
    keys AS MATERIALIZED ({_keys_since(_MOST_OF_ONE_ID)}),
    namesakes AS MATERIALIZED (
        SELECT carrier, carrier_key, carrier_id, message_seq, segment, (
            SELECT {_end_of("recipient")} FROM messages WHERE seq = message_seq
        ) AS ending
        FROM keys JOIN parts USING (carrier, carrier_key) WHERE message_seq >= oldest
    ),
    found AS (
        SELECT carrier, carrier_key, ending, carrier_id, message_seq, segment, dense_rank() OVER (
            PARTITION BY carrier, carrier_key, ending ORDER BY message_seq DESC
        ) AS place
        FROM namesakes
        WHERE (carrier, carrier_key, ending) IN (SELECT carrier, carrier_key, ending FROM wanted)
    )
    SELECT carrier, carrier_key, ending, carrier_id, message_seq, segment FROM found
    WHERE place <= {MOST_NAMESAKES}
    """,
    "ttt",
)
_FIND_PARTS = BulkStatement(
    f"""
    WITH wanted (carrier, carrier_key) AS ({{rows}}),
    keys AS MATERIALIZED ({_keys_since(MOST_NAMESAKES)})
    SELECT carrier, carrier_key, '', carrier_id, message_seq, segment
    FROM keys JOIN parts USING (carrier, carrier_key) WHERE message_seq >= oldest
    """,
    "tt",
)
_PARTS_OF = "SELECT carrier_id, segment FROM parts WHERE message_seq = ? AND carrier = ?"
_INSERT_ORPHANS = BulkStatement(f"INSERT INTO orphans ({ORPHAN_COLUMNS}) {{rows}}", ORPHAN_TYPES)
# Asked first: nearly always none has one, and that is found out with half of the work.
_HAVE_ORPHANS = BulkStatement(
    """
    WITH wanted (carrier, carrier_key) AS ({rows})
    SELECT carrier, carrier_key FROM wanted WHERE EXISTS (
        SELECT 1 FROM orphans
        WHERE orphans.carrier = wanted.carrier AND orphans.carrier_key = wanted.carrier_key
    )
    """,
    "tt",
)
_FIND_ORPHANS = BulkStatement(
    f"""
    WITH wanted (carrier, carrier_key, ending) AS ({{rows}}),
    keys AS MATERIALIZED ({_keys_since(_MOST_OF_ONE_ID, "orphans", "seq")}),
    namesakes AS MATERIALIZED (
        SELECT carrier, carrier_key, seq, {_end_of("recipient")} AS ending
        FROM keys JOIN orphans USING (carrier, carrier_key) WHERE seq >= oldest
    ),
    found AS (
        SELECT seq, row_number() OVER (
            PARTITION BY carrier, carrier_key, ending ORDER BY seq DESC
        ) AS place
        FROM namesakes
        WHERE (carrier, carrier_key, ending) IN (SELECT carrier, carrier_key, ending FROM wanted)
    )
    SELECT {ORPHAN_COLUMNS}, seq FROM found JOIN orphans USING (seq) WHERE place <= {MOST_KEPT}
    ORDER BY seq
    """,
    "ttt",
)
_DELETE_ORPHANS = BulkStatement("DELETE FROM orphans WHERE seq IN ({rows})", "n")
_NEXT_DUE = f"""
    SELECT due_time FROM deliveries WHERE stage = {int(Stage.WAITING)} AND lane = ?
    ORDER BY due_time LIMIT 1
"""
_LANES = f"SELECT DISTINCT lane FROM deliveries WHERE stage = {int(Stage.WAITING)}"
_IN_LANE = f"SELECT message_seq FROM deliveries WHERE stage = {int(Stage.WAITING)} AND lane = ?"
_IN_FLIGHT = f"SELECT message_seq FROM deliveries WHERE stage = {int(Stage.IN_FLIGHT)}"

# (carrier, key of an id, end of the recipient, if that is said) -> the parts that had it
_Found = Mapping[tuple[str, str, str], Sequence[Candidate]]


def cancel_messages(
    tx: Transaction, wanted: Sequence[tuple[str, str, datetime]]
) -> Sequence[Cancelled]:
    workspace = Workspace(tx)
    seqs = workspace.load_ids(message_id for _, message_id, _ in wanted)
    results = []
    for account, message_id, now in wanted:
        seq = seqs.get(message_id)
        if seq is None or workspace.messages[seq].account != account:
            results.append(Cancelled(None))
            continue
        changed = take_back(workspace, seq, now)
        results.append(Cancelled(workspace.messages[seq], tx.head, changed=changed))
    workspace.flush()
    return results


def take_back(workspace: Workspace, seq: int, now: datetime) -> bool:
    """Cancel a message if no carrier can have it; returns whether that was so."""
    message, delivery = workspace.messages[seq], workspace.deliveries[seq]
    if delivery is None or not cancellable(message, delivery):
        return False
    workspace.apply(seq, cancel(message, delivery, now, workspace.peek_seq()))
    return True


def claim_due(tx: Transaction, wanted: Sequence[tuple[datetime, int, str]]) -> Sequence[Claims]:
    return [_claim(tx, *each) for each in wanted]


def _claim(tx: Transaction, now: datetime, limit: int, lane: str) -> Claims:
    workspace = Workspace(tx)
    claimed = []
    for seq in workspace.load_due(lane, now, limit):
        message, delivery = workspace.messages[seq], workspace.deliveries[seq]
        assert delivery is not None
        if message.expire_time <= now:
            workspace.apply(seq, expire(message, delivery, now, workspace.peek_seq()))
            continue
        taken = claim(delivery)
        workspace.apply(seq, _Step(None, taken))
        claimed.append(Claim.of(message, taken))
    workspace.flush()
    due = tx.db.execute(_NEXT_DUE, (lane,)).fetchone()
    return Claims(claimed, time_of(due[0]) if due else None)


def expire_due(tx: Transaction, wanted: Sequence[tuple[datetime, int]]) -> Sequence[int]:
    counts = []
    for now, limit in wanted:
        workspace = Workspace(tx)
        seqs = workspace.load_expired(now, limit)
        for seq in seqs:
            message, delivery = workspace.messages[seq], workspace.deliveries[seq]
            assert delivery is not None
            workspace.apply(seq, expire(message, delivery, now, workspace.peek_seq()))
        workspace.flush()
        counts.append(len(seqs))
    return counts


def recover(tx: Transaction, wanted: Sequence[datetime]) -> Sequence[int]:
    """An attempt that a crash interrupted may or may not have reached the carrier: its outcome is
    unknown.
    """
    counts = []
    for now in wanted:
        workspace = Workspace(tx)
        seqs = [seq for (seq,) in tx.db.execute(_IN_FLIGHT).fetchall()]
        workspace.load(seqs)
        for seq in seqs:
            delivery = workspace.deliveries[seq]
            assert delivery is not None
            unknown = SubmitOutcome(OutcomeKind.UNKNOWN)
            _apply_submit(workspace, SubmitResult(seq, delivery.attempts, "", unknown, now, now))
        workspace.flush()
        _reroute(tx)
        counts.append(len(seqs))
    return counts


def _reroute(tx: Transaction) -> None:
    """Messages in lanes that there are no more go to where they would wait if accepted now."""
    lanes = [lane for (lane,) in tx.db.execute(_LANES).fetchall()]
    for lane in lanes:
        if lane in tx.lanes.names:
            continue
        workspace = Workspace(tx)
        seqs = [seq for (seq,) in tx.db.execute(_IN_LANE, (lane,)).fetchall()]
        workspace.load(seqs)
        for seq in seqs:
            delivery = workspace.deliveries[seq]
            assert delivery is not None
            moved = changed(delivery, lane=tx.lanes.lane_of(workspace.messages[seq]))
            workspace.apply(seq, _Step(None, moved))
        workspace.flush()


def record_submits(tx: Transaction, calls: Sequence[Sequence[SubmitResult]]) -> Sequence[None]:
    results = [result for call in calls for result in call]
    workspace = Workspace(tx)
    workspace.load(result.seq for result in results)
    parts = [part for result in results for part in _parts(workspace, result)]
    _INSERT_PARTS.run(tx.db, parts)
    for result in results:
        if result.seq in workspace.messages:
            _apply_submit(workspace, result)
    _replay_orphans(tx, workspace, parts, {result.seq: result.time for result in results})
    workspace.flush()
    return [None] * len(calls)


def _apply_submit(workspace: Workspace, result: SubmitResult) -> None:
    message, delivery = workspace.messages[result.seq], workspace.deliveries[result.seq]
    if delivery is not None:
        if delivery.delivered and any(result.outcome.carrier_ids):
            delivery = with_namesakes(delivery, _parts_by_id(workspace.db, result))
        step = after_submit(message, delivery, result, workspace.peek_seq())
        workspace.apply(result.seq, step)


def _parts_by_id(db: Database, result: SubmitResult) -> Iterable[int]:
    found: dict[str, int] = {}
    for carrier_id, segment in db.execute(_PARTS_OF, (result.seq, result.carrier)):
        found[carrier_id] = found.get(carrier_id, 0) | 1 << (segment - 1)
    return found.values()


def _parts(workspace: Workspace, result: SubmitResult) -> list[Row]:
    if result.seq not in workspace.messages:
        return []
    return [
        (result.seq, segment, result.carrier, carrier_id, key_of(carrier_id))
        for segment, carrier_id in enumerate(result.outcome.carrier_ids, start=1)
        if carrier_id
    ]


def _replay_orphans(
    tx: Transaction, workspace: Workspace, parts: Sequence[Row], times: Mapping[int, datetime]
) -> None:
    """Receipts that overtook the submit response take effect now, at the time of the response."""
    brought = {
        (carrier, found): times[seq]
        for seq, _, carrier, _, key in parts
        for found in (key, *other_keys(key))
    }
    rows = _orphans_of(tx, workspace, parts, _HAVE_ORPHANS.fetch(tx.db, list(brought)))
    if not rows:
        return
    receipts = [orphan_of(row) for row in rows]
    found = _find_parts(tx, workspace, receipts)
    taken = []
    for receipt, row in zip(receipts, rows, strict=True):
        now = brought[receipt.carrier, key_of(receipt.carrier_id)]
        if _receive(tx, workspace, receipt, found, now):
            taken.append((row[-1],))
    _DELETE_ORPHANS.run(tx.db, taken)


def _orphans_of(
    tx: Transaction, workspace: Workspace, parts: Sequence[Row], have: Sequence[Row]
) -> Sequence[Row]:
    """The receipts that were kept for these parts, of those whose keys `have` some."""
    keys = {(carrier, key) for carrier, key in have}
    wanted = {
        (carrier, found, ending)
        for seq, _, carrier, _, key in parts
        for found in (key, *other_keys(key))
        if (carrier, found) in keys
        for ending in ("", end_of(workspace.messages[seq].recipient))
    }
    return _FIND_ORPHANS.fetch(tx.db, list(wanted))


def record_receipts(
    tx: Transaction, calls: Sequence[tuple[Sequence[Receipt], datetime]]
) -> Sequence[None]:
    workspace = Workspace(tx)
    found = _find_parts(tx, workspace, [receipt for receipts, _ in calls for receipt in receipts])
    orphans = []
    for receipts, now in calls:
        orphans += [
            orphan_row(receipt, now)
            for receipt in receipts
            if not _receive(tx, workspace, receipt, found, now)
        ]
    _INSERT_ORPHANS.run(tx.db, orphans)
    workspace.flush()
    return [None] * len(calls)


def _find_parts(tx: Transaction, workspace: Workspace, receipts: Sequence[Receipt]) -> _Found:
    """Every part that one of the receipts can mean; the messages are loaded."""
    wanted = {
        (receipt.carrier, key, end_of(receipt.recipient))
        for receipt in receipts
        for key in keys_of(receipt)
    }
    rows = _FIND_PARTS_TO.fetch(tx.db, [name for name in wanted if name[-1]])
    rows += _FIND_PARTS.fetch(tx.db, [name[:-1] for name in wanted if not name[-1]])
    found: dict[tuple[str, str, str], list[Candidate]] = {}
    for carrier, key, ending, carrier_id, seq, segment in rows:
        found.setdefault((carrier, key, ending), []).append(Candidate(carrier_id, seq, segment))
    workspace.load(part.seq for parts in found.values() for part in parts)
    return found


def _receive(
    tx: Transaction, workspace: Workspace, receipt: Receipt, found: _Found, now: datetime
) -> bool:
    """Apply a receipt to the part that it is about; False if there is none."""
    ending = end_of(receipt.recipient)
    candidates = [
        (part, workspace.messages[part.seq])
        for key in keys_of(receipt)
        for part in found.get((receipt.carrier, key, ending), ())
        if part.seq in workspace.messages
    ]
    part = choose(receipt, candidates, now)
    if part is None:
        return False
    parts = parts_with_id(part, (candidate for candidate, _ in candidates))
    _apply_receipt(tx, workspace, part, parts, receipt, now)
    return True


def _apply_receipt(
    tx: Transaction,
    workspace: Workspace,
    part: Candidate,
    parts: int,
    receipt: Receipt,
    now: datetime,
) -> None:
    seq, segment = part.seq, part.segment
    message, delivery = workspace.messages[seq], workspace.deliveries[seq]
    if delivery is None:
        # What this operation itself recorded is not in the database yet.
        fresh = [event for event in tx.events if event.message.seq == seq]
        history = (*history_of(tx.db, workspace.as_loaded[seq]), *fresh)
        if heard_before(message, history, receipt, segment):
            return
    step = after_receipt(message, delivery, receipt, segment, now, workspace.peek_seq(), parts)
    workspace.apply(seq, step)
