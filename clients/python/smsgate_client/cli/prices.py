"""smsgate prices"""

from collections.abc import Iterable, Iterator
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from smsgate.v1 import account_service_pb2, message_pb2
from smsgate.v1 import pricing_service_pb2 as pb
from smsgate_client.blocking import BlockingClient
from smsgate_client.cli import parsing
from smsgate_client.cli.output import clock_text, count, money_text, print_json, printable
from smsgate_client.cli.pipes import until_closed
from smsgate_client.cli.session import Session
from smsgate_client.names import short_name
from smsgate_client.pages import all_items
from smsgate_client.pricing import PriceFields

_LARGEST_PAGE = 1_000
# The width of a terminal from which on there is room for where a price comes from.
_WITH_SOURCE = 120

Billing = Annotated[
    str,
    typer.Option("--billing", help="subscription or prepaid; else that of the account."),
]


@until_closed
def prices(
    context: typer.Context,
    country: parsing.Countries = None,
    billing: Annotated[
        list[str] | None,
        typer.Option(
            "--billing", help="subscription or prepaid; else that of the account. Repeatable."
        ),
    ] = None,
    at: Annotated[
        str, typer.Option("--at", help="The prices in force at a time, e.g. 2026-01-31T09:00.")
    ] = "",
) -> None:
    """List the tariffs: the price of a segment by country and network, excluding VAT.

    A table in a terminal, JSON lines in a pipe.

    Examples:

        smsgate prices --country IT --country ES

        smsgate prices | jq -r '[.country, .network, .price_per_segment.amount] | @tsv'
    """
    session: Session = context.obj
    fields = PriceFields(countries=country or (), billing_modes=billing or ())
    if at:
        fields["effective_time"] = parsing.moment(at)
    pages = _pages(session.client, fields)
    if session.wants_json(lines=True):
        for page in pages:
            for price in page.prices:
                print_json(price)
        return
    found = list(pages)
    rows = [price for page in found for price in page.prices]
    session.out.print(_table(rows, session.out.width))
    session.out.print(Text(_summary(len(rows), found[-1]), style="dim"))


def _pages(client: BlockingClient, fields: PriceFields) -> Iterator[pb.ListPricesResponse]:
    return all_items(
        lambda token: client.list_prices_page(page_size=_LARGEST_PAGE, page_token=token, **fields),
        lambda page: (page,),
    )


def _summary(rows: int, page: pb.ListPricesResponse) -> str:
    since = f" of {clock_text(page.tariff_time)}" if page.HasField("tariff_time") else ""
    return f"{count(rows, 'price')}, tariffs version {page.tariff_version}{since}"


def _table(rows: Iterable[pb.Price], width: int) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("country", "name", "network", "billing"):
        table.add_column(heading)
    table.add_column("a segment", justify="right", no_wrap=True)
    table.add_column("status")
    if width >= _WITH_SOURCE:
        table.add_column("source and note")
    for price in rows:
        source = ". ".join(part for part in (price.source, price.note) if part)
        extra = [Text(printable(source))] if width >= _WITH_SOURCE else []
        table.add_row(
            Text(printable(price.country)),
            Text(printable(price.country_name), no_wrap=True, overflow="ellipsis"),
            Text(printable(price.network)),
            Text(_billing(price), style="dim"),
            Text(money_text(price.price_per_segment)),
            price_status(price.price_status),
            *extra,
        )
    return table


def _billing(price: pb.Price) -> str:
    if not price.billing_mode:
        return "all"
    return short_name(account_service_pb2.BillingMode.DESCRIPTOR, price.billing_mode)


def price_status(status: message_pb2.PriceStatus.ValueType) -> Text:
    """How far a price can be trusted."""
    unknown = status == message_pb2.PRICE_STATUS_UNKNOWN
    name = short_name(message_pb2.PriceStatus.DESCRIPTOR, status)
    return Text(name, style="yellow" if unknown else "")
