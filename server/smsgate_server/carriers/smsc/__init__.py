"""An SMSC over real SMPP that sends nothing: the other end of carriers/smpp, for laptops and tests.

settings.py   how it behaves, and what faults it makes
submits.py    a submit_sm ─▶ its answer and its receipts, by the scripts of the simulated carrier
receipts.py   a receipt ─▶ deliver_sm, in the forms that carriers use
mailbox.py    the receipts of one ESME: kept until they are acknowledged
server.py     binds, answers, faults
"""
