"""SMPP 3.4, both ends of it.

codes.py       the numbers of the protocol: commands, statuses, tags
pdu.py         PDUs as values, and their bytes
framing.py     a stream of bytes ─▶ PDUs
session.py     what one connection remembers: states, sequence numbers, window, timers. No I/O
connection.py  moves the bytes of a session over a socket

The ESME, which is what a gateway is towards its carrier:
settings.py    what can be set for a carrier
addresses.py   numbers and senders ─▶ TON, NPI, digits
parts.py       a message ─▶ the submit_sm of its segments
statuses.py    command_status ─▶ accepted, refused, try again
receipts.py    deliver_sm and data_sm ─▶ receipts
pacing.py      how fast a carrier may be given messages
binding.py     keeps one bind up
client.py      the carrier: window, pace, answers, receipts

The SMSC, for laptops and tests, is in carriers/smsc/.
"""
