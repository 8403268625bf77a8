"""Python reads this at its start: a process whose clock is ahead of the others', or behind."""

import os
import time

_AHEAD = int(float(os.environ["CLOCK_AHEAD_SECONDS"]) * 1e9)
_time_ns = time.time_ns
time.time_ns = lambda: _time_ns() + _AHEAD
