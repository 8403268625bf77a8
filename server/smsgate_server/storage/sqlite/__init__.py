"""The SQLite store.

store.py       the Store port; hands writes to the writer and reads to the readers
writer.py      one thread, one connection, many requests per commit
operations.py  what each write does inside the transaction
acceptance.py, accounts.py, verifications.py, usage.py: the same, by what they are about
books.py       what a commit changes of balances and counts, written once
bulk.py        few big statements instead of many small ones
rows.py        rows and domain values
reader.py      queries
migrations.py  the numbered .sql files beside it
"""
