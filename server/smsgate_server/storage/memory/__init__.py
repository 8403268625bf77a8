"""The store that forgets: everything in dicts, for tests, simulations and trying things out.

No method waits, so each one is a transaction by itself. The rules are those of the domain; what is
here only keeps their results.

store.py          the Store port, put together from the parts below
messages.py       messages, the log, deliveries, receipts
accounts.py       accounts, keys, top-ups
verifications.py  one-time passwords
books.py          balances, the ledger and counts of use
"""

from smsgate_server.storage.memory.store import MemoryStore

__all__ = ["MemoryStore"]
