"""What a number of messages and subscribers needs: `python -m benchmarks.model`.

A model, not a measurement: the costs below were measured on one machine (docs/performance.md), and
multiplied. Every assumption is a field with a default, and can be given on the command line.
"""

import argparse
from dataclasses import dataclass, fields, replace
from math import ceil

_MICRO = 1e-6


@dataclass(frozen=True)
class Assumptions:
    """Costs in microseconds of one core of the machine that docs/performance.md describes."""

    messages: float = 10_000  # a second
    subscribers: float = 100_000
    accounts: float = 1_000  # each subscriber follows one; messages are spread evenly
    events_per_message: float = 3  # NEW, PENDING, DELIVERED
    batched: float = 0.8  # the share of messages that come by SendBatch
    responses: float = 2  # a second and subscriber: under load events gather meanwhile
    headroom: float = 0.6  # the share of a core, or of a database's commits, that is planned with

    send_us: float = 850  # server: a SendMessage, all of it
    batch_us: float = 125  # server: a message of a SendBatch
    commit_us: float = (
        470  # of the database's one commit after another: accept, claim, record, receipt
    )
    database_us: float = 180  # PostgreSQL: the same, its own CPU
    courier_us: float = 340  # the server that sends: claim, submit, record, receipt
    read_us: float = 40  # each server: an event that another one committed
    encode_us: float = 8  # each server: an event, once
    response_us: float = 45  # a response to one subscriber
    deliver_us: float = 0.8  # an event to one subscriber, encoded before
    subscriber_kib: float = 23


@dataclass(frozen=True)
class Needed:
    """What it comes to."""

    databases: int
    messages_per_database: float
    database_cores: float
    couriers: int
    courier_share: float
    servers_for_calls: int
    servers_for_streams: int
    share_for_reading: float
    memory_gib: float
    deliveries: float


def needed(a: Assumptions) -> Needed:
    # One commit after another: the first thing that is used up.
    per_database = a.headroom / (a.commit_us * _MICRO)
    databases = max(ceil(a.messages / per_database), 1)
    messages = a.messages / databases
    events = messages * a.events_per_message
    call_us = a.batched * a.batch_us + (1 - a.batched) * a.send_us
    # Every server of a database reads and encodes every event of it, whoever follows.
    reading = events * (a.read_us + a.encode_us) * _MICRO
    left = max(a.headroom - reading, 0.05)
    deliveries = a.subscribers * a.messages * a.events_per_message / a.accounts
    streams = a.subscribers * a.responses * a.response_us + deliveries * a.deliver_us
    return Needed(
        databases=databases,
        messages_per_database=messages,
        database_cores=messages * a.database_us * _MICRO,
        couriers=databases,
        courier_share=messages * a.courier_us * _MICRO,
        servers_for_calls=ceil(a.messages * call_us * _MICRO / left),
        servers_for_streams=ceil(streams * _MICRO / left),
        share_for_reading=reading,
        memory_gib=a.subscribers * a.subscriber_kib / 2**20,
        deliveries=deliveries,
    )


def table(a: Assumptions) -> str:
    n = needed(a)
    rows = [
        ("databases", f"{n.databases}, {n.messages_per_database:,.0f} messages/s each"),
        ("cores of each database", f"{n.database_cores:.2f}"),
        ("servers that send", f"{n.couriers}, {n.courier_share:.0%} of a core each"),
        ("servers for calls", f"{n.servers_for_calls}"),
        ("servers for streams", f"{n.servers_for_streams}"),
        ("of each server, for reading the log", f"{n.share_for_reading:.0%} of a core"),
        ("events delivered to subscribers", f"{n.deliveries:,.0f} a second"),
        ("memory of the subscribers", f"{n.memory_gib:.1f} GiB in all"),
    ]
    wide = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:{wide}}  {value}" for name, value in rows)


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.model", description=__doc__)
    for field in fields(Assumptions):
        name = "--" + field.name.replace("_", "-")
        parser.add_argument(name, type=float, default=field.default, metavar=f"{field.default:g}")
    wanted = vars(parser.parse_args())
    assumptions = replace(Assumptions(), **wanted)
    print(table(assumptions))


if __name__ == "__main__":
    main()
