"""Python's collector of cyclic garbage, as a server wants it."""

import gc

# Objects made and not yet freed before the youngest are looked through; and how many looks at each
# generation come before one at the next.
_THRESHOLDS = (4_000, 250, 100)


def set_up() -> None:
    """Leave alone what is there for good, and look through the rest less often.

    A call makes some hundred objects, nearly all of which are freed by count when it ends. With the
    defaults the collector looks through the young ones every few calls, and through all of the
    numbering plans and the stream's window again and again: a fifth of the cost of a SendMessage.
    Each look holds up all calls under way, for 15 ms with 20,000 young ones: seldom looks cost no
    less in all, and made the slowest of a hundred calls half as slow again.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
