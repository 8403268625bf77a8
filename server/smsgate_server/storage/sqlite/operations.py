"""What happens to stored messages, inside the writer's transaction.

The rules are in domain/delivery.py.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

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
)
from smsgate_server.domain.delivery import Step as _Step
from smsgate_server.domain.standing import cancellable, concerns, heard_before
from smsgate_server.services.ports import Cancelled, Claim, Claims
from smsgate_server.storage.sqlite.bulk import BulkStatement
from smsgate_server.storage.sqlite.reader import history_of
from smsgate_server.storage.sqlite.rows import Row, micros, orphan_of, orphan_row, time_of
from smsgate_server.storage.sqlite.workspace import Workspace
from smsgate_server.storage.sqlite.writer import Transaction

_INSERT_PARTS = BulkStatement(
    "INSERT OR IGNORE INTO parts (message_seq, segment, carrier, carrier_id) VALUES {rows}", 4
)
_FIND_PARTS = BulkStatement(
    """
    WITH wanted (carrier, carrier_id) AS (VALUES {rows})
    SELECT carrier, carrier_id, message_seq, segment FROM wanted JOIN parts
    USING (carrier, carrier_id) ORDER BY message_seq DESC, segment
    """,
    2,
)
_INSERT_ORPHANS = BulkStatement(
    """
    INSERT INTO orphans
    (carrier, carrier_id, status, code, reason, carrier_time, recipient, receive_time) VALUES {rows}
    """,
    8,
)
_FIND_ORPHANS = BulkStatement(
    """
    WITH wanted (carrier, carrier_id) AS (VALUES {rows})
    SELECT carrier, carrier_id, status, code, reason, carrier_time, recipient, seq
    FROM wanted JOIN orphans USING (carrier, carrier_id) ORDER BY seq
    """,
    2,
)
_DELETE_ORPHANS = BulkStatement("DELETE FROM orphans WHERE seq IN (VALUES {rows})", 1)
_NEXT_DUE = "SELECT due_time FROM deliveries WHERE stage = ? ORDER BY due_time LIMIT 1"


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


def claim_due(tx: Transaction, wanted: Sequence[tuple[datetime, int]]) -> Sequence[Claims]:
    return [_claim(tx, now, limit) for now, limit in wanted]


def _claim(tx: Transaction, now: datetime, limit: int) -> Claims:
    workspace = Workspace(tx)
    claimed = []
    for seq in workspace.load_due(Stage.WAITING, micros(now), limit):
        message, delivery = workspace.messages[seq], workspace.deliveries[seq]
        assert delivery is not None
        if message.expire_time <= now:
            workspace.apply(seq, expire(message, delivery, now, workspace.peek_seq()))
            continue
        taken = claim(message, delivery)
        workspace.apply(seq, _Step(None, taken))
        claimed.append(Claim(message, taken.attempts))
    workspace.flush()
    due = tx.db.execute(_NEXT_DUE, (int(Stage.WAITING),)).fetchone()
    return Claims(claimed, time_of(due[0]) if due else None)


def expire_due(tx: Transaction, wanted: Sequence[tuple[datetime, int]]) -> Sequence[int]:
    counts = []
    for now, limit in wanted:
        workspace = Workspace(tx)
        seqs: list[int] = []
        for stage in (Stage.SUBMITTED, Stage.HELD):
            seqs += workspace.load_due(stage, micros(now), limit - len(seqs))
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
        rows = tx.db.execute(
            "SELECT message_seq FROM deliveries WHERE stage = ?", (int(Stage.IN_FLIGHT),)
        ).fetchall()
        workspace.load(seq for (seq,) in rows)
        for (seq,) in rows:
            delivery = workspace.deliveries[seq]
            assert delivery is not None
            result = SubmitResult(
                seq, delivery.attempts, "", SubmitOutcome(OutcomeKind.UNKNOWN), now, now
            )
            _apply_submit(workspace, result)
        workspace.flush()
        counts.append(len(rows))
    return counts


def record_submits(tx: Transaction, calls: Sequence[Sequence[SubmitResult]]) -> Sequence[None]:
    results = [result for call in calls for result in call]
    workspace = Workspace(tx)
    workspace.load(result.seq for result in results)
    parts = [part for result in results for part in _parts(workspace, result)]
    for result in results:
        if result.seq in workspace.messages:
            _apply_submit(workspace, result)
    _INSERT_PARTS.run(tx.db, parts)
    _replay_orphans(tx, workspace, parts, {result.seq: result.time for result in results})
    workspace.flush()
    return [None] * len(calls)


def _apply_submit(workspace: Workspace, result: SubmitResult) -> None:
    message, delivery = workspace.messages[result.seq], workspace.deliveries[result.seq]
    if delivery is not None:
        step = after_submit(message, delivery, result, workspace.peek_seq())
        workspace.apply(result.seq, step)


def _parts(workspace: Workspace, result: SubmitResult) -> list[Row]:
    if result.seq not in workspace.messages:
        return []
    return [
        (result.seq, segment, result.carrier, carrier_id)
        for segment, carrier_id in enumerate(result.outcome.carrier_ids, start=1)
        if carrier_id
    ]


def _replay_orphans(
    tx: Transaction, workspace: Workspace, parts: Sequence[Row], times: Mapping[int, datetime]
) -> None:
    """Receipts that overtook the submit response take effect now, at the time of the response."""
    targets: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for seq, segment, carrier, carrier_id in sorted(parts, reverse=True):
        targets.setdefault((carrier, carrier_id), []).append((seq, segment))
    taken = []
    for row in _FIND_ORPHANS.fetch(tx.db, list(targets)):
        receipt = orphan_of(row)
        part = _choose(workspace, receipt, targets[receipt.carrier, receipt.carrier_id])
        if part is not None:
            _apply_receipt(tx, workspace, *part, receipt, times[part[0]])
            taken.append((row[-1],))
    _DELETE_ORPHANS.run(tx.db, taken)


def record_receipts(
    tx: Transaction, calls: Sequence[tuple[Sequence[Receipt], datetime]]
) -> Sequence[None]:
    workspace = Workspace(tx)
    parts = _find_parts(tx, (receipt for receipts, _ in calls for receipt in receipts))
    workspace.load(seq for found in parts.values() for seq, _ in found)
    orphans = []
    for receipts, now in calls:
        for receipt in receipts:
            part = _choose(workspace, receipt, parts.get((receipt.carrier, receipt.carrier_id), []))
            if part is None:
                orphans.append(orphan_row(receipt, now))
            else:
                _apply_receipt(tx, workspace, *part, receipt, now)
    _INSERT_ORPHANS.run(tx.db, orphans)
    workspace.flush()
    return [None] * len(calls)


def _find_parts(
    tx: Transaction, receipts: Iterable[Receipt]
) -> dict[tuple[str, str], list[tuple[int, int]]]:
    """(carrier, id) -> (message, segment) of every message that had this id, newest first."""
    keys = list({(receipt.carrier, receipt.carrier_id) for receipt in receipts})
    parts: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for carrier, carrier_id, seq, segment in _FIND_PARTS.fetch(tx.db, keys):
        parts.setdefault((carrier, carrier_id), []).append((seq, segment))
    return parts


def _choose(
    workspace: Workspace, receipt: Receipt, parts: Sequence[tuple[int, int]]
) -> tuple[int, int] | None:
    # Carriers use ids again: the newest message wins, and the destination must agree where it is
    # said.
    for seq, segment in parts:
        message = workspace.messages.get(seq)
        if message is not None and concerns(receipt, message):
            return seq, segment
    return None


def _apply_receipt(
    tx: Transaction, workspace: Workspace, seq: int, segment: int, receipt: Receipt, now: datetime
) -> None:
    message, delivery = workspace.messages[seq], workspace.deliveries[seq]
    if delivery is None:
        # What this operation itself recorded is not in the database yet.
        fresh = [event for event in tx.events if event.message.seq == seq]
        history = (*history_of(tx.db, workspace.as_loaded[seq]), *fresh)
        if heard_before(message, history, receipt, segment):
            return
    step = after_receipt(message, delivery, receipt, segment, now, workspace.peek_seq())
    workspace.apply(seq, step)
