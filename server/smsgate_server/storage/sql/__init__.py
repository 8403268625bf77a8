"""What a transaction does, in SQL that SQLite and PostgreSQL both know.

store.py       the Store port, but for how a database is opened, written to and read
database.py    what an operation needs of a database
transaction.py what the operations of one commit share
bulk.py        few big statements instead of many small ones
operations.py  what each write does inside the transaction
acceptance.py, accounts.py, verifications.py, usage.py, carriers.py: the same, by subject
books.py       what a commit changes of balances and counts, written once
rows.py        rows and domain values
reader.py, listing.py   queries

Where the two differ, `Database` says how. Both run these operations one transaction after another,
so that an operation may look and then write.
"""
