"""What a command_status in a submit_sm_resp means for the message (SMPP 3.4 §5.1.3)."""

from collections.abc import Collection
from enum import Enum, auto

from smsgate_server.carriers.smpp.codes import Status


class Verdict(Enum):
    ACCEPTED = auto()
    TOO_FAST = auto()
    TRY_LATER = auto()
    REFUSED = auto()


# The carrier has no room or wants fewer a second: the message keeps its place.
_TOO_FAST = frozenset({Status.THROTTLED, Status.MESSAGE_QUEUE_FULL})
# It is the carrier that has a trouble, or the bind; not the message.
TRY_LATER = frozenset({Status.SYSTEM_ERROR, Status.TEMPORARY_APP_ERROR, Status.INVALID_BIND_STATUS})


def judge(status: int, try_later: Collection[int]) -> Verdict:
    """Everything that is not known to pass is a refusal for good, vendors' own codes
    (0x400-0x4FF) included: to send again what a carrier refuses costs money and trust.
    """
    if status == Status.OK:
        return Verdict.ACCEPTED
    if status in _TOO_FAST:
        return Verdict.TOO_FAST
    return Verdict.TRY_LATER if status in try_later else Verdict.REFUSED
