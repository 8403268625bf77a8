"""What a policy in monitor mode would have refused: a line in the log, and a count."""

import logging
from collections.abc import Callable, Sequence

from smsgate_server.domain.errors import SmsgateError

_log = logging.getLogger("smsgate.policy")

# (account, reason) of everything that was recorded.
Count = Callable[[str, str], None]


class Notices:
    def __init__(self, count: Count) -> None:
        self._count = count

    def record(self, account: str, findings: Sequence[SmsgateError]) -> None:
        for error in findings:
            self._count(account, error.reason.value)
            fields = {"account": account, "reason": error.reason.value, **error.metadata}
            _log.warning("would be refused", extra={"fields": fields})
