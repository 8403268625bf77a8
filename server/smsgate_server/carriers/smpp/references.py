"""The numbers that tie the segments of a long message together on the handset."""

from collections import OrderedDict

# Recipients whose last number is remembered.
_MOST = 100_000


class References:
    """Two long messages to one handset never have the same number, up to 256 of them (65,280 where
    the reference has 16 bits), unless that many others were sent meanwhile.
    """

    def __init__(self, start: int) -> None:
        self._start = start
        self._last: OrderedDict[str, int] = OrderedDict()

    def next(self, recipient: str) -> int:
        """A number of 16 bits, never 0; its lower 8 are as good as the whole."""
        self._start = (self._start + 1) & 0xFFFF
        # 0 is no reference to those who keep it. After 0xFFFF comes 0x100, so that the lower 8 bits
        # go on in turn.
        number = (self._last.pop(recipient, self._start) + 1) & 0xFFFF or 0x100
        self._last[recipient] = number
        if len(self._last) > _MOST:
            self._last.popitem(last=False)
        return number
