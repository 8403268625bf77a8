"""smsgate destinations"""

from collections.abc import Iterable
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from smsgate.v1 import pricing_service_pb2 as pb
from smsgate_client.cli.output import count, money_text, print_json, printable
from smsgate_client.cli.pipes import until_closed
from smsgate_client.cli.prices import Billing, price_status
from smsgate_client.cli.session import Session
from smsgate_client.pages import all_items
from smsgate_client.pricing import DestinationFields


@until_closed
def destinations(
    context: typer.Context,
    mobile_only: Annotated[
        bool, typer.Option("--mobile-only", help="Only those that can receive SMS.")
    ] = False,
    priced_only: Annotated[
        bool, typer.Option("--priced-only", help="Only those that have a price.")
    ] = False,
    allowed_only: Annotated[
        bool, typer.Option("--allowed-only", help="Only those that the account may send to.")
    ] = False,
    billing: Billing = "",
) -> None:
    """List every destination, with its price or the plain statement that none is known.

    A table in a terminal, JSON lines in a pipe; then how many there are, and how many of them
    have no known price.

    Examples:

        smsgate destinations --mobile-only

        smsgate destinations | jq -r 'select(.price_status == "UNKNOWN").name'
    """
    session: Session = context.obj
    fields = DestinationFields(
        mobile_only=mobile_only,
        priced_only=priced_only,
        allowed_only=allowed_only,
        billing_mode=billing,
    )
    pages = all_items(
        lambda token: session.client.list_destinations_page(page_token=token, **fields),
        lambda page: (page,),
    )
    if session.wants_json(lines=True):
        for page in pages:
            for each in page.destinations:
                print_json(each)
        session.say(summary(page))
        return
    found = list(pages)
    session.out.print(_table(each for page in found for each in page.destinations))
    session.out.print(Text(summary(found[-1]), style="dim"))


def summary(page: pb.ListDestinationsResponse) -> str:
    """How many destinations were chosen, and how many of them have no known price."""
    unknown = page.total_count - page.priced_count
    return (
        f"{count(page.total_count, 'destination')}, {page.priced_count:,} with a price, "
        f"{unknown:,} without a known price (tariffs version {page.tariff_version})"
    )


def _table(found: Iterable[pb.Destination]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("country", "name", "prefix"):
        table.add_column(heading)
    table.add_column("a segment", justify="right", no_wrap=True)
    for heading in ("status", "remarks"):
        table.add_column(heading)
    for each in found:
        table.add_row(
            Text(printable(each.country)),
            Text(printable(each.name), no_wrap=True, overflow="ellipsis"),
            Text(f"+{each.country_code}"),
            Text(price_range(each), style="" if each.HasField("max_price_per_segment") else "dim"),
            price_status(each.price_status),
            Text(remarks(each), style="dim"),
        )
    return table


def price_range(each: pb.Destination) -> str:
    """The price of a segment, or the lowest and the highest over its networks."""
    if not each.HasField("max_price_per_segment"):
        return "unknown"
    highest = money_text(each.max_price_per_segment)
    if each.min_price_per_segment == each.max_price_per_segment:
        return highest
    lowest = money_text(each.min_price_per_segment).removesuffix(
        f" {each.max_price_per_segment.currency_code}"
    )
    return f"{lowest} to {highest}"


def remarks(each: pb.Destination) -> str:
    """What else is to be known before a message is sent there."""
    found = [
        ("flat price", each.flat_price),
        ("no mobile numbers", not each.has_mobile_numbers),
        ("not allowed", not each.allowed),
    ]
    return ", ".join(text for text, holds in found if holds)
