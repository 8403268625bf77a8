"""smsgate.v1.PricingService: each rpc maps, calls one use case, and maps back."""

from smsgate.v1 import pricing_service_pb2 as pb
from smsgate_server.domain.account import BillingMode
from smsgate_server.domain.errors import ErrorReason
from smsgate_server.services.access import Caller
from smsgate_server.services.price_lists import PriceLists, Wanted
from smsgate_server.transport.mapping import pricing as mapping
from smsgate_server.transport.mapping.reading import Reader
from smsgate_server.transport.mapping.responses import timestamp

_MAX_COUNTRIES = 300
_MAX_RECIPIENT = 64


class PricingService:
    """Every method takes the caller; who that is was settled before."""

    def __init__(self, lists: PriceLists) -> None:
        self._lists = lists

    async def ListPrices(
        self, request: pb.ListPricesRequest, caller: Caller
    ) -> pb.ListPricesResponse:
        reader = Reader()
        countries = reader.texts("countries", request.countries, _MAX_COUNTRIES)
        own = caller.profile.account.billing_mode
        billings = {
            reader.choice(f"billing_modes[{index}]", BillingMode, value, own)
            for index, value in enumerate(request.billing_modes[:_MAX_COUNTRIES])
        }
        time = (
            reader.time("effective_time", request.effective_time)
            if request.HasField("effective_time")
            else None
        )
        reader.done()
        page = self._lists.prices(
            countries, frozenset(billings or {own}), time, request.page_size, request.page_token
        )
        made = pb.ListPricesResponse(
            prices=[mapping.price(row) for row in page.rows],
            next_page_token=page.next_token,
            tariff_version=page.version,
        )
        if page.import_time is not None:
            made.tariff_time.CopyFrom(timestamp(page.import_time))
        return made

    async def ListDestinations(
        self, request: pb.ListDestinationsRequest, caller: Caller
    ) -> pb.ListDestinationsResponse:
        billing = _billing(request.billing_mode, caller)
        wanted = Wanted(request.mobile_only, request.priced_only, request.allowed_only)
        page = await self._lists.destinations(
            caller.profile, wanted, billing, request.page_size, request.page_token
        )
        return pb.ListDestinationsResponse(
            destinations=[mapping.destination(offer) for offer in page.offers],
            next_page_token=page.next_token,
            total_count=page.total,
            priced_count=page.priced,
            tariff_version=page.version,
        )

    async def LookupNumber(
        self, request: pb.LookupNumberRequest, caller: Caller
    ) -> pb.LookupNumberResponse:
        reader = Reader()
        if not request.recipient:
            reader.refuse("recipient", ErrorReason.FIELD_REQUIRED, "is empty")
        if len(request.recipient) > _MAX_RECIPIENT:
            description = f"is over {_MAX_RECIPIENT} characters"
            reader.refuse("recipient", ErrorReason.FIELD_TOO_LONG, description)
        reader.done()
        billing = _billing(request.billing_mode, caller)
        found = await self._lists.look_up(caller.profile, request.recipient, billing)
        return mapping.lookup(request.recipient, found)


def _billing(asked: int, caller: Caller) -> BillingMode:
    reader = Reader()
    own = caller.profile.account.billing_mode
    billing = reader.choice("billing_mode", BillingMode, asked, own)
    reader.done()
    return billing
