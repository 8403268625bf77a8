"""A prepaid account whose few cents several servers charge at the same time."""

import asyncio
from collections import Counter
from decimal import Decimal
from functools import partial
from typing import Any

from tests.acceptance.crash_load import until_answered

from smsgate_client import Refused, SmsgateClient, amount_of, new_request_id
from smsgate_server.private_postgres import PrivatePostgres

ACCOUNT = "shop"
# A message costs 0.049: there is enough for five at a time, and a rest.
_TOP_UP = Decimal("0.26")
_TOP_UP_SECONDS = 0.25
_POOR_SECONDS = 0.05
_LEDGER = "SELECT sum(micros), min(balance) FROM ledger WHERE account = %s"


class Purse:
    """Callers who would spend more than there is, and somebody who pays in little by little."""

    def __init__(self) -> None:
        self.acknowledged: set[str] = set()
        self.refusals: Counter[str] = Counter()
        self.paid_in = Decimal(0)
        self.ending = False

    async def spend(self, client: SmsgateClient) -> None:
        while not self.ending:
            fields: dict[str, Any] = {"request_id": new_request_id(), "timeout": 5}
            try:
                sent = await until_answered(
                    partial(client.send, "+393331234567", "Ciao", validity=3_600, **fields)
                )
            except Refused as refusal:
                self.refusals[refusal.reason] += 1
                await asyncio.sleep(_POOR_SECONDS)
            else:
                self.acknowledged.add(sent.message.id)

    async def fill(self, operator: SmsgateClient) -> None:
        while not self.ending:
            fields: dict[str, Any] = {"request_id": new_request_id(), "timeout": 5}
            await until_answered(partial(operator.top_up, ACCOUNT, f"{_TOP_UP} EUR", **fields))
            self.paid_in += _TOP_UP
            await asyncio.sleep(_TOP_UP_SECONDS)

    async def check(self, client: SmsgateClient, database: PrivatePostgres) -> None:
        """What was paid in is spent or there, to the micro, and there never was less than 0."""
        messages = [message async for message in client.list()]
        assert {message.id for message in messages} == self.acknowledged
        spent = sum((amount_of(message.total_price) for message in messages), Decimal(0))
        standing = (await client.get_account()).standing
        balance = amount_of(standing.balance)
        assert balance == self.paid_in - spent
        total, lowest = await asyncio.to_thread(_ledger, database)
        assert total == balance * 10**6
        assert lowest >= 0
        # They did want more than there was.
        assert self.refusals["INSUFFICIENT_BALANCE"] == self.refusals.total() > 10
        assert len(self.acknowledged) > 10


def _ledger(database: PrivatePostgres) -> tuple[int, int]:
    """The sum of the entries, and the lowest balance after one."""
    import psycopg

    with psycopg.connect(database.url()) as connection:
        (row,) = connection.execute(_LEDGER, (ACCOUNT,)).fetchall()
    total, lowest = row
    return total, lowest
