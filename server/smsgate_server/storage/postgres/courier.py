"""Which server sends: the one whose name is in the store's row, until its lease is over.

The row is locked by every commit, so the courier cannot change between the look and the claim.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from smsgate_server.domain.delivery import Stage
from smsgate_server.services.ports import Claims, Lease
from smsgate_server.storage.postgres.transaction import SharedTransaction
from smsgate_server.storage.sql import operations
from smsgate_server.storage.sql.bulk import BulkStatement
from smsgate_server.storage.sql.transaction import Transaction

# The database's clock counts: those of the servers may be apart.
_TAKE = """
    UPDATE store SET courier = :server, courier_until = clock_timestamp() + :lease
    WHERE courier = :server OR courier_until < clock_timestamp()
"""
_LEAVE = "UPDATE store SET courier = '', courier_until = '-infinity' WHERE courier = ?"
# Their messages never reached a carrier: it is as if they had not been claimed.
_UNCLAIM = BulkStatement(
    f"""
    UPDATE deliveries SET stage = {int(Stage.WAITING)}, attempts = attempts - 1
    FROM ({{rows}}) AS v WHERE message_seq = v.column1 AND stage = {int(Stage.IN_FLIGHT)}
    RETURNING message_seq
    """,
    "n",
)
_COUNT_WAITING = f"""
    SELECT count(*) FROM deliveries JOIN messages ON seq = message_seq
    WHERE stage = {int(Stage.WAITING)} AND schedule_time IS NULL
"""


def take(tx: Transaction, leases: Sequence[timedelta]) -> Sequence[Lease]:
    assert isinstance(tx, SharedTransaction)
    values = {"server": tx.server, "lease": max(leases)}
    if not tx.db.execute(_TAKE, values).rowcount:
        return [Lease.ELSEWHERE] * len(leases)
    # The row is locked, so nobody was the courier between who it names and now.
    lease = Lease.RENEWED if tx.courier == tx.server else Lease.TAKEN
    tx.courier = tx.server
    return [lease] * len(leases)


def leave(tx: Transaction, calls: Sequence[None]) -> Sequence[None]:
    assert isinstance(tx, SharedTransaction)
    tx.db.execute(_LEAVE, (tx.server,))
    return calls


def claim_due(tx: Transaction, wanted: Sequence[tuple[datetime, int, str]]) -> Sequence[Claims]:
    assert isinstance(tx, SharedTransaction)
    if tx.courier != tx.server:
        return [Claims((), None)] * len(wanted)
    return operations.claim_due(tx, wanted)


def unclaim(tx: Transaction, calls: Sequence[Sequence[int]]) -> Sequence[None]:
    """Give back what was claimed by a commit that nobody was told of.

    If another server sends by now, it has dealt with them.
    """
    assert isinstance(tx, SharedTransaction)
    if tx.courier != tx.server:
        return [None] * len(calls)
    for seqs in calls:
        _UNCLAIM.fetch(tx.db, [(seq,) for seq in seqs])
    (tx.waiting,) = tx.db.execute(_COUNT_WAITING).fetchone()
    return [None] * len(calls)
