"""A call whose first attempt is still being handled is repeated until its result is there."""

import time

from smsgate_client.errors import SmsgateError

MAX_REPEATS = 10
DEFAULT_DELAY_SECONDS = 0.2


class InFlight:
    """The repeats of one call, all inside its one deadline.

    When a connection breaks under a call, gRPC's retry can reach the server while the first attempt
    is at work there. ABORTED / REQUEST_IN_FLIGHT then is not the outcome; it comes a moment later.
    """

    def __init__(self, timeout: float) -> None:
        self._deadline = time.monotonic() + timeout
        self._repeats = 0

    def time_left(self) -> float:
        """The deadline of the next attempt."""
        return max(0.0, self._deadline - time.monotonic())

    def delay(self, error: SmsgateError) -> float:
        """The seconds to wait before a repeat. Raises the error if a repeat does not help."""
        delay = DEFAULT_DELAY_SECONDS
        if error.retry_after is not None:
            delay = error.retry_after.total_seconds()
        if error.reason != "REQUEST_IN_FLIGHT" or self._repeats >= MAX_REPEATS:
            raise error
        if delay >= self.time_left():
            raise error
        self._repeats += 1
        return delay
