"""Prices, destinations and numbers: the requests, and the calls of both clients."""

from collections.abc import AsyncGenerator, Generator, Iterable, Sequence
from datetime import datetime
from typing import TypedDict, Unpack

from smsgate.v1 import pricing_service_pb2 as pb
from smsgate_client import names, values
from smsgate_client.aio_calls import AioCalls
from smsgate_client.calls import BlockingCalls
from smsgate_client.keywords import takes
from smsgate_client.pages import aio_all_items, all_items


class PriceFields(TypedDict, total=False):
    """Which rows of the tariffs; see ListPricesRequest in the contract."""

    countries: Sequence[str]
    billing_modes: Iterable[names.BillingMode | str]
    """SUBSCRIPTION, PREPAID; that of the account if none is given."""
    effective_time: datetime | None


class DestinationFields(TypedDict, total=False):
    """Which destinations; see ListDestinationsRequest in the contract."""

    mobile_only: bool
    priced_only: bool
    allowed_only: bool
    billing_mode: names.BillingMode | str


@takes(PriceFields)
def prices_request(
    page_size: int = 0, page_token: str = "", **fields: Unpack[PriceFields]
) -> pb.ListPricesRequest:
    """One page of the tariffs."""
    effective = fields.get("effective_time")
    return pb.ListPricesRequest(
        countries=fields.get("countries", ()),
        billing_modes=[names.billing_mode_from(mode) for mode in fields.get("billing_modes", ())],
        effective_time=None if effective is None else values.timestamp(effective),
        page_size=page_size,
        page_token=page_token,
    )


@takes(DestinationFields)
def destinations_request(
    page_size: int = 0, page_token: str = "", **fields: Unpack[DestinationFields]
) -> pb.ListDestinationsRequest:
    """One page of the destinations."""
    request = pb.ListDestinationsRequest(
        mobile_only=fields.get("mobile_only", False),
        priced_only=fields.get("priced_only", False),
        allowed_only=fields.get("allowed_only", False),
        page_size=page_size,
        page_token=page_token,
    )
    if mode := fields.get("billing_mode"):
        request.billing_mode = names.billing_mode_from(mode)
    return request


def lookup_request(
    recipient: str, billing_mode: names.BillingMode | str = ""
) -> pb.LookupNumberRequest:
    """A number to be judged."""
    request = pb.LookupNumberRequest(recipient=recipient)
    if billing_mode:
        request.billing_mode = names.billing_mode_from(billing_mode)
    return request


class Pricing(BlockingCalls):
    """The calls of the blocking client."""

    def list_prices_page(
        self,
        *,
        page_size: int = 0,
        page_token: str = "",
        timeout: float | None = None,
        **fields: Unpack[PriceFields],
    ) -> pb.ListPricesResponse:
        """One page of the tariffs, with their version."""
        request = prices_request(page_size, page_token, **fields)
        return self._call(self._stubs.pricing.ListPrices, request, timeout)

    def list_prices(
        self, *, page_size: int = 0, timeout: float | None = None, **fields: Unpack[PriceFields]
    ) -> Generator[pb.Price, None, None]:
        """All rows of the tariffs, page by page as they are consumed."""
        return all_items(
            lambda token: self.list_prices_page(
                page_size=page_size, page_token=token, timeout=timeout, **fields
            ),
            lambda page: page.prices,
        )

    def list_destinations_page(
        self,
        *,
        page_size: int = 0,
        page_token: str = "",
        timeout: float | None = None,
        **fields: Unpack[DestinationFields],
    ) -> pb.ListDestinationsResponse:
        """One page of the destinations, with how many there are and how many have a price."""
        request = destinations_request(page_size, page_token, **fields)
        return self._call(self._stubs.pricing.ListDestinations, request, timeout)

    def list_destinations(
        self,
        *,
        page_size: int = 0,
        timeout: float | None = None,
        **fields: Unpack[DestinationFields],
    ) -> Generator[pb.Destination, None, None]:
        """All destinations, page by page as they are consumed."""
        return all_items(
            lambda token: self.list_destinations_page(
                page_size=page_size, page_token=token, timeout=timeout, **fields
            ),
            lambda page: page.destinations,
        )

    def lookup_number(
        self,
        recipient: str,
        *,
        billing_mode: names.BillingMode | str = "",
        timeout: float | None = None,
    ) -> pb.LookupNumberResponse:
        """All that is known of a number. A wrong number is an answer, not an error."""
        request = lookup_request(recipient, billing_mode)
        return self._call(self._stubs.pricing.LookupNumber, request, timeout)


class AioPricing(AioCalls):
    """The calls of the asyncio client."""

    async def list_prices_page(
        self,
        *,
        page_size: int = 0,
        page_token: str = "",
        timeout: float | None = None,
        **fields: Unpack[PriceFields],
    ) -> pb.ListPricesResponse:
        """One page of the tariffs, with their version."""
        request = prices_request(page_size, page_token, **fields)
        return await self._call(self._stubs.pricing.ListPrices, request, timeout)

    def list_prices(
        self, *, page_size: int = 0, timeout: float | None = None, **fields: Unpack[PriceFields]
    ) -> AsyncGenerator[pb.Price, None]:
        """All rows of the tariffs, page by page as they are consumed."""
        return aio_all_items(
            lambda token: self.list_prices_page(
                page_size=page_size, page_token=token, timeout=timeout, **fields
            ),
            lambda page: page.prices,
        )

    async def list_destinations_page(
        self,
        *,
        page_size: int = 0,
        page_token: str = "",
        timeout: float | None = None,
        **fields: Unpack[DestinationFields],
    ) -> pb.ListDestinationsResponse:
        """One page of the destinations, with how many there are and how many have a price."""
        request = destinations_request(page_size, page_token, **fields)
        return await self._call(self._stubs.pricing.ListDestinations, request, timeout)

    def list_destinations(
        self,
        *,
        page_size: int = 0,
        timeout: float | None = None,
        **fields: Unpack[DestinationFields],
    ) -> AsyncGenerator[pb.Destination, None]:
        """All destinations, page by page as they are consumed."""
        return aio_all_items(
            lambda token: self.list_destinations_page(
                page_size=page_size, page_token=token, timeout=timeout, **fields
            ),
            lambda page: page.destinations,
        )

    async def lookup_number(
        self,
        recipient: str,
        *,
        billing_mode: names.BillingMode | str = "",
        timeout: float | None = None,
    ) -> pb.LookupNumberResponse:
        """All that is known of a number. A wrong number is an answer, not an error."""
        request = lookup_request(recipient, billing_mode)
        return await self._call(self._stubs.pricing.LookupNumber, request, timeout)
