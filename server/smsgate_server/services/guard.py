"""What stands around every send of an account: its limits, and what becomes of refusals."""

from collections.abc import Awaitable, Callable, Sequence

from smsgate_server.domain.errors import ErrorReason, FailedPrecondition, SmsgateError
from smsgate_server.services.meter import Meter
from smsgate_server.services.notices import Notices
from smsgate_server.services.ports import Accepted, StoredEntry
from smsgate_server.services.profiles import Profile
from smsgate_server.services.quotas import Quotas

# Makes an account SUSPENDED, and says why.
Suspend = Callable[[str, str], Awaitable[None]]

_OVER_BUDGET = FailedPrecondition(
    ErrorReason.BUDGET_EXHAUSTED, "the monthly budget is exceeded", {}, subject="budget"
)


class Guard:
    def __init__(self, quotas: Quotas, meter: Meter, notices: Notices, suspend: Suspend) -> None:
        self._quotas = quotas
        self._meter = meter
        self._notices = notices
        self._suspend = suspend

    def free(self, profile: Profile) -> None:
        """Count a request that costs nothing."""
        self._meter.free(profile.id)

    def noted(self, profile: Profile, findings: Sequence[SmsgateError]) -> None:
        """Put on record what only monitored policies have against a message that was accepted."""
        if findings:
            self._notices.record(profile.id, findings)

    async def refused(self, profile: Profile, errors: Sequence[SmsgateError]) -> None:
        """Suspend the account if its policy says so of what it tried to send."""
        if profile.rules.suspend_for_content and any(
            error.reason is ErrorReason.FORBIDDEN_CONTENT for error in errors
        ):
            await self._suspend(profile.id, "it tried to send forbidden content")

    def forecast(self, profile: Profile, count: int) -> list[SmsgateError]:
        """What `take` would raise now."""
        return self._quotas.would_refuse(profile, count) if profile.message_limits else []

    def take(self, profile: Profile, count: int) -> Sequence[SmsgateError]:
        """Count messages that are about to be accepted; `settle` with what is returned once it is
        known whether they were.
        """
        return self._quotas.take_messages(profile, count) if profile.message_limits else ()

    def settle(
        self,
        profile: Profile,
        count: int,
        accepted: Accepted | None,
        noted: Sequence[SmsgateError],
    ) -> None:
        fresh, over_budget = 0, False
        if accepted is not None and not accepted.replayed:
            for entry in accepted.entries:
                if entry.message is not None and not entry.replayed:
                    fresh += 1
                if entry.over_budget:
                    over_budget = True
        if fresh < count and profile.message_limits:
            self._quotas.return_messages(profile, count - fresh)
        if fresh:
            self.noted(profile, noted)
        if over_budget:
            self._notices.record(profile.id, [_OVER_BUDGET])

    def settle_one(
        self, profile: Profile, entry: StoredEntry | None, noted: Sequence[SmsgateError]
    ) -> None:
        """Like `settle`, for the one message of a code."""
        entries = (entry,) if entry is not None else ()
        self.settle(profile, 1, Accepted(entries, 0), noted)
