"""`smsgate doctor`: looks at every step of the way to a server, and says what to do.

`command.py` runs the checks and shows them; `network.py` has those below gRPC, `calls.py` those
that call the server; `finding.py` is what a check finds.
"""
