"""What the writer remembers of messages under way."""

from collections.abc import Mapping
from itertools import islice

from smsgate_server.domain.delivery import Delivery
from smsgate_server.domain.message import Message

# A message and what is kept beside it; no delivery: it is final.
Life = tuple[Message, Delivery | None]


class Known:
    """Messages that are not final, as the last commit left them: the steps of a life come one after
    another, and reading forty columns anew for each of them costs more than the step.

    Only for a store whose messages nobody else changes. At most `most` are kept, the newest.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._lives: dict[int, Life] = {}

    def get(self, seq: int) -> Life | None:
        return self._lives.get(seq)

    def take(self, lives: Mapping[int, Life]) -> None:
        """What a transaction made of them, once it is committed."""
        if not self._most:
            return
        for seq, life in lives.items():
            if life[1] is None:
                self._lives.pop(seq, None)
            else:
                self._lives[seq] = life
        if len(self._lives) > self._most:
            # Those that were put in first, many at a time: each search for the first passes all
            # that were there before it.
            surplus = len(self._lives) - self._most + self._most // 8
            for seq in list(islice(self._lives, surplus)):
                del self._lives[seq]

    def forget(self) -> None:
        self._lives.clear()
