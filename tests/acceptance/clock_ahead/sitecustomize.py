"""Python reads this at its start: a process whose clock is ahead of the others', or behind. Given
several numbers of seconds, the clock steps from one to the next while the process runs.
"""

import os
import time

_AHEAD = [int(float(each) * 1e9) for each in os.environ["CLOCK_AHEAD_SECONDS"].split(",")]
# No multiple of the seconds after which servers do things.
_STEP = 1_100_000_000
_time_ns = time.time_ns
time.time_ns = lambda: _time_ns() + _AHEAD[time.monotonic_ns() // _STEP % len(_AHEAD)]
