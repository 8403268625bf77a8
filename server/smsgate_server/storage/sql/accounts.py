"""Accounts, keys and top-ups, inside the writer's transaction; and reading them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from pydantic import TypeAdapter

from smsgate_server.domain.account import Account, ApiKey, Scope
from smsgate_server.domain.charging import NO_STANDING, Standing
from smsgate_server.services.ports import (
    MAX_BALANCE,
    CreatedAccount,
    Directory,
    EntryKind,
    LedgerEntry,
    RequestKey,
    ToppedUp,
    TopUp,
)
from smsgate_server.storage.sql.acceptance import digest
from smsgate_server.storage.sql.database import Database, Row
from smsgate_server.storage.sql.rows import micros, micros_or_none, time_of, time_or_none
from smsgate_server.storage.sql.transaction import Transaction

_DOCUMENT = TypeAdapter(Account)
_KEY_COLUMNS = (
    "id, account, display_name, scopes, digest, create_time, expire_time, revoke_time, "
    "last_used_time"
)
_TOP_UP = """
    SELECT l.id, l.balance, t.fingerprint FROM top_ups AS t
    JOIN ledger AS l ON l.account = t.account AND l.id = t.entry WHERE t.key = ?
"""
_ENTRY_COLUMNS = "id, account, kind, micros, balance, time, note, messages, first_seq, last_seq"


def directory(db: Database) -> Directory:
    with db.snapshot():
        revision, had_keys = db.execute("SELECT revision, had_keys FROM store").fetchone()
        accounts = db.execute("SELECT document FROM accounts ORDER BY id").fetchall()
        keys = db.execute(f"SELECT {_KEY_COLUMNS} FROM api_keys ORDER BY create_time").fetchall()
    return Directory(
        [_DOCUMENT.validate_json(document) for (document,) in accounts],
        [_key_of(row) for row in keys],
        revision,
        had_keys == 1,
    )


def revision(db: Database) -> int:
    return int(db.execute("SELECT revision FROM store").fetchone()[0])


def create_accounts(
    tx: Transaction, wanted: Sequence[tuple[Account, RequestKey | None]]
) -> Sequence[CreatedAccount]:
    return [_create(tx, account, request) for account, request in wanted]


def _create(tx: Transaction, account: Account, request: RequestKey | None) -> CreatedAccount:
    if request is not None:
        seen = tx.db.execute(
            "SELECT fingerprint, account FROM account_requests WHERE key = ?", (digest(request),)
        ).fetchone()
        if seen is not None:
            if seen[0] != request.fingerprint:
                return CreatedAccount(None, conflict=True)
            return CreatedAccount(_account(tx.db, seen[1]), replayed=True)
    if _account(tx.db, account.id) is not None:
        return CreatedAccount(None)
    tx.db.execute(
        "INSERT INTO accounts (id, version, document) VALUES (?, ?, ?)",
        (account.id, account.version, _DOCUMENT.dump_json(account).decode()),
    )
    if request is not None:
        tx.db.execute(
            "INSERT INTO account_requests (key, fingerprint, account) VALUES (?, ?, ?)",
            (digest(request), request.fingerprint, account.id),
        )
    _revise(tx)
    return CreatedAccount(account)


def _account(db: Database, account_id: str) -> Account | None:
    row = db.execute("SELECT document FROM accounts WHERE id = ?", (account_id,)).fetchone()
    return _DOCUMENT.validate_json(row[0]) if row else None


def replace_accounts(tx: Transaction, wanted: Sequence[tuple[Account, int]]) -> Sequence[bool]:
    return [_replace(tx, account, version) for account, version in wanted]


def _replace(tx: Transaction, account: Account, version: int) -> bool:
    changed = tx.db.execute(
        "UPDATE accounts SET version = ?, document = ? WHERE id = ? AND version = ?",
        (account.version, _DOCUMENT.dump_json(account).decode(), account.id, version),
    )
    if changed.rowcount:
        _revise(tx)
    return changed.rowcount > 0


def add_keys(tx: Transaction, keys: Sequence[ApiKey]) -> Sequence[None]:
    for key in keys:
        marks = ", ".join("?" * 9)
        tx.db.execute(f"INSERT INTO api_keys ({_KEY_COLUMNS}) VALUES ({marks})", _key_row(key))
    tx.db.execute("UPDATE store SET had_keys = 1")
    _revise(tx)
    return [None] * len(keys)


def revoke_keys(tx: Transaction, wanted: Sequence[tuple[str, datetime]]) -> Sequence[ApiKey | None]:
    return [_revoke(tx, key_id, now) for key_id, now in wanted]


def _revoke(tx: Transaction, key_id: str, now: datetime) -> ApiKey | None:
    row = tx.db.execute(f"SELECT {_KEY_COLUMNS} FROM api_keys WHERE id = ?", (key_id,)).fetchone()
    if row is None:
        return None
    key = _key_of(row)
    if key.revoke_time is None:
        key = replace(key, revoke_time=now)
        tx.db.execute("UPDATE api_keys SET revoke_time = ? WHERE id = ?", (micros(now), key_id))
        _revise(tx)
    return key


def note_uses(tx: Transaction, calls: Sequence[Mapping[str, datetime]]) -> Sequence[None]:
    for uses in calls:
        rows = [(micros(time), key_id) for key_id, time in uses.items()]
        # Not a revision: nobody's rights change.
        tx.db.executemany("UPDATE api_keys SET last_used_time = ? WHERE id = ?", rows)
    return [None] * len(calls)


def standing(db: Database, account: str) -> Standing:
    row = db.execute(
        "SELECT balance, month, spent, bundle_used FROM standings WHERE account = ?", (account,)
    ).fetchone()
    return Standing(*row) if row else NO_STANDING


def top_up(tx: Transaction, wanted: Sequence[TopUp]) -> Sequence[ToppedUp]:
    return [_top_up(tx, each) for each in wanted]


def _top_up(tx: Transaction, wanted: TopUp) -> ToppedUp:
    key = digest(wanted.request)
    seen = tx.db.execute(_TOP_UP, (key,)).fetchone()
    if seen is not None:
        if seen[2] != wanted.request.fingerprint:
            return ToppedUp(conflict=True)
        return ToppedUp(seen[0], seen[1], replayed=True)
    tx.books.load([wanted.account])
    if tx.books.standing(wanted.account).balance + wanted.micros > MAX_BALANCE:
        return ToppedUp(too_much=True)
    time = micros(wanted.time)
    entry, balance = tx.books.deposit(wanted.account, wanted.micros, time, wanted.note)
    tx.db.execute(
        "INSERT INTO top_ups (key, fingerprint, account, entry) VALUES (?, ?, ?, ?)",
        (key, wanted.request.fingerprint, wanted.account, entry),
    )
    return ToppedUp(entry, balance)


def ledger(db: Database, account: str, after: int, limit: int) -> Sequence[LedgerEntry]:
    rows: Iterable[Row] = db.execute(
        f"SELECT {_ENTRY_COLUMNS} FROM ledger WHERE account = ? AND id > ? ORDER BY id LIMIT ?",
        (account, after, limit),
    )
    return [
        LedgerEntry(row[0], row[1], EntryKind(row[2]), row[3], row[4], time_of(row[5]), *row[6:])
        for row in rows
    ]


def _revise(tx: Transaction) -> None:
    tx.db.execute("UPDATE store SET revision = revision + 1")


def _key_row(key: ApiKey) -> Row:
    return (
        key.id,
        key.account,
        key.display_name,
        ",".join(str(int(scope)) for scope in sorted(key.scopes)),
        key.digest,
        micros(key.create_time),
        micros_or_none(key.expire_time),
        micros_or_none(key.revoke_time),
        micros_or_none(key.last_used_time),
    )


def _key_of(row: Row) -> ApiKey:
    return ApiKey(
        id=row[0],
        account=row[1],
        display_name=row[2],
        scopes=frozenset(Scope(int(scope)) for scope in row[3].split(",")),
        digest=row[4],
        create_time=time_of(row[5]),
        expire_time=time_or_none(row[6]),
        revoke_time=time_or_none(row[7]),
        last_used_time=time_or_none(row[8]),
    )
