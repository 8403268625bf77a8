"""One-time passwords inside the writer's transaction; and reading them."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from smsgate_server.domain.account import Limit, LimitKind, PolicyMode
from smsgate_server.domain.message import Message
from smsgate_server.domain.otp import (
    ENDED_RESULTS,
    Verification,
    VerificationState,
    VerifyResult,
    number_prefix,
)
from smsgate_server.domain.otp_codes import CodeAlphabet
from smsgate_server.services.ports import (
    Acceptance,
    Attempt,
    Attempted,
    CancelledCode,
    LimitHit,
    RequestKey,
    SendCode,
    SentCode,
    SentCodes,
    StoredEntry,
)
from smsgate_server.storage.sql.acceptance import Acceptor, digest
from smsgate_server.storage.sql.database import Database, Row
from smsgate_server.storage.sql.operations import take_back
from smsgate_server.storage.sql.rows import (
    MESSAGE_COLUMNS,
    message_of,
    micros,
    micros_or_none,
    qualified,
    time_of,
    time_or_none,
)
from smsgate_server.storage.sql.transaction import Transaction
from smsgate_server.storage.sql.workspace import Workspace

_COLUMNS = (
    "id, account, recipient, country, purpose, length, alphabet, key_id, locale, brand, sender, "
    "create_time, update_time, expire_time, next_send_time, state, final_time, attempts, "
    "max_attempts, sends, max_sends, client_reference, labels"
)
_WIDTH = _COLUMNS.count(",") + 1
_BY_ID = f"SELECT {_COLUMNS} FROM verifications WHERE id = ?"
_NEWEST = f"""
    SELECT {_COLUMNS} FROM verifications WHERE recipient = ? AND account = ? AND purpose = ?
    ORDER BY id DESC LIMIT 1
"""
_WRITE = f"""
    INSERT INTO verifications ({_COLUMNS}) VALUES ({", ".join("?" * _WIDTH)})
    ON CONFLICT (id) DO UPDATE SET
    {", ".join(f"{column} = excluded.{column}" for column in _COLUMNS.split(", ")[1:])}
"""
_WRITE_ATTEMPT = """
    INSERT INTO attempts (key, fingerprint, verification_id, result, time) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (key) DO UPDATE SET fingerprint = excluded.fingerprint,
        verification_id = excluded.verification_id, result = excluded.result, time = excluded.time
"""
_WRITE_SEND = "INSERT INTO code_sends VALUES (?, ?, ?, ?, ?, ?, ?)"
_MESSAGES = f"""
    SELECT {qualified(MESSAGE_COLUMNS, "m")} FROM code_sends AS s
    JOIN messages AS m ON m.seq = s.message_seq WHERE s.verification_id = ? ORDER BY m.seq
"""
_REQUEST = f"""
    SELECT r.fingerprint, {qualified(MESSAGE_COLUMNS, "m")} FROM requests AS r
    JOIN messages AS m ON m.seq = CAST(r.message_seqs AS BIGINT) WHERE r.key = ?
"""
# Which sends a limit counts. The oldest that fills it says when there is room again.
_COUNTED = {
    LimitKind.OTP_RECIPIENT: "account = :account AND recipient = :recipient",
    LimitKind.OTP_PREFIX: "account = :account AND prefix = :prefix",
    LimitKind.OTP_COUNTRY: "account = :account AND country = :country",
    LimitKind.OTP_ACCOUNT: "account = :account",
}
_FULL_SINCE = """
    SELECT time FROM code_sends WHERE {counted} AND time > :since
    ORDER BY time DESC LIMIT 1 OFFSET :maximum - 1
"""

_SENT = """
    SELECT count(*), max(time) FROM (
        SELECT time FROM code_sends WHERE account = :account AND time > :since
        ORDER BY time DESC LIMIT :most
    ) AS newest
"""


def get(db: Database, account: str, verification_id: str) -> Verification | None:
    row = db.execute(_BY_ID, (verification_id,)).fetchone()
    found = _verification_of(row) if row else None
    return found if found is not None and found.account == account else None


def newest(db: Database, account: str, recipient: str, purpose: str) -> Verification | None:
    row = db.execute(_NEWEST, (recipient, account, purpose)).fetchone()
    return _verification_of(row) if row else None


def messages_of(db: Database, verification_id: str) -> list[Message]:
    return [message_of(row) for row in db.execute(_MESSAGES, (verification_id,)).fetchall()]


def hits(
    db: Database,
    account: str,
    recipient: str,
    country: str,
    limits: Sequence[Limit],
    now: datetime,
) -> list[LimitHit]:
    """The limits that one more code would go against."""
    found = []
    for limit in limits:
        period = limit.period or timedelta(0)
        full_since = now
        if limit.maximum:
            values = {
                "account": account,
                "recipient": recipient,
                "prefix": number_prefix(recipient),
                "country": country,
                "since": micros(now - period),
                "maximum": limit.maximum,
            }
            row = db.execute(_FULL_SINCE.format(counted=_COUNTED[limit.kind]), values).fetchone()
            if row is None:
                continue
            full_since = time_of(row[0])
        found.append(LimitHit(limit, full_since + period))
    return found


def sent(db: Database, account: str, since: datetime, most: int) -> SentCodes:
    values = {"account": account, "since": micros(since), "most": most}
    count, newest = db.execute(_SENT, values).fetchone()
    return SentCodes(count, time_or_none(newest))


def repeat(db: Database, request: RequestKey, position: int) -> SentCode | None:
    """What was answered to a request, as it is now."""
    row = db.execute(_REQUEST, (digest(request),)).fetchone()
    if row is None:
        return None
    if row[0] != request.fingerprint:
        return SentCode(conflict=True)
    message = message_of(row[1:])
    verification = get(db, message.account, message.verification_id)
    return SentCode(StoredEntry(message, replayed=True), verification, position)


def send_codes(tx: Transaction, wanted: Sequence[SendCode]) -> Sequence[SentCode]:
    return [_send(tx, each) for each in wanted]


def _send(tx: Transaction, wanted: SendCode) -> SentCode:
    acceptance = Acceptance([wanted.entry], terms=wanted.terms)
    acceptor = Acceptor(tx)
    acceptor.look_up([acceptance])
    if acceptor.knows(acceptance):
        return _again(tx, acceptor, acceptance)
    planned, message = wanted.verification, wanted.entry.message
    now = message.create_time
    before = newest(tx.db, planned.account, planned.recipient, planned.purpose)
    pending = before if before is not None and before.at(now).pending else None
    if (pending.sends if pending else 0) != wanted.sends_before or (
        pending and pending.id != planned.id
    ):
        return SentCode(stale=True)
    found = hits(tx.db, planned.account, planned.recipient, planned.country, wanted.limits, now)
    if any(hit.limit.mode is PolicyMode.ENFORCE for hit in found):
        return SentCode(hits=found)
    entry = acceptor.accept(acceptance).entries[0]
    acceptor.write()
    if entry.message is None:
        return SentCode(entry)
    # Attempts made since the plan was drawn up are kept.
    stored = planned if pending is None else replace(planned, attempts=pending.attempts)
    _write(tx, stored)
    if pending is None:
        tx.books.usage.asked_for(stored)
    row = (
        entry.message.seq,
        stored.id,
        stored.account,
        stored.recipient,
        number_prefix(stored.recipient),
        stored.country,
        micros(now),
    )
    tx.db.execute(_WRITE_SEND, row)
    return SentCode(entry, stored, tx.head, hits=found)


def _again(tx: Transaction, acceptor: Acceptor, acceptance: Acceptance) -> SentCode:
    entry = acceptor.accept(acceptance).entries[0]
    acceptor.write()
    if entry.message is None:
        return SentCode(conflict=True)
    message = entry.message
    verification = get(tx.db, message.account, message.verification_id)
    return SentCode(entry, verification, tx.head)


def attempt(tx: Transaction, wanted: Sequence[Attempt]) -> Sequence[Attempted | None]:
    return [_attempt(tx, each) for each in wanted]


def _attempt(tx: Transaction, wanted: Attempt) -> Attempted | None:
    found = get(tx.db, wanted.account, wanted.verification_id)
    if found is None:
        return None
    if wanted.request is not None and (answer := _answered(tx, wanted, found)):
        return answer
    current = found.at(wanted.now)
    if current.pending:
        counted = current.attempted(wanted.now)
        _write(tx, counted)
        current, result = counted.judged(wanted.judge(counted), wanted.now)
        _write(tx, current)
        if result is VerifyResult.APPROVED:
            tx.books.usage.verified(current)
    else:
        result = ENDED_RESULTS[current.state]
    if wanted.request is not None:
        tx.db.execute(
            _WRITE_ATTEMPT,
            (
                digest(wanted.request),
                wanted.request.fingerprint,
                current.id,
                int(result),
                micros(wanted.now),
            ),
        )
    return Attempted(current, result)


def _answered(tx: Transaction, wanted: Attempt, found: Verification) -> Attempted | None:
    assert wanted.request is not None
    row = tx.db.execute(
        "SELECT fingerprint, verification_id, result, time FROM attempts WHERE key = ?",
        (digest(wanted.request),),
    ).fetchone()
    if row is None:
        return None
    current = found.at(wanted.now)
    if row[0] != wanted.request.fingerprint or row[1] != wanted.verification_id:
        return Attempted(current, VerifyResult.INCORRECT, conflict=True)
    if wanted.repeat_from is not None and row[3] < micros(wanted.repeat_from):
        return None
    return Attempted(current, VerifyResult(row[2]), replayed=True)


def cancel_verifications(
    tx: Transaction, wanted: Sequence[tuple[str, str, datetime]]
) -> Sequence[CancelledCode | None]:
    return [_cancel(tx, *each) for each in wanted]


def _cancel(
    tx: Transaction, account: str, verification_id: str, now: datetime
) -> CancelledCode | None:
    found = get(tx.db, account, verification_id)
    if found is None:
        return None
    if not found.at(now).pending:
        return CancelledCode(found.at(now), tx.head)
    cancelled = found.cancelled(now)
    _write(tx, cancelled)
    workspace = Workspace(tx)
    rows = tx.db.execute(
        "SELECT message_seq FROM code_sends WHERE verification_id = ?", (verification_id,)
    ).fetchall()
    workspace.load(seq for (seq,) in rows)
    for seq in list(workspace.messages):
        take_back(workspace, seq, now)
    workspace.flush()
    return CancelledCode(cancelled, tx.head)


def _write(tx: Transaction, verification: Verification) -> None:
    tx.db.execute(_WRITE, _row(verification))


def _row(v: Verification) -> Row:
    return (
        v.id,
        v.account,
        v.recipient,
        v.country,
        v.purpose,
        v.length,
        int(v.alphabet),
        v.key_id,
        v.locale,
        v.brand,
        v.sender,
        micros(v.create_time),
        micros(v.update_time),
        micros(v.expire_time),
        micros(v.next_send_time),
        int(v.state),
        micros_or_none(v.final_time),
        v.attempts,
        v.max_attempts,
        v.sends,
        v.max_sends,
        v.client_reference,
        json.dumps(dict(v.labels), ensure_ascii=False) if v.labels else "",
    )


def _verification_of(row: Row) -> Verification:
    return Verification(
        id=row[0],
        account=row[1],
        recipient=row[2],
        country=row[3],
        purpose=row[4],
        length=row[5],
        alphabet=CodeAlphabet(row[6]),
        key_id=row[7],
        locale=row[8],
        brand=row[9],
        sender=row[10],
        create_time=time_of(row[11]),
        update_time=time_of(row[12]),
        expire_time=time_of(row[13]),
        next_send_time=time_of(row[14]),
        state=VerificationState(row[15]),
        final_time=time_or_none(row[16]),
        attempts=row[17],
        max_attempts=row[18],
        sends=row[19],
        max_sends=row[20],
        client_reference=row[21],
        labels=json.loads(row[22]) if row[22] else {},
    )
