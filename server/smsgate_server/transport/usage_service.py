"""smsgate.v1.UsageService: the rpc maps, calls its use case, and maps back."""

import asyncio
from collections.abc import Callable

from smsgate.v1 import usage_service_pb2 as pb
from smsgate_server.domain.account import Scope
from smsgate_server.domain.errors import ErrorReason, NotFound, PermissionDenied
from smsgate_server.domain.usage_report import Dimension
from smsgate_server.services.access import Caller
from smsgate_server.services.usage import UsageReports, UsageRequest
from smsgate_server.transport.mapping import usage as mapping
from smsgate_server.transport.mapping.reading import Reader


class UsageService:
    """`known` tells whether there is an account with an id."""

    def __init__(self, reports: UsageReports, known: Callable[[str], bool]) -> None:
        self._reports = reports
        self._known = known

    async def GetUsage(self, request: pb.GetUsageRequest, caller: Caller) -> pb.GetUsageResponse:
        reader = Reader()
        span = mapping.span_of(reader, request, self._reports)
        group_by = mapping.dimensions_of(reader, request)
        countries = reader.texts("countries", request.countries, mapping.MAX_COUNTRIES)
        reader.done()
        assert span is not None
        wanted = UsageRequest(
            span=span,
            account=self._account(request, group_by, caller),
            group_by=group_by,
            countries=countries,
            max_series=mapping.series_of(request, span),
        )
        found = await self._reports.find(wanted)
        # Hundreds of series of hundreds of periods take seconds to map: not on the loop.
        return await asyncio.to_thread(mapping.response, found)

    def _account(
        self, request: pb.GetUsageRequest, group_by: frozenset[Dimension], caller: Caller
    ) -> str | None:
        """Whose usage; None for everybody's."""
        admin = Scope.ADMIN in caller.scopes
        if Dimension.ACCOUNT in group_by and not admin:
            raise PermissionDenied(
                ErrorReason.SCOPE_REQUIRED,
                "usage by account needs the scope ADMIN; use another key",
                {"scope": "SCOPE_ADMIN"},
            )
        if not request.account_id:
            return None if Dimension.ACCOUNT in group_by else caller.account
        own = request.account_id == caller.account
        if not own and not (admin and self._known(request.account_id)):
            raise NotFound(
                ErrorReason.ACCOUNT_NOT_FOUND,
                "there is no such account",
                {"account_id": request.account_id[:64]},
            )
        return request.account_id
