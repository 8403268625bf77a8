"""Webhooks and the events that did not get through."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from smsgate_server.domain.filters import EventFilter
from smsgate_server.domain.message import Status
from smsgate_server.domain.webhooks import Health, Webhook, WebhookState
from smsgate_server.services.ports.messages import RequestKey
from smsgate_server.services.ports.webhooks import (
    MAX_FAILED,
    CreatedWebhook,
    FailedQuery,
    KnownWebhook,
    Parked,
    Progress,
)
from smsgate_server.storage.sql.acceptance import digest
from smsgate_server.storage.sql.bulk import BulkStatement
from smsgate_server.storage.sql.database import Database, Row
from smsgate_server.storage.sql.rows import (
    callback_of,
    callback_text,
    micros,
    micros_or_none,
    time_of,
    time_or_none,
)
from smsgate_server.storage.sql.transaction import Transaction

_COLUMNS = (
    "webhook, seq, message_id, attempts, due_time, first_time, error, status, fail_time, callback"
)
_INSERT = BulkStatement(
    f"""
    INSERT INTO webhook_events ({_COLUMNS}, body) {{rows}}
    ON CONFLICT (webhook, seq) DO UPDATE SET message_id = excluded.message_id,
        attempts = excluded.attempts, due_time = excluded.due_time,
        first_time = excluded.first_time, error = excluded.error, status = excluded.status,
        fail_time = excluded.fail_time, callback = excluded.callback, body = excluded.body
    """,
    "tntnnntnntt",
)
_UPDATE = (
    "UPDATE webhook_events SET attempts = ?, due_time = ?, first_time = ?, error = ?, status = ?, "
    "fail_time = ? WHERE webhook = ? AND seq = ?"
)
_DELETE = "DELETE FROM webhook_events WHERE webhook = ? AND seq = ?"
_FORGET_BEYOND = (
    "DELETE FROM webhook_events WHERE webhook = :webhook AND fail_time IS NOT NULL "
    "AND seq <= (SELECT seq FROM webhook_events WHERE webhook = :webhook "
    "AND fail_time IS NOT NULL ORDER BY seq DESC LIMIT 1 OFFSET :kept)"
)

Wanted = tuple[Webhook, int, RequestKey | None, bool]


def webhooks(db: Database) -> Sequence[KnownWebhook]:
    rows = db.execute("SELECT document, position, health FROM webhooks ORDER BY seq")
    return [_known(row) for row in rows]


def _known(row: Row) -> KnownWebhook:
    return KnownWebhook(_read_webhook(json.loads(row[0])), row[1], _read_health(json.loads(row[2])))


def create_webhooks(tx: Transaction, wanted: Sequence[Wanted]) -> Sequence[CreatedWebhook]:
    return [_create(tx, *each) for each in wanted]


def _create(
    tx: Transaction, webhook: Webhook, position: int, request: RequestKey | None, room: bool
) -> CreatedWebhook:
    key = digest(request) if request is not None else None
    fingerprint = request.fingerprint if request is not None else None
    seen = tx.db.execute(
        "SELECT document, position, health, fingerprint FROM webhooks WHERE key = ? OR request = ?",
        (webhook.key, key),
    ).fetchone()
    if seen is not None:
        if seen[3] != fingerprint:
            return CreatedWebhook(None, conflict=True)
        return CreatedWebhook(_known(seen), replayed=True)
    if not room:
        return CreatedWebhook(None, full=True)
    known = KnownWebhook(webhook, position)
    tx.db.execute(
        "INSERT INTO webhooks (key, document, position, health, request, fingerprint) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        (webhook.key, _document(webhook), position, _health(known.health), key, fingerprint),
    )
    _revise(tx)
    return CreatedWebhook(known)


def _document(w: Webhook) -> str:
    return json.dumps(
        {
            "id": w.id,
            "account": w.account,
            "url": w.url,
            "headers": w.headers,
            "wanted": {
                "statuses": sorted(w.wanted.statuses),
                "countries": sorted(w.wanted.countries),
                "senders": sorted(w.wanted.senders),
                "labels": w.wanted.labels,
                "terminal_only": w.wanted.terminal_only,
            },
            "description": w.description,
            "enabled": w.enabled,
            "disabled": int(w.disabled),
            "secret": w.secret,
            "old_secret": w.old_secret,
            "old_secret_expire_time": micros_or_none(w.old_secret_expire_time),
            "replays": w.replays,
            "replay_position": w.replay_position,
            "revivals": w.revivals,
            "create_time": micros(w.create_time),
            "update_time": micros(w.update_time),
        }
    )


def _read_webhook(read: dict[str, Any]) -> Webhook:
    wanted = read.pop("wanted")
    return Webhook(
        **{
            **read,
            "headers": _pairs(read["headers"]),
            "wanted": EventFilter(
                read["account"],
                statuses=frozenset(Status(status) for status in wanted["statuses"]),
                countries=frozenset(wanted["countries"]),
                senders=frozenset(wanted["senders"]),
                labels=_pairs(wanted["labels"]),
                terminal_only=wanted["terminal_only"],
            ),
            "disabled": WebhookState(read["disabled"]),
            "old_secret_expire_time": time_or_none(read["old_secret_expire_time"]),
            "create_time": time_of(read["create_time"]),
            "update_time": time_of(read["update_time"]),
        }
    )


def _pairs(read: list[list[str]]) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in read)


def _health(h: Health) -> str:
    times = (h.success_time, h.failure_time, h.failing_since, h.missed_time)
    return json.dumps([h.failures, h.error, h.status, *map(micros_or_none, times)])


def _read_health(read: list[Any]) -> Health:
    return Health(*read[:3], *map(time_or_none, read[3:]))


def replace_webhooks(tx: Transaction, wanted: Sequence[Webhook]) -> Sequence[None]:
    for webhook in wanted:
        tx.db.execute(
            "UPDATE webhooks SET document = ? WHERE key = ?", (_document(webhook), webhook.key)
        )
    _revise(tx)
    return [None] * len(wanted)


def delete_webhooks(tx: Transaction, keys: Sequence[str]) -> Sequence[None]:
    for key in keys:
        tx.db.execute("DELETE FROM webhooks WHERE key = ?", (key,))
        tx.db.execute("DELETE FROM webhook_events WHERE webhook = ?", (key,))
    _revise(tx)
    return [None] * len(keys)


def _revise(tx: Transaction) -> None:
    """Other servers read them anew."""
    tx.db.execute("UPDATE store SET revision = revision + 1")


def record_progress(tx: Transaction, calls: Sequence[Progress]) -> Sequence[None]:
    for progress in calls:
        tx.db.executemany(
            "UPDATE webhooks SET position = ?, health = ? WHERE key = ?",
            [(at, _health(health), key) for key, (at, health) in progress.places.items()],
        )
        _record_parked(tx, progress)
    return [None] * len(calls)


def _record_parked(tx: Transaction, progress: Progress) -> None:
    if not progress.parked:
        return
    present = {key for (key,) in tx.db.execute("SELECT key FROM webhooks")}
    changed = [p for p in progress.parked.values() if p is not None and p.webhook in present]
    _INSERT.run(tx.db, [(*_row(p), p.body) for p in changed if p.body is not None])
    tx.db.executemany(_UPDATE, [_update(p) for p in changed if p.body is None])
    tx.db.executemany(_DELETE, [key for key, p in progress.parked.items() if p is None])


def _row(p: Parked) -> Row:
    return (
        p.webhook,
        p.seq,
        p.message_id,
        p.attempts,
        micros(p.due_time),
        micros(p.first_time),
        p.error,
        p.status,
        micros_or_none(p.fail_time),
        callback_text(p.callback),
    )


def _update(p: Parked) -> Row:
    key, seq, _, attempts, due, first, error, status, fail, _ = _row(p)
    return (attempts, due, first, error, status, fail, key, seq)


def _parked(row: Row) -> Parked:
    return Parked(
        webhook=row[0],
        seq=row[1],
        message_id=row[2],
        attempts=row[3],
        due_time=time_of(row[4]),
        first_time=time_of(row[5]),
        error=row[6],
        status=row[7],
        fail_time=time_or_none(row[8]),
        callback=callback_of(row[9]),
    )


def parked(db: Database, key: str) -> Sequence[Parked]:
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM webhook_events WHERE webhook = ? AND fail_time IS NULL "
        "ORDER BY seq",
        (key,),
    )
    return [_parked(row) for row in rows]


def parked_body(db: Database, key: str, seq: int) -> str | None:
    row = db.execute(
        "SELECT body FROM webhook_events WHERE webhook = ? AND seq = ?", (key, seq)
    ).fetchone()
    return str(row[0]) if row is not None else None


def failed(db: Database, query: FailedQuery, limit: int) -> Sequence[Parked]:
    where, values = _where(query)
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM webhook_events WHERE {where} ORDER BY webhook, seq LIMIT ?",
        (*values, limit),
    )
    return [_parked(row) for row in rows]


def _where(query: FailedQuery) -> tuple[str, list[Any]]:
    conditions = [
        f"webhook IN ({', '.join('?' * len(query.webhooks)) or 'NULL'})",
        "fail_time IS NOT NULL",
        "(webhook, seq) > (?, ?)",
    ]
    values: list[Any] = [*query.webhooks, *query.after]
    for condition, value in (
        ("message_id = ?", query.message_id or None),
        ("fail_time >= ?", micros_or_none(query.failed_from)),
        ("fail_time < ?", micros_or_none(query.failed_before)),
    ):
        if value is not None:
            conditions.append(condition)
            values.append(value)
    return " AND ".join(conditions), values


def revive(
    tx: Transaction, calls: Sequence[tuple[FailedQuery, datetime, int]]
) -> Sequence[Sequence[Parked]]:
    answers = []
    for query, now, limit in calls:
        found = failed(tx.db, query, limit)
        tx.db.executemany(
            "UPDATE webhook_events SET attempts = 0, due_time = ?, first_time = ?, "
            "fail_time = NULL WHERE webhook = ? AND seq = ?",
            [(micros(now), micros(now), each.webhook, each.seq) for each in found],
        )
        answers.append([each.revived(now) for each in found])
    return answers


def forget_failed(tx: Transaction, times: Sequence[datetime]) -> Sequence[int]:
    return [_forget(tx.db, time) for time in times]


def _forget(db: Database, before: datetime) -> int:
    count = db.execute("DELETE FROM webhook_events WHERE fail_time < ?", (micros(before),)).rowcount
    for (key,) in db.execute("SELECT key FROM webhooks").fetchall():
        count += db.execute(_FORGET_BEYOND, {"webhook": key, "kept": MAX_FAILED}).rowcount
    return count
