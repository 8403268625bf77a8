"""What keys, prices, policies and usage cost a SendMessage, all at once; and a balance."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from functools import partial

import grpc
from google.protobuf.duration_pb2 import Duration
from google.type.money_pb2 import Money

from benchmarks import samples
from benchmarks.bench import Bench, alternate, calls_a_second, median
from benchmarks.load import Measured
from benchmarks.processes import HELD, Server, echo, module, running, smsgate
from benchmarks.report import Figure
from smsgate.v1 import account_service_pb2 as pb
from smsgate.v1 import account_service_pb2_grpc

_WORDS = [f"forbidden{index}" for index in range(100)]
_MANY = 100_000_000
_LIVES = 4
# By how much is in flight, and by who sends.
_Found = Mapping[int, dict[str, list[Measured]]]


def run(bench: Bench) -> Iterator[Figure]:
    found: _Found = {in_flight: defaultdict(list) for in_flight in (32, 256)}
    # A process has its luck, which makes it several percent faster or slower than its twin for as
    # long as it lives. So there are several of each, and none is always the first to be started.
    for life in range(1 if bench.short else _LIVES):
        with ExitStack() as servers:
            senders = _started(bench, servers, bare_first=life % 2 == 0)
            for in_flight, results in found.items():
                # They differ by less than the machine does from second to second: short turns.
                arms: dict[str, Callable[[], Measured]] = {
                    name: partial(send, in_flight) for name, send in senders.items()
                }
                for name, measured in alternate(bench.rounds, arms).items():
                    results[name] += measured
    for in_flight, results in found.items():
        yield from _figures(in_flight, results, bench.driver)


def _started(
    bench: Bench, servers: ExitStack, bare_first: bool
) -> Mapping[str, Callable[[int], Measured]]:
    """What sends to new servers, with so much in flight."""
    starts = {"bare": _unguarded, "full": _guarded}
    order = list(starts) if bare_first else list(reversed(starts))
    started = {name: servers.enter_context(starts[name](bench)) for name in order}
    bare, full = started["bare"], started["full"]
    limit = servers.enter_context(echo(bench.folder))
    subscribed, prepaid = asyncio.run(_prepare(full.target))
    return {
        "echo": partial(_send, bench, limit, subscribed),
        "without": partial(_send, bench, bare, subscribed),
        "with": partial(_send, bench, full, subscribed),
        "prepaid": partial(_send, bench, full, prepaid),
    }


def _guarded(bench: Bench) -> AbstractContextManager[Server]:
    return smsgate(bench.folder, bench.name("guarded"), HELD)


def _unguarded(bench: Bench) -> AbstractContextManager[Server]:
    name = bench.name("bare")
    command = [*module("unguarded"), "run", "--listen", "127.0.0.1:0"]
    command += ["--store", f"sqlite:{bench.folder / name}.db"]
    return running(command, bench.folder / f"{name}.log", HELD)


def _send(bench: Bench, server: Server, key: str, in_flight: int) -> Measured:
    orders = bench.orders(server, "SendMessage", [samples.send()], in_flight, bench.seconds / 4)
    return bench.load(replace(orders, api_key=key))


def _figures(in_flight: int, found: Mapping[str, list[Measured]], driver: str) -> Iterator[Figure]:
    cpu = {f"{name}, cpu us": median(measured, "cpu_us") for name, measured in found.items()}
    yield calls_a_second(
        f"SendMessage with / without key, price, policy, usage, {in_flight} in flight",
        found["with"],
        found["without"],
        at_least=0.9,
        details={**cpu, "driver": driver},
    )
    yield calls_a_second(
        f"SendMessage with all of these and a balance / without, {in_flight} in flight",
        found["prepaid"],
        found["without"],
    )
    yield calls_a_second(
        f"SendMessage with all of these and a balance / echo, {in_flight} in flight",
        found["prepaid"],
        found["echo"],
        at_least=0.85,
    )


async def _prepare(target: str) -> tuple[str, str]:
    """Two accounts with every policy, a subscription and a prepaid one; returns the secrets of
    their keys.
    """
    policy = pb.AccountPolicy(
        countries=pb.CountryPolicy(allowed_countries=["FR", "DE", "ES", "IT"]),
        content=pb.ContentPolicy(forbidden_words=_WORDS),
        budget=pb.BudgetPolicy(monthly_maximum=_euros(_MANY)),
        prices=pb.PricePolicy(require_price=True),
        limits=[
            pb.Limit(kind=kind, maximum=_MANY, period=Duration(seconds=1))
            for kind in (
                pb.LIMIT_KIND_REQUESTS,
                pb.LIMIT_KIND_KEY_REQUESTS,
                pb.LIMIT_KIND_MESSAGES,
            )
        ],
    )
    modes = {
        "subscribed": pb.BILLING_MODE_SUBSCRIPTION,
        "prepaid": pb.BILLING_MODE_PREPAID,
    }
    async with grpc.aio.insecure_channel(target) as channel:
        stub = account_service_pb2_grpc.AccountServiceStub(channel)
        for name, mode in modes.items():
            account = pb.Account(id=name, billing_mode=mode, currency="EUR", policy=policy)
            await stub.CreateAccount(pb.CreateAccountRequest(account=account))
        top_up = pb.TopUpRequest(account_id="prepaid", amount=_euros(_MANY), request_id="bench")
        await stub.TopUp(top_up)
        # The first key closes an open server, so the second is made with it.
        keys = pb.CreateApiKeyRequest(
            account_id="subscribed", scopes=[pb.SCOPE_SEND, pb.SCOPE_ADMIN]
        )
        first = await stub.CreateApiKey(keys)
        admin = (("authorization", f"Bearer {first.secret}"),)
        keys = pb.CreateApiKeyRequest(account_id="prepaid", scopes=[pb.SCOPE_SEND])
        second = await stub.CreateApiKey(keys, metadata=admin)
    return str(first.secret), str(second.secret)


def _euros(units: int) -> Money:
    return Money(currency_code="EUR", units=units)
