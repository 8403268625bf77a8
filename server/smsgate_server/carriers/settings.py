"""The tables [[carriers]] and [[routes]] of the settings file."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from smsgate_server.carriers.smpp.settings import SmppSettings
from smsgate_server.domain.destinations import name_of
from smsgate_server.domain.number_facts import operator_slug
from smsgate_server.domain.routing import DEFAULT_LANE, Choice, Match, Route

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
_PREFIX = re.compile(r"\+[1-9][0-9]{0,14}")


class CarrierSettingsError(Exception):
    """Which setting is wrong, and why, for the operator."""


class SimulatedSettings(BaseModel):
    """A simulated carrier beside real ones; it behaves as the simulator_… settings say."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: Literal["simulator"]
    name: str = Field(description="What messages, logs and metrics call it.")


class ChoiceSettings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    carrier: str
    priority: int = Field(1, ge=1, le=100)
    weight: int = Field(1, ge=1, le=1_000)


class RouteSettings(BaseModel):
    """What a message must have, of each that is given, and where it goes then."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(description="What logs and metrics call it.")
    countries: tuple[str, ...] = Field((), description="ISO 3166-1 codes.")
    prefixes: tuple[str, ...] = Field((), description="Beginnings of numbers, such as +3933.")
    operators: tuple[str, ...] = Field((), description="Names of operators, by the number's range.")
    accounts: tuple[str, ...] = Field((), description="Ids of accounts.")
    labels: dict[str, str] = Field(default_factory=dict, description="Labels and their values.")
    carriers: tuple[ChoiceSettings, ...] = Field(
        min_length=1, description="Names, or tables of carrier, priority and weight."
    )

    @field_validator("carriers", mode="before")
    @classmethod
    def _names(cls, value: Any) -> Any:
        if not isinstance(value, list | tuple):
            return value
        # A plain list is in order of preference.
        return [
            {"carrier": each, "priority": place} if isinstance(each, str) else each
            for place, each in enumerate(value, start=1)
        ]

    @field_validator("countries")
    @classmethod
    def _known_countries(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for country in value:
            if not name_of(country):
                raise ValueError(f"{country!r} is no destination")
        return value

    @field_validator("prefixes")
    @classmethod
    def _numbers(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for prefix in value:
            if not _PREFIX.fullmatch(prefix):
                raise ValueError(f"{prefix!r} is not + and digits, such as +3933")
        return value

    @field_validator("operators")
    @classmethod
    def _named(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for operator in value:
            # It would stand for every number of which the operator is not known.
            if not operator_slug(operator):
                raise ValueError(f"{operator!r} is no name")
        return value

    @field_validator("carriers")
    @classmethod
    def _each_once(cls, value: tuple[ChoiceSettings, ...]) -> tuple[ChoiceSettings, ...]:
        names = [choice.carrier for choice in value]
        for name in names:
            # Its places would be counted twice.
            if names.count(name) > 1:
                raise ValueError(f"{name!r} stands there twice")
        return value

    def route(self) -> Route:
        match = Match(
            frozenset(self.countries),
            self.prefixes,
            frozenset(operator_slug(name) for name in self.operators),
            frozenset(self.accounts),
            self.labels,
        )
        return Route(
            self.name,
            tuple(Choice(c.carrier, c.priority, c.weight) for c in self.carriers),
            match,
        )


CarrierSettings = SmppSettings | SimulatedSettings


def parse_carriers(tables: Sequence[Mapping[str, Any]]) -> list[CarrierSettings]:
    """Raises CarrierSettingsError, which names what is wrong."""
    carriers: list[CarrierSettings] = []
    for place, table in enumerate(tables, start=1):
        kind = SimulatedSettings if table.get("type") == "simulator" else SmppSettings
        carriers.append(_checked(kind, table, "carriers", place))
    _check_names("carriers", [carrier.name for carrier in carriers])
    for carrier in carriers:
        if isinstance(carrier, SmppSettings):
            _check_files(carrier)
    return carriers


def parse_routes(
    tables: Sequence[Mapping[str, Any]], carriers: Sequence[CarrierSettings]
) -> list[Route]:
    """Without tables everything goes to the first carrier, and to the next ones if it cannot."""
    names = [carrier.name for carrier in carriers]
    if not tables:
        choices = (Choice(name, place) for place, name in enumerate(names, start=1))
        return [Route(DEFAULT_LANE, tuple(choices))]
    routes = []
    for place, table in enumerate(tables, start=1):
        wanted = _checked(RouteSettings, table, "routes", place)
        for choice in wanted.carriers:
            if choice.carrier not in names:
                raise CarrierSettingsError(
                    f"routes.{wanted.name}: there is no carrier {choice.carrier!r}; "
                    f"there are {', '.join(names)}"
                )
        routes.append(wanted.route())
    _check_names("routes", [route.name for route in routes])
    return routes


def _checked(kind: type[Any], table: Mapping[str, Any], what: str, place: int) -> Any:
    try:
        return kind.model_validate(table)
    except ValidationError as error:
        name = table.get("name") or place
        raise CarrierSettingsError(
            "\n".join(_sentence(f"{what}.{name}", each) for each in error.errors())
        ) from None


def _sentence(where: str, error: Any) -> str:
    path = ".".join([where, *(str(part) for part in error["loc"])])
    if error["type"] == "extra_forbidden":
        return f"{path}: there is no such setting"
    if error["type"] == "missing":
        return f"{path}: is needed"
    if path == f"{where}.type":
        return f"{path}: {error['input']!r} is neither smpp nor simulator"
    return f"{path}: {error['msg'].removeprefix('Value error, ')}"


def _check_names(what: str, names: Sequence[str]) -> None:
    for name in names:
        if not _NAME.fullmatch(name):
            raise CarrierSettingsError(
                f"{what}: the name {name!r} is not of a-z, 0-9, - and _, up to 32 characters"
            )
        if names.count(name) > 1:
            raise CarrierSettingsError(f"{what}: two are named {name}")


def _check_files(carrier: SmppSettings) -> None:
    """What is wrong with the files now would only be found when the bind is tried."""
    from smsgate_server.carriers.smpp.binding import tls_context

    where = f"carriers.{carrier.name}"
    try:
        carrier.secret()
    except (OSError, UnicodeDecodeError) as error:
        raise CarrierSettingsError(
            f"{where}: password_file: cannot read {carrier.password_file}: {_why(error)}"
        ) from None
    if not carrier.tls:
        return
    for part, names in (
        (carrier.model_copy(update={"tls_certificate": "", "tls_key": ""}), ("tls_ca",)),
        (carrier.model_copy(update={"tls_ca": ""}), ("tls_certificate", "tls_key")),
    ):
        try:
            tls_context(part)
        except OSError as error:
            files = " and ".join(f"{name} {getattr(carrier, name)}" for name in names)
            raise CarrierSettingsError(f"{where}: cannot use {files}: {_why(error)}") from None


def _why(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
