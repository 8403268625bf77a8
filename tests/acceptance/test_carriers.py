"""A gateway with two carriers: which of them gets a message, and what happens without one."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, closing
from pathlib import Path
from typing import Any

import grpc
import pytest
from tests.acceptance.accounts_setup import READ, SEND, Operator
from tests.acceptance.reading import (
    DELIVERED,
    EXPIRED,
    GUARD_SECONDS,
    NEW,
    PENDING,
    MessageStub,
    Refusal,
    refusal_of,
    refused,
    until_final,
    until_status,
)
from tests.acceptance.server_process import ServerProcess
from tests.acceptance.test_server_life import start_refused

from smsgate.v1 import message_pb2, message_service_pb2_grpc, otp_service_pb2_grpc
from smsgate.v1 import message_service_pb2 as pb
from smsgate.v1 import otp_service_pb2 as otp
from smsgate_server.carriers.smpp.connection import Connection
from smsgate_server.carriers.smpp.pdu import Pdu
from smsgate_server.carriers.smsc.server import Smsc
from smsgate_server.carriers.smsc.settings import IdForm, SmscSettings

ITALIAN = "+393331234567"
VODAFONE = "+393401234567"
AUSTRIAN = "+436641234567"
GERMAN = "+491701234567"
SWISS = "+41781234567"

HELD = message_pb2.STATUS_REASON_SUBMIT_OUTCOME_UNKNOWN

_CARRIER = """
[[carriers]]
name = "{name}"
hosts = ["127.0.0.1:{port}"]
system_id = "smsgate"
reconnect_seconds = 0.02
reconnect_cap_seconds = 0.05
"""


class WatchedSmsc(Smsc):
    """An SMSC that tells when somebody is bound, and can come back where it was."""

    def __init__(self, **settings: Any) -> None:
        self.wanted = {"port": 0, "receipt_seconds": 0.01} | settings
        super().__init__(SmscSettings(**self.wanted))
        self.bound = asyncio.Event()
        self.cut = asyncio.Event()
        self.up = False

    def _bind(self, connection: Connection, pdu: Pdu) -> None:
        super()._bind(connection, pdu)
        if self.binds:
            self.bound.set()

    def _lost(self, connection: Connection, why: str) -> None:
        super()._lost(connection, why)
        self.cut.set()

    async def start(self) -> None:
        await super().start()
        self.up = True

    async def stop(self) -> None:
        """Once this returns whoever was bound has heard of it."""
        if self.up:
            self.up = False
            await super().stop()

    def another(self) -> "WatchedSmsc":
        """One like it at the same address."""
        return WatchedSmsc(**self.wanted | {"port": self.port})


class Site:
    """A server that has two carriers, `north` and `south`, and the SMSCs of both."""

    def __init__(self, folder: Path, stack: AsyncExitStack) -> None:
        self._folder = folder
        self._stack = stack
        self.server = ServerProcess(folder / "smsgate.db", ["--config", str(folder / "s.toml")])
        self.smscs: dict[str, WatchedSmsc] = {}
        self.channel: grpc.aio.Channel
        self.stub: MessageStub

    async def add(self, name: str, smsc: WatchedSmsc) -> None:
        """Start an SMSC; the first ones before the server."""
        await smsc.start()
        self._stack.push_async_callback(smsc.stop)
        self.smscs[name] = smsc

    async def begin(self, routes: str = "") -> None:
        """Start the server with these routes; it is bound to the SMSCs that are up."""
        carriers = [_CARRIER.format(name=n, port=smsc.port) for n, smsc in self.smscs.items()]
        (self._folder / "s.toml").write_text("".join(carriers) + routes)
        for smsc in self.smscs.values():
            smsc.bound.clear()
        await asyncio.to_thread(self.server.start)
        self.channel = grpc.aio.insecure_channel(self.server.target)
        await self._stack.enter_async_context(self.channel)
        self.stub = message_service_pb2_grpc.MessageServiceStub(self.channel)
        for name, smsc in self.smscs.items():
            if smsc.up:
                await self.until_bound(name)

    async def until_bound(self, name: str) -> None:
        async with asyncio.timeout(GUARD_SECONDS):
            await self.smscs[name].bound.wait()

    async def end(self) -> None:
        assert await asyncio.to_thread(self.server.stop) == 0

    async def revive(self, name: str) -> None:
        """Start an SMSC that was stopped; returns once the server is bound."""
        await self.add(name, self.smscs[name].another())
        await self.until_bound(name)

    def attempts(self, sent: pb.SendMessageResponse) -> int:
        """How often a message that is not final was submitted."""
        address = f"file:{self._folder / 'smsgate.db'}?mode=ro"
        with closing(sqlite3.connect(address, uri=True)) as db:
            (attempts,) = db.execute(
                "SELECT attempts FROM deliveries JOIN messages ON seq = message_seq WHERE id = ?",
                (sent.message.id,),
            ).fetchone()
        return int(attempts)

    async def send(self, recipient: str, **fields: Any) -> pb.SendMessageResponse:
        return await send(self.stub, recipient, **fields)

    async def carrier_of(self, recipient: str, **fields: Any) -> str:
        """The carrier by which a message was delivered."""
        return await delivered_by(self.stub, await self.send(recipient, **fields))


async def send(stub: MessageStub, recipient: str, **fields: Any) -> pb.SendMessageResponse:
    request = pb.SendMessageRequest(**{"recipient": recipient, "text": "Ciao!"} | fields)
    async with asyncio.timeout(GUARD_SECONDS):
        answer: pb.SendMessageResponse = await stub.SendMessage(request)
    return answer


async def delivered_by(stub: MessageStub, sent: pb.SendMessageResponse) -> str:
    async with asyncio.timeout(GUARD_SECONDS):
        message = await until_final(stub, sent)
    assert message.status == DELIVERED
    return message.carrier


StartSite = Callable[..., Awaitable[Site]]


@pytest.fixture
async def start_site(tmp_path: Path) -> AsyncIterator[StartSite]:
    """Starts the SMSCs and the server. What an SMSC does may be said by its name; those named in
    `down` have an address, and nobody is there.
    """
    async with AsyncExitStack() as stack:

        async def start(routes: str = "", down: tuple[str, ...] = (), **smscs: Any) -> Site:
            site = Site(tmp_path, stack)
            stack.callback(site.server.kill)
            for name in ("north", "south"):
                await site.add(name, WatchedSmsc(**smscs.get(name, {})))
            for name in down:
                await site.smscs[name].stop()
            await site.begin(routes)
            return site

        yield start


# Routes

_ROUTES = """
[[routes]]
name = "tenant"
accounts = ["vip"]
carriers = ["south"]

[[routes]]
name = "alerts"
labels = { kind = "alert", region = "eu" }
carriers = ["south"]

[[routes]]
name = "vodafone"
prefixes = ["+39340", "+39347"]
carriers = ["south"]

[[routes]]
name = "italy"
countries = ["IT", "SM"]
carriers = ["north"]

[[routes]]
name = "telekom"
countries = ["AT", "DE"]
operators = ["T-Mobile"]
carriers = ["south"]

[[routes]]
name = "austria"
countries = ["AT"]
carriers = ["north"]
"""


async def test_each_message_goes_by_the_first_route_that_admits_it(start_site: StartSite) -> None:
    site = await start_site(_ROUTES)
    alert = {"kind": "alert", "region": "eu"}
    assert await site.carrier_of(ITALIAN) == "north"
    assert await site.carrier_of(VODAFONE) == "south"
    assert await site.carrier_of(ITALIAN, labels=alert) == "south"
    assert await site.carrier_of(ITALIAN, labels={"kind": "alert"}) == "north"
    assert await site.carrier_of(AUSTRIAN) == "north"
    assert await site.carrier_of(GERMAN) == "south"
    assert await site.carrier_of(SWISS, labels=alert | {"more": "x"}) == "south"
    operator = await Operator.of(site.channel)
    vip, other = [await operator.tenant(name, SEND, READ) for name in ("vip", "other")]
    for tenant, recipient, carrier in (
        (vip, ITALIAN, "south"),
        (vip, SWISS, "south"),
        (other, ITALIAN, "north"),
    ):
        sent = await send(tenant.messages, recipient)
        assert await delivered_by(tenant.messages, sent) == carrier
    assert (await refused(other.messages.SendMessage(_request(SWISS)))).reason == "NO_ROUTE"


async def test_without_routes_all_goes_to_the_carriers_in_their_order(
    start_site: StartSite,
) -> None:
    site = await start_site()
    for recipient in (ITALIAN, SWISS):
        assert await site.carrier_of(recipient) == "north"
    assert site.smscs["south"].submits == 0


async def test_carriers_of_one_priority_share_out(start_site: StartSite) -> None:
    site = await start_site("""
[[routes]]
name = "rest"
carriers = [{ carrier = "north", weight = 2 }, { carrier = "south", weight = 1 }]
""")
    sent = [await site.send(ITALIAN) for _ in range(60)]
    carriers = [await delivered_by(site.stub, each) for each in sent]
    assert set(carriers) == {"north", "south"}
    taken = {name: smsc.submits for name, smsc in site.smscs.items()}
    assert taken == {name: carriers.count(name) for name in taken}


# A message that has no route

_ITALY_ONLY = """
[[routes]]
name = "italy"
countries = ["IT"]
carriers = ["north"]
"""


def _request(recipient: str, **fields: Any) -> pb.SendMessageRequest:
    return pb.SendMessageRequest(**{"recipient": recipient, "text": "Ciao!"} | fields)


def _is_no_route(told: Refusal, country: str) -> None:
    assert told.code is grpc.StatusCode.FAILED_PRECONDITION
    assert told.reason == "NO_ROUTE"
    assert told.info.metadata["country"] == country
    assert country in told.message


async def test_without_a_route_a_message_is_refused(start_site: StartSite) -> None:
    site = await start_site(_ITALY_ONLY)
    stub = site.stub
    _is_no_route(await refused(stub.SendMessage(_request(AUSTRIAN))), "AT")
    # A dry run refuses what a send would refuse, and accepts what it would accept.
    dry = pb.SendOptions(dry_run=True)
    _is_no_route(await refused(stub.SendMessage(_request(AUSTRIAN, options=dry))), "AT")
    assert (await stub.SendMessage(_request(ITALIAN, options=dry))).message.country == "IT"
    scheduled = pb.SendOptions()
    scheduled.send_time.GetCurrentTime()
    scheduled.send_time.seconds += 3_600
    _is_no_route(await refused(stub.SendMessage(_request(AUSTRIAN, options=scheduled))), "AT")
    assert not (await stub.ListMessages(pb.ListMessagesRequest())).messages
    assert await site.carrier_of(ITALIAN) == "north"


async def test_without_a_route_a_code_is_refused(start_site: StartSite) -> None:
    site = await start_site(_ITALY_ONLY)
    passcodes = otp_service_pb2_grpc.OTPServiceStub(site.channel)
    for dry_run in (False, True):
        wanted = otp.SendOTPRequest(recipient=AUSTRIAN, brand="Acme", dry_run=dry_run)
        _is_no_route(await refused(passcodes.SendOTP(wanted)), "AT")
    answer = await passcodes.SendOTP(otp.SendOTPRequest(recipient=ITALIAN, brand="Acme"))
    sent = pb.SendMessageResponse(message=answer.message, cursor=answer.cursor)
    assert await delivered_by(site.stub, sent) == "north"


async def test_an_estimate_tells_that_there_is_no_route(start_site: StartSite) -> None:
    site = await start_site(_ITALY_ONLY)
    estimate = site.stub.EstimateMessage
    answer = await estimate(pb.EstimateMessageRequest(text="Ciao!", recipient=AUSTRIAN))
    (told,) = [refusal_of(status) for status in answer.would_fail_with]
    _is_no_route(told, "AT")
    assert answer.segment_count == 1
    for request in (
        pb.EstimateMessageRequest(text="Ciao!", recipient=ITALIAN),
        pb.EstimateMessageRequest(text="Ciao!"),
    ):
        assert not (await estimate(request)).would_fail_with


async def test_in_a_batch_the_others_go(start_site: StartSite) -> None:
    site = await start_site(_ITALY_ONLY)
    items = [pb.BatchItem(item_id=to, recipient=to, text="Ciao!") for to in (ITALIAN, AUSTRIAN)]
    answer = await site.stub.SendBatch(pb.SendBatchRequest(items=items))
    assert answer.accepted_count == 1
    results = {result.item_id: result for result in answer.results}
    _is_no_route(refusal_of(results[AUSTRIAN].error), "AT")
    sent = pb.SendMessageResponse(message=results[ITALIAN].message, cursor=answer.cursor)
    assert await delivered_by(site.stub, sent) == "north"


# Carriers that cannot be reached


async def test_when_one_carrier_is_gone_the_next_one_takes_over(start_site: StartSite) -> None:
    site = await start_site()
    assert await site.carrier_of(ITALIAN) == "north"
    await site.smscs["north"].stop()
    for _ in range(3):
        assert await site.carrier_of(ITALIAN) == "south"
    await site.revive("north")
    async with asyncio.timeout(GUARD_SECONDS):
        while await site.carrier_of(ITALIAN) != "north":
            pass
    await site.smscs["south"].stop()
    assert await site.carrier_of(ITALIAN) == "north"


_APART = """
[[routes]]
name = "italy"
countries = ["IT"]
carriers = ["north"]

[[routes]]
name = "rest"
carriers = ["south"]
"""


async def test_messages_wait_while_no_carrier_is_up_and_go_out_when_it_is(
    start_site: StartSite,
) -> None:
    site = await start_site(_APART, down=("north",))
    waiting = [await site.send(ITALIAN) for _ in range(20)]
    # They hold up nobody who goes another way.
    assert await site.carrier_of(SWISS) == "south"
    for sent in waiting:
        found = await site.stub.GetMessage(pb.GetMessageRequest(id=sent.message.id))
        assert (found.message.status, found.message.carrier) == (NEW, "")
        assert site.attempts(sent) == 0
    assert site.smscs["south"].submits == 1
    await site.revive("north")
    for sent in waiting:
        assert await delivered_by(site.stub, sent) == "north"
    assert site.smscs["north"].submits == 20


async def test_what_waits_for_a_carrier_can_be_cancelled(start_site: StartSite) -> None:
    site = await start_site(_APART, down=("north",))
    sent = await site.send(ITALIAN)
    answer = await site.stub.CancelMessage(pb.CancelMessageRequest(id=sent.message.id))
    assert answer.message.reason == message_pb2.STATUS_REASON_CANCELLED_BY_CLIENT
    await site.revive("north")
    assert await site.carrier_of(ITALIAN) == "north"
    assert site.smscs["north"].submits == 1


async def test_what_waits_for_a_carrier_expires_in_time(start_site: StartSite) -> None:
    site = await start_site(_APART, down=("north",))
    options = pb.SendOptions()
    options.validity_period.seconds = 1
    async with asyncio.timeout(GUARD_SECONDS):
        message = await until_final(site.stub, await site.send(ITALIAN, options=options))
    assert message.status == EXPIRED
    assert message.reason == message_pb2.STATUS_REASON_VALIDITY_ELAPSED
    assert not message.HasField("sent_time")


async def test_a_lost_answer_is_held_though_there_is_another_carrier(
    start_site: StartSite,
) -> None:
    site = await start_site(north={"drop_every": 1})
    async with asyncio.timeout(GUARD_SECONDS):
        held = await until_status(site.stub, await site.send(ITALIAN), PENDING)
    assert (held.reason, held.carrier) == (HELD, "north")
    await site.smscs["north"].stop()
    assert await site.carrier_of(ITALIAN) == "south"
    assert {name: smsc.submits for name, smsc in site.smscs.items()} == {"north": 1, "south": 1}


async def test_with_at_least_once_it_goes_to_the_carrier_that_is_left(
    start_site: StartSite,
) -> None:
    site = await start_site(north={"drop_every": 1})
    options = pb.SendOptions(on_unknown_submit=message_pb2.UNKNOWN_SUBMIT_POLICY_AT_LEAST_ONCE)
    sent = await site.send(ITALIAN, options=options)
    async with asyncio.timeout(GUARD_SECONDS):
        await site.smscs["north"].cut.wait()
    await site.smscs["north"].stop()
    assert await delivered_by(site.stub, sent) == "south"


@pytest.mark.parametrize(
    ("answered", "reported"), [(IdForm.HEX, IdForm.DECIMAL), (IdForm.DECIMAL, IdForm.HEX)]
)
async def test_receipts_are_matched_whatever_base_a_carrier_writes_its_ids_in(
    start_site: StartSite, answered: IdForm, reported: IdForm
) -> None:
    site = await start_site(north={"answer_ids": answered, "receipt_ids": reported})
    assert await site.carrier_of(ITALIAN) == "north"
    assert await site.carrier_of(ITALIAN, text="x" * 500) == "north"
    assert site.smscs["north"].submits == 5


# Routes that change


async def test_after_a_restart_messages_of_a_route_that_is_gone_go_as_if_sent_now(
    start_site: StartSite,
) -> None:
    site = await start_site(_APART, down=("north",))
    waiting = [await site.send(ITALIAN) for _ in range(3)]
    await site.end()
    await site.begin('[[routes]]\nname = "all"\ncarriers = ["south"]\n')
    for sent in waiting:
        assert await delivered_by(site.stub, sent) == "south"


async def test_what_no_route_takes_any_more_waits_until_one_does(start_site: StartSite) -> None:
    site = await start_site(_APART, down=("north",))
    sent = await site.send(ITALIAN)
    await site.end()
    await site.begin('[[routes]]\nname = "swiss"\ncountries = ["CH"]\ncarriers = ["south"]\n')
    assert await site.carrier_of(SWISS) == "south"
    assert site.attempts(sent) == 0
    await site.end()
    await site.begin('[[routes]]\nname = "all"\ncarriers = ["south"]\n')
    assert await delivered_by(site.stub, sent) == "south"


# Wrong settings

_ONE = _CARRIER.format(name="north", port=2775)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (_ITALY_ONLY, "routes: there are no [[carriers]] that they could lead to"),
        (_ONE + _ONE, "carriers: two are named north"),
        (_ONE + "widow = 10\n", "carriers.north.widow: there is no such setting"),
        (_ONE + "tls = true\ntls_ca = '/nowhere.pem'\n", "carriers.north: cannot use tls_ca /now"),
        (_ONE + _APART, "routes.rest: there is no carrier 'south'; there are north"),
        (
            _ONE + "[[routes]]\nname = 'r'\ncarriers = ['north', 'north']\n",
            "routes.r.carriers: 'north' stands there twice",
        ),
        (
            _ONE + "[[routes]]\nname = 'r'\ncountries = ['UK']\ncarriers = ['north']\n",
            "routes.r.countries: 'UK' is no destination",
        ),
    ],
)
def test_a_wrong_setting_is_an_error_at_start_that_names_it(
    tmp_path: Path, text: str, told: str
) -> None:
    config = tmp_path / "smsgate.toml"
    config.write_text(text)
    store = ["--listen", "127.0.0.1:0", "--store", f"sqlite:{tmp_path / 'messages.db'}"]
    assert told in start_refused([*store, "--config", str(config)]).errors
    assert not (tmp_path / "messages.db").exists()
