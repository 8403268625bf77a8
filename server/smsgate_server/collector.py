"""Python's collector of cyclic garbage, as a server wants it."""

import gc

# Objects made and not yet freed before the youngest are looked through; and how many looks at each
# generation come before one at the next.
_THRESHOLDS = (20_000, 50, 100)


def set_up() -> None:
    """Leave alone what is there for good, and look through the rest less often.

    A call makes some hundred objects, nearly all of which are freed by count when it ends. With the
    defaults the collector looks through the young ones every few calls, and through all of the
    numbering plans and the stream's window again and again: a fifth of the cost of a SendMessage.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
