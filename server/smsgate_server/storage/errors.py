"""What is wrong with a store: told to the operator when it cannot be opened, and to callers when it
is away.
"""

from datetime import timedelta

from smsgate_server.domain.errors import ErrorReason, Unavailable

# A store that was away for a moment has been asked again by then.
_RETRY = timedelta(milliseconds=500)


class StoreSetupError(Exception):
    """Why a store cannot be opened: a sentence for the operator, shown without a stack trace."""


def store_unavailable(message: str) -> Unavailable:
    return Unavailable(ErrorReason.STORE_UNAVAILABLE, message, retry_after=_RETRY)
