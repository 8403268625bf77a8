"""The numbers that tie the segments of a long message together on the handset."""

from collections import OrderedDict
from collections.abc import Callable

# Recipients whose last number is remembered.
_MOST = 100_000


class References:
    """Long messages to one handset have different numbers: any 256 of them in a row (65,280 where
    the reference has 16 bits), whichever carriers they go by, as long as all of these share this
    object and no more than 100,000 other recipients came between.

    Nothing is kept when the process ends: a handset's numbers begin anew where `pick` says, so that
    a message that is still under way from before has the same one with a chance of 1 in 256 (1 in
    65,280).
    """

    def __init__(self, pick: Callable[[], int]) -> None:
        self._pick = pick
        self._last: OrderedDict[str, int] = OrderedDict()

    def next(self, recipient: str) -> int:
        """A number of 16 bits, never 0; its lower 8 are as good as the whole."""
        last = self._last.pop(recipient, None)
        # 0 is no reference to those who keep it. After 0xFFFF comes 0x100, so that the lower 8 bits
        # go on in turn.
        number = ((self._pick() if last is None else last) + 1) & 0xFFFF or 0x100
        self._last[recipient] = number
        if len(self._last) > _MOST:
            self._last.popitem(last=False)
        return number
