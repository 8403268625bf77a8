"""A transaction that other servers' come before and after."""

from dataclasses import dataclass
from typing import ClassVar

from smsgate_server.storage.sql.transaction import Transaction


@dataclass(kw_only=True)
class SharedTransaction(Transaction):
    """`server` is the one whose transaction this is, `courier` the one that sends."""

    shared: ClassVar[bool] = True

    server: str
    courier: str
    partitioned: int
