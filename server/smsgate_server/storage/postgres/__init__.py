"""The PostgreSQL store: any number of servers on one database.

store.py       the Store port; hands writes to the writer and reads to the readers
writer.py      one thread, one connection, many requests per commit, one server after another
tail.py        what the other servers committed, in the order of the log
reading.py     threads that read
database.py    a connection as the operations of storage/sql want it
partitions.py  the parts that messages and events are kept in
courier.py     which server sends
migrations.py  the numbered .sql files beside it
"""
