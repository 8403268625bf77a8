"""The options of `account create` and `account update`: what an account can have."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Annotated, Any

import typer

from smsgate.v1 import account_service_pb2 as pb
from smsgate_client import names, values
from smsgate_client.account_requests import AccountFields
from smsgate_client.cli import parsing

# As the settings of the server spell it.
_LIMIT = re.compile(r"([a-zA-Z_-]+)=(\d+)(?:/([^:]+))?(?::burst=(\d+))?(:monitor)?", re.ASCII)

Name = Annotated[str | None, typer.Option("--name", help="What people call it.")]
Billing = Annotated[
    str | None, typer.Option("--billing", help="subscription (pays later) or prepaid.")
]
BundleSegments = Annotated[
    int | None, typer.Option("--bundle", min=0, help="Segments that each month includes.")
]
BundleCountries = Annotated[
    list[str] | None,
    typer.Option("--bundle-country", help="With --bundle: only to this country. Repeatable."),
]
Budget = Annotated[
    str | None, typer.Option("--budget", help="The most it may spend a month, e.g. '100 EUR'.")
]
Allowed = Annotated[
    list[str] | None, typer.Option("--allow", help="Send only to this country. Repeatable.")
]
Denied = Annotated[
    list[str] | None, typer.Option("--deny", help="Never send to this country. Repeatable.")
]
Words = Annotated[
    list[str] | None, typer.Option("--forbid-word", help="No text with this word. Repeatable.")
]
SuspendForWords = Annotated[
    bool, typer.Option("--suspend-for-words", help="Who sends a forbidden word is suspended.")
]
RequirePrice = Annotated[
    bool | None, typer.Option("--require-price/--no-require-price", help="Is a price needed?")
]
Limits = Annotated[
    list[str] | None,
    typer.Option(
        "--limit",
        help="KIND=MAXIMUM/PERIOD, e.g. messages=100/1m:burst=200:monitor, otp_recipient=5/1h, "
        "streams=10. Repeatable.",
    ),
]
Monitor = Annotated[
    list[str] | None,
    typer.Option(
        "--monitor",
        help="Only record what goes against countries, content, budget or prices. Repeatable.",
    ),
]
Sender = Annotated[
    str | None, typer.Option("--sender", help="The sender of messages that name none.")
]
Labels = Annotated[
    list[str] | None, typer.Option("--label", "-l", help="A label, key=value. Repeatable.")
]


@dataclass(kw_only=True)
class Typed:
    """What was typed; None and empty lists were not. The names are those of the parameters."""

    name: str | None = None
    billing: str | None = None
    bundle: int | None = None
    bundle_country: Sequence[str] | None = None
    budget: str | None = None
    allow: Sequence[str] | None = None
    deny: Sequence[str] | None = None
    forbid_word: Sequence[str] | None = None
    suspend_for_words: bool = False
    require_price: bool | None = None
    limit: Sequence[str] | None = None
    monitor: Sequence[str] | None = None
    sender: str | None = None
    label: Sequence[str] | None = None

    @classmethod
    def of(cls, parameters: Mapping[str, Any]) -> "Typed":
        """What was typed, of all parameters of a command."""
        return cls(**{field.name: parameters[field.name] for field in fields(cls)})

    def as_fields(self) -> AccountFields:
        """What the client is to be given: only what was typed."""
        found = AccountFields()
        if self.name is not None:
            found["display_name"] = self.name
        if self.billing:
            found["billing_mode"] = self.billing
        if self.sender is not None:
            found["default_sender"] = self.sender
        if self.label:
            found["labels"] = parsing.labels(self.label)
        if self.limit:
            found["limits"] = [limit_from(text) for text in self.limit]
        self._add_bundle(found)
        self._add_policy(found)
        unset = [part for part in self.monitor or () if part.lower() not in found]
        if unset:
            raise typer.BadParameter(f"--monitor {unset[0]} needs what is to be monitored")
        return found

    def _add_bundle(self, found: AccountFields) -> None:
        if self.bundle is not None:
            found["bundle"] = pb.Bundle(
                segments_per_month=self.bundle, countries=self.bundle_country or ()
            )
        elif self.bundle_country:
            raise typer.BadParameter("--bundle-country needs --bundle")

    def _add_policy(self, found: AccountFields) -> None:
        if self.allow or self.deny:
            found["countries"] = pb.CountryPolicy(
                allowed_countries=self.allow or (),
                denied_countries=self.deny or (),
                mode=self._mode("countries"),
            )
        if self.forbid_word or self.suspend_for_words:
            found["content"] = pb.ContentPolicy(
                forbidden_words=self.forbid_word or (),
                suspend_account=self.suspend_for_words,
                mode=self._mode("content"),
            )
        if self.budget is not None:
            found["budget"] = pb.BudgetPolicy(
                monthly_maximum=values.money(self.budget), mode=self._mode("budget")
            )
        if self.require_price is not None:
            found["prices"] = pb.PricePolicy(
                require_price=self.require_price, mode=self._mode("prices")
            )

    def _mode(self, part: str) -> pb.PolicyMode.ValueType:
        monitored = {name.lower() for name in self.monitor or ()}
        return pb.POLICY_MODE_MONITOR if part in monitored else pb.POLICY_MODE_ENFORCE


def limit_from(text: str) -> pb.Limit:
    """A limit such as messages=100/1m:burst=20:monitor; one without a period counts at once."""
    match = _LIMIT.fullmatch(text.strip())
    if match is None:
        raise typer.BadParameter(f"{text!r} is not a limit such as messages=100/1m")
    kind, maximum, period, burst, monitor = match.groups()
    return pb.Limit(
        kind=names.limit_kind_from(kind),
        maximum=int(maximum),
        period=values.duration(parsing.span(period)) if period else None,
        burst=int(burst or 0),
        mode=pb.POLICY_MODE_MONITOR if monitor else pb.POLICY_MODE_ENFORCE,
    )
