"""What authentication, prices, policies, balances and usage cost a SendMessage, all at once."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace

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

_ACCOUNT = "bench"
_WORDS = [f"forbidden{index}" for index in range(100)]
_MANY = 100_000_000


def run(bench: Bench) -> Iterator[Figure]:
    bare_store = bench.name("bare")
    command = [*module("unguarded"), "run", "--listen", "127.0.0.1:0"]
    command += ["--store", f"sqlite:{bench.folder / bare_store}.db"]
    with (
        running(command, bench.folder / f"{bare_store}.log", HELD) as bare,
        smsgate(bench.folder, bench.name("guarded"), HELD) as full,
        echo(bench.folder) as limit,
    ):
        key = asyncio.run(_prepare(full.target))
        # The two differ by less than the machine does from one second to the next: short turns.
        for in_flight in (32, 256):
            arms = {
                "without": lambda n=in_flight: _send(bench, bare, n, key),
                "with": lambda n=in_flight: _send(bench, full, n, key),
            }
            yield _figure(in_flight, alternate(bench.rounds * 6, arms), bench.driver)
            beside = {
                "echo": lambda n=in_flight: _send(bench, limit, n, key),
                "with": lambda n=in_flight: _send(bench, full, n, key),
            }
            yield _beside_echo(in_flight, alternate(bench.rounds * 2, beside))


def _send(bench: Bench, server: Server, in_flight: int, key: str) -> Measured:
    orders = bench.orders(server, "SendMessage", [samples.send()], in_flight, bench.seconds / 4)
    return bench.load(replace(orders, api_key=key))


def _figure(in_flight: int, results: dict[str, list[Measured]], driver: str) -> Figure:
    guarded, bare = results["with"], results["without"]
    return calls_a_second(
        f"SendMessage with / without key, price, policy, balance, usage, {in_flight} in flight",
        guarded,
        bare,
        at_least=0.9,
        details={
            "cpu us": median(guarded, "cpu_us"),
            "without, cpu us": median(bare, "cpu_us"),
            "driver": driver,
        },
    )


def _beside_echo(in_flight: int, results: dict[str, list[Measured]]) -> Figure:
    guarded, bare = results["with"], results["echo"]
    return calls_a_second(
        f"SendMessage with all of these / echo, {in_flight} in flight",
        guarded,
        bare,
        at_least=0.85,
        details={"cpu us": median(guarded, "cpu_us"), "echo cpu us": median(bare, "cpu_us")},
    )


async def _prepare(target: str) -> str:
    """A prepaid account with every policy; returns the secret of its key."""
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
    account = pb.Account(
        id=_ACCOUNT, billing_mode=pb.BILLING_MODE_PREPAID, currency="EUR", policy=policy
    )
    async with grpc.aio.insecure_channel(target) as channel:
        stub = account_service_pb2_grpc.AccountServiceStub(channel)
        await stub.CreateAccount(pb.CreateAccountRequest(account=account))
        await stub.TopUp(
            pb.TopUpRequest(account_id=_ACCOUNT, amount=_euros(_MANY), request_id="bench")
        )
        made = await stub.CreateApiKey(
            pb.CreateApiKeyRequest(account_id=_ACCOUNT, scopes=[pb.SCOPE_SEND])
        )
    return str(made.secret)


def _euros(units: int) -> Money:
    return Money(currency_code="EUR", units=units)
