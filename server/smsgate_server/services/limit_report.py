"""How much is left of every limit of an account."""

from datetime import timedelta

from smsgate_server.domain.account import Limit, LimitKind
from smsgate_server.services.ports import Clock, VerificationStore
from smsgate_server.services.profiles import Profile
from smsgate_server.services.quotas import LimitStatus, Quotas


class LimitReport:
    def __init__(self, quotas: Quotas, store: VerificationStore, clock: Clock) -> None:
        self._quotas = quotas
        self._store = store
        self._clock = clock

    async def of(self, profile: Profile, key: str = "") -> list[LimitStatus]:
        """Those of the account, and of one of its keys."""
        return [
            await self._codes(profile, status.limit)
            if status.limit.kind is LimitKind.OTP_ACCOUNT
            else status
            for status in self._quotas.status(profile, key)
        ]

    async def _codes(self, profile: Profile, limit: Limit) -> LimitStatus:
        """Codes are counted where they are stored, and all who send them count together."""
        period = limit.period or timedelta(0)
        if not limit.maximum:
            return LimitStatus(limit, 0, None)
        since = self._clock.now() - period
        sent = await self._store.codes_sent(profile.id, since, limit.maximum)
        reset = sent.newest + period if sent.newest is not None else None
        return LimitStatus(limit, limit.maximum - sent.count, reset)
