"""Ways to the handsets: each is an adapter of the Carrier port.

script.py     what the simulated carrier does with a message, decided from its number and a seed
journal.py    what it remembers across restarts
simulator.py  the simulated carrier itself: answers submits, sends receipts
"""
