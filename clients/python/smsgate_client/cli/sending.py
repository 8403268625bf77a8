"""The options of send, batch and estimate: how a message is checked and sent."""

from typing import Annotated

import typer

from smsgate_client.cli import parsing
from smsgate_client.requests import SendOptionFields

Sender = Annotated[
    str, typer.Option("--sender", "-s", help="The sender shown; the server has a default.")
]
Labels = Annotated[
    list[str] | None, typer.Option("--label", "-l", help="A label, key=value. Repeatable.")
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", "-n", help="Check and price it, but send nothing.")
]
SingleOnly = Annotated[
    bool, typer.Option("--single", help="Refuse a text that does not fit in one segment.")
]
MaxSegments = Annotated[
    int,
    typer.Option(
        "--max-segments",
        min=0,
        show_default=False,
        help="Refuse a text of more segments than this.",
    ),
]
Validity = Annotated[
    str, typer.Option("--validity", help="How long delivery is tried, e.g. 90s, 10m, 24h.")
]
SendAt = Annotated[
    str,
    typer.Option("--at", help="Send it later: 2026-01-31T09:00, or 10m for in ten minutes."),
]
MaxPrice = Annotated[
    str, typer.Option("--max-price", help="Refuse a higher price, e.g. '0.05 EUR'.")
]
SmartEncoding = Annotated[
    bool,
    typer.Option("--smart", help="Replace typographic characters if the text gets shorter."),
]
OnUnknownSubmit = Annotated[
    str,
    typer.Option(
        "--on-unknown-submit",
        help="If the carrier's answer is lost: at-most-once (default) or at-least-once.",
    ),
]


def send_options(
    *,
    dry_run: bool = False,
    single: bool = False,
    max_segments: int = 0,
    validity: str = "",
    send_at: str = "",
    max_price: str = "",
    smart: bool = False,
    on_unknown_submit: str = "",
) -> SendOptionFields:
    """The options for the client, of what was typed."""
    options = SendOptionFields(
        dry_run=dry_run,
        fail_on_multiple_messages=single,
        max_segments=max_segments,
        smart_encoding=smart,
        on_unknown_submit=on_unknown_submit,
    )
    if validity:
        options["validity"] = parsing.span(validity)
    if send_at:
        options["send_time"] = parsing.future(send_at)
    if max_price:
        options["max_price"] = max_price
    return options
