"""An account as people read it: facts, limits with what is left of them, and keys."""

from collections.abc import Iterator, Sequence

from google.protobuf.timestamp_pb2 import Timestamp
from rich.table import Table
from rich.text import Text

from smsgate.v1 import account_service_pb2 as pb
from smsgate_client.cli import charts
from smsgate_client.cli.costs import nanos_of
from smsgate_client.cli.facts import Fact, labels_text, span_text
from smsgate_client.cli.output import clock_text, count, money_text, printable
from smsgate_client.names import short_name

_STATE_STYLES = {
    pb.ACCOUNT_STATE_ACTIVE: "green",
    pb.ACCOUNT_STATE_SUSPENDED: "yellow",
    pb.ACCOUNT_STATE_CLOSED: "red",
}
GAUGE_WIDTH = 20
_SHOWN_WORDS = 5


def facts(found: pb.GetAccountResponse, gauge_width: int = 0) -> Iterator[Fact]:
    """All that there is to say of an account, but for its limits and keys."""
    account, standing = found.account, found.standing
    mode = short_name(pb.BillingMode.DESCRIPTOR, account.billing_mode)
    yield "account", printable(account.id)
    yield "name", printable(account.display_name)
    yield "state", state_text(account)
    yield "billing", f"{mode}, {printable(account.currency)}"
    if standing.HasField("balance"):
        yield "balance", money_text(standing.balance)
    yield "bundle", _bundle(account, standing, gauge_width)
    yield "budget", _budget(account, standing, gauge_width)
    yield from _policy(account.policy)
    yield "sender", printable(account.default_sender)
    yield "labels", labels_text(account.labels)
    if account.HasField("create_time"):
        yield "created", clock_text(account.create_time)
    if account.HasField("update_time"):
        yield "changed", clock_text(account.update_time)
    yield "etag", printable(account.etag)
    if found.HasField("calling_key"):
        yield "called with", key_text(found.calling_key)


def state_text(account: pb.Account) -> Text:
    """The state in its colour, and why it is so."""
    name = short_name(pb.AccountState.DESCRIPTOR, account.state)
    why = f" ({printable(account.state_reason)})" if account.state_reason else ""
    return Text.assemble((name, _STATE_STYLES.get(account.state, "")), why)


def _bundle(account: pb.Account, standing: pb.AccountStanding, gauge_width: int) -> Text:
    if not standing.HasField("bundle"):
        return Text()
    left, used = standing.bundle.segments_remaining, standing.bundle.segments_used
    countries = f", to {_names(account.bundle.countries)}" if account.bundle.countries else ""
    until = _until(standing.bundle.reset_time)
    said = f"{left:,} of {count(left + used, 'segment')} left{until}{countries}"
    return _gauge(used, left, gauge_width).append(said)


def _budget(account: pb.Account, standing: pb.AccountStanding, gauge_width: int) -> Text:
    budget = standing.budget
    if not budget.HasField("spent"):
        return Text()
    spent = money_text(budget.spent)
    if not budget.HasField("remaining"):
        return Text(f"none; {spent} spent this month")
    used, left = nanos_of(budget.spent), nanos_of(budget.remaining)
    said = f"{money_text(budget.remaining)} left{_until(budget.reset_time)}, {spent} spent"
    bar = _gauge(max(0, used), max(0, left), gauge_width)
    return bar.append(said).append(_mode(account.policy.budget.mode))


def _gauge(used: int, left: int, width: int) -> Text:
    return charts.gauge(used, used + left, width).append(" ") if width else Text()


def _policy(policy: pb.AccountPolicy) -> Iterator[Fact]:
    countries, content, prices = policy.countries, policy.content, policy.prices
    allowed = f"only {_names(countries.allowed_countries)}" if countries.allowed_countries else ""
    denied = f"not {_names(countries.denied_countries)}" if countries.denied_countries else ""
    if allowed or denied:
        said = ", ".join(part for part in (allowed, denied) if part)
        yield "countries", said + _mode(countries.mode)
    if content.forbidden_words or content.suspend_account:
        shown = ", ".join(printable(word) for word in content.forbidden_words[:_SHOWN_WORDS])
        more = ", …" if len(content.forbidden_words) > _SHOWN_WORDS else ""
        suspends = "; suspends the account" if content.suspend_account else ""
        words = count(len(content.forbidden_words), "forbidden word")
        yield "content", f"{words}: {shown}{more}{suspends}{_mode(content.mode)}"
    if prices.require_price:
        yield "prices", f"must be known{_mode(prices.mode)}"


def _names(countries: Sequence[str]) -> str:
    return ", ".join(printable(country) for country in countries)


def _mode(mode: pb.PolicyMode.ValueType) -> str:
    if mode in (pb.POLICY_MODE_UNSPECIFIED, pb.POLICY_MODE_ENFORCE):
        return ""
    if mode == pb.POLICY_MODE_MONITOR:
        return " (only recorded)"
    return f" (mode {mode})"


def _until(stamp: Timestamp) -> str:
    return f" until {clock_text(stamp)}" if stamp.seconds else ""


def limit_text(status: pb.LimitStatus) -> str:
    """One limit in a line, with what is left of it."""
    return " ".join(part for part in (_kind(status), _left(status), *_rest(status)) if part)


def key_text(key: pb.ApiKey) -> str:
    """One key in a line."""
    return " ".join(part for part in _key_cells(key) if part)


def tables(found: pb.GetAccountResponse) -> Iterator[tuple[str, Table]]:
    """Limits and keys for a terminal, with their titles."""
    if found.standing.limits:
        table = Table.grid(padding=(0, 2))
        for status in found.standing.limits:
            left, of = status.remaining, status.limit.maximum
            known = status.HasField("remaining") and of > 0
            gauge = charts.gauge(of - left, of, GAUGE_WIDTH) if known else Text()
            table.add_row(Text(_kind(status)), gauge, Text(_left(status)), " ".join(_rest(status)))
        yield "limits", table
    if found.api_keys:
        table = Table(box=None, pad_edge=False, header_style="dim")
        for heading in ("key", "name", "scopes", "state"):
            table.add_column(heading)
        for key in found.api_keys:
            table.add_row(*(Text(cell) for cell in _key_cells(key)))
        yield "keys", table


def _kind(status: pb.LimitStatus) -> str:
    return short_name(pb.LimitKind.DESCRIPTOR, status.limit.kind).lower()


def _left(status: pb.LimitStatus) -> str:
    limit = status.limit
    per = f" per {span_text(limit.period)}" if limit.HasField("period") else " at once"
    if not status.HasField("remaining"):
        return f"{limit.maximum:,}{per} for each"
    return f"{status.remaining:,} of {limit.maximum:,} left{per}"


def _rest(status: pb.LimitStatus) -> list[str]:
    reset = clock_text(status.reset_time) if status.HasField("reset_time") else ""
    found = [
        f"burst {status.limit.burst:,}" if status.limit.burst else "",
        f"full at {reset}" if reset else "",
        _mode(status.limit.mode).strip(),
    ]
    return [part for part in found if part]


def _key_cells(key: pb.ApiKey) -> tuple[str, ...]:
    scopes = [short_name(pb.Scope.DESCRIPTOR, scope).lower() for scope in key.scopes]
    return printable(key.id), printable(key.display_name), ",".join(scopes), _key_state(key)


def _key_state(key: pb.ApiKey) -> str:
    if key.HasField("revoke_time"):
        return f"revoked {clock_text(key.revoke_time)}"
    expires = f", until {clock_text(key.expire_time)}" if key.HasField("expire_time") else ""
    if key.HasField("last_used_time"):
        return f"last used {clock_text(key.last_used_time)}{expires}"
    return f"never used{expires}"
