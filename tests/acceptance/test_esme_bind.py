"""Bind and link against node-smpp: refused, silent, lost, unbound; and what became of submits."""

import asyncio
import socket
from typing import Any

import pytest
from tests.acceptance.esme_setup import (
    ACCEPTED,
    NOT_SENT,
    UNKNOWN,
    NodeSmsc,
    an_esme,
    deliver_sm,
    done,
    kinds,
)

from smsgate_server.carriers.smpp.binding import Backoff
from smsgate_server.carriers.smpp.settings import SmppSettings

CUTS = ["fin", "rst"]
RECEIPT = "id:7 sub:001 dlvrd:001 submit date:2503011200 done date:2503011201 stat:DELIVRD err:000"


# Binding


@pytest.mark.parametrize("version", [0x34, 0x50])
async def test_a_bind_says_what_the_settings_say(version: int) -> None:
    settings: dict[str, Any] = {
        "system_id": "fifteen-letters",
        "password": "longer than eight characters",
        "system_type": "VMA",
        "interface_version": version,
    }
    async with NodeSmsc() as smsc, an_esme(smsc, **settings):
        (bind,) = await smsc.heard("bind_transceiver")
        assert {name: bind.fields[name] for name in settings} == settings
        assert bind.fields["address_range"] == ""


@pytest.mark.parametrize(
    ("refusal", "trouble"),
    [
        ({"status": 0x0E}, "bind refused with 0x0000000E (the password is wrong)"),
        ({"status": 0x0D, "body": True}, "bind refused with 0x0000000D (the carrier says no more)"),
        ({"status": 0x0411}, "bind refused with 0x00000411"),
        ({"nack": True, "status": 3}, "bind refused with 0x00000003"),
        ({"nack": True}, "bind refused with 0x000000FF"),
    ],
)
async def test_a_refused_bind_is_tried_again(refusal: Any, trouble: str) -> None:
    async with NodeSmsc() as smsc:
        await smsc.expect("bind_transceiver", refusal, refusal, {"delay": 1})
        async with an_esme(smsc, bound=False) as esme:
            await smsc.heard("bind_transceiver", 2)
            assert esme.carrier.health.trouble.endswith(trouble)
            await esme.until_able()
            assert esme.carrier.health.trouble == ""
            binds = await smsc.heard("bind_transceiver", 3)
            assert [bind.session for bind in binds] == [1, 2, 3]
            assert (await esme.submit()).kind is ACCEPTED


async def test_a_bind_that_is_not_answered_is_given_up_and_tried_again() -> None:
    async with NodeSmsc() as smsc:
        await smsc.expect("bind_transceiver", {"silent": True})
        async with an_esme(smsc, response_seconds=0.2) as esme:
            await smsc.heard("bind_transceiver", 2)
            await smsc.happened("closed")
            assert esme.carrier.able


async def test_a_bind_that_stays_silent_was_not_up_however_long_it_took(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ups: list[float] = []

    def wait(_: Backoff, up_seconds: float) -> float:
        ups.append(up_seconds)
        return 0.0

    monkeypatch.setattr(Backoff, "wait", wait)
    async with NodeSmsc() as smsc:
        await smsc.expect("bind_transceiver", {"silent": True})
        async with an_esme(smsc, response_seconds=0.2) as esme:
            assert ups[0] == 0.0
            known = len(ups)
            await smsc.cut("fin", (await smsc.all("bind_transceiver"))[-1].session)
            await smsc.heard("bind_transceiver", known + 2)
            await esme.until_able()
            assert ups[known] > 0.0


async def test_a_bind_that_fails_as_nobody_expected_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    faults = iter([RuntimeError("nobody expected this")])
    secret = SmppSettings.secret

    def faulty(settings: SmppSettings) -> str:
        for fault in faults:
            raise fault
        return secret(settings)

    monkeypatch.setattr(SmppSettings, "secret", faulty)
    async with NodeSmsc() as smsc, an_esme(smsc) as esme:
        assert (await esme.submit()).kind is ACCEPTED
    assert "nobody expected this" in caplog.text


@pytest.mark.parametrize("how", CUTS)
async def test_a_connection_that_is_closed_at_once_is_tried_again(how: str) -> None:
    async with NodeSmsc() as smsc:
        await smsc.tell("refuse", how=how)
        async with an_esme(smsc, bound=False) as esme:
            await smsc.happened("refused", 3)
            assert not esme.carrier.able
            await smsc.tell("refuse", how=None)
            await esme.until_able()


@pytest.mark.parametrize("how", CUTS)
async def test_a_connection_that_is_closed_instead_of_an_answer_is_tried_again(how: str) -> None:
    async with NodeSmsc() as smsc:
        await smsc.expect("bind_transceiver", {"silent": True, "cut": how})
        async with an_esme(smsc):
            await smsc.heard("bind_transceiver", 2)


async def test_hosts_are_tried_in_turn() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        async with NodeSmsc() as smsc:
            hosts = (f"127.0.0.1:{nobody.getsockname()[1]}", f"127.0.0.1:{smsc.port}")
            async with an_esme(smsc, hosts=hosts) as esme:
                assert esme.carrier.able


async def test_receipts_that_come_in_one_piece_with_the_bind_are_stored_and_acknowledged() -> None:
    async with NodeSmsc() as smsc:
        receipts = [deliver_sm(number, f"id:{number} stat:DELIVRD") for number in (1, 2)]
        await smsc.expect("bind_transceiver", {"after": b"".join(receipts).hex()})
        async with an_esme(smsc) as esme:
            answers = await smsc.heard("deliver_sm_resp", 2)
            assert [(answer.sequence, answer.status) for answer in answers] == [(1, 0), (2, 0)]
            assert [receipt.carrier_id for receipt in esme.listener.stored] == ["1", "2"]
            assert (await esme.submit()).kind is ACCEPTED


async def test_a_pair_submits_on_the_transmitter_and_takes_receipts_on_the_receiver() -> None:
    async with NodeSmsc() as smsc, an_esme(smsc, bind="pair") as esme:
        (transmitter,) = await smsc.heard("bind_transmitter")
        (receiver,) = await smsc.heard("bind_receiver")
        assert transmitter.session != receiver.session
        outcomes = await done(*(esme.begin() for _ in range(30)))
        assert set(kinds(outcomes)) == {ACCEPTED}
        submits = await smsc.heard("submit_sm", 30)
        assert {submit.session for submit in submits} == {transmitter.session}
        await smsc.send("deliver_sm", 7, receiver.session, esm_class=4, short_message=RECEIPT)
        answer = await smsc.answered("deliver_sm_resp", 7)
        assert (answer.session, answer.status) == (receiver.session, 0)
        assert len(esme.listener.stored) == 1


async def test_without_its_transmitter_a_pair_takes_receipts_and_sends_nothing() -> None:
    async with NodeSmsc() as smsc:
        await smsc.always("bind_transmitter", status=0x0D)
        async with an_esme(smsc, bound=False, bind="pair") as esme:
            await esme.until_up(1)
            assert not esme.carrier.able
            assert (await esme.submit()).kind is NOT_SENT
            (receiver,) = await smsc.heard("bind_receiver")
            await smsc.send("deliver_sm", 7, receiver.session, esm_class=4, short_message=RECEIPT)
            assert (await smsc.answered("deliver_sm_resp", 7)).status == 0


async def test_several_binds_share_the_submits() -> None:
    async with NodeSmsc() as smsc, an_esme(smsc, binds=3, window=4) as esme:
        await smsc.always("submit_sm", silent=True)
        submits = [esme.begin() for _ in range(20)]
        written = await smsc.heard("submit_sm", 12)
        sessions = [submit.session for submit in written]
        assert sorted(sessions) == [1] * 4 + [2] * 4 + [3] * 4
        await smsc.always("submit_sm")
        for submit in written:
            await smsc.answer(submit)
        assert set(kinds(await done(*submits))) == {ACCEPTED}


async def test_one_of_several_binds_is_lost_and_the_others_go_on() -> None:
    async with NodeSmsc() as smsc, an_esme(smsc, binds=2) as esme:
        await smsc.always("bind_transceiver", silent=True)
        await smsc.cut("rst", session=1)
        await esme.until_up(1)
        assert esme.carrier.health.word == "degraded"
        outcomes = await done(*(esme.begin() for _ in range(25)))
        assert set(kinds(outcomes)) == {ACCEPTED}
        assert {submit.session for submit in await smsc.heard("submit_sm", 25)} == {2}


# The link


async def test_an_idle_link_is_tested_and_goes_on() -> None:
    async with NodeSmsc() as smsc, an_esme(smsc, enquire_link_seconds=0.05) as esme:
        enquiries = await smsc.heard("enquire_link", 3)
        assert {enquiry.session for enquiry in enquiries} == {1}
        assert (await esme.submit()).kind is ACCEPTED


async def test_a_busy_link_is_not_tested() -> None:
    async with NodeSmsc() as smsc, an_esme(smsc, enquire_link_seconds=2.0) as esme:
        loop = asyncio.get_running_loop()
        end = loop.time() + 2.5
        while loop.time() < end:
            assert (await esme.submit()).kind is ACCEPTED
        assert (await smsc.all("enquire_link")) == []


async def test_a_link_that_does_not_answer_is_bound_anew() -> None:
    async with NodeSmsc() as smsc:
        await smsc.expect("enquire_link", {"silent": True})
        async with an_esme(smsc) as esme:
            esme.hurry(response_seconds=0.2, enquire_link_seconds=0.05)
            await smsc.heard("bind_transceiver", 2)
            await esme.until_able()
            assert (await esme.submit()).kind is ACCEPTED
            assert (await smsc.heard("submit_sm"))[0].session == 2


async def test_the_carrier_may_test_the_link_too() -> None:
    async with NodeSmsc() as smsc, an_esme(smsc):
        await smsc.send("enquire_link", 77)
        answer = await smsc.answered("enquire_link_resp", 77)
        assert answer.status == 0


async def test_an_unbind_of_the_carrier_is_answered_and_then_it_is_bound_anew() -> None:
    async with NodeSmsc() as smsc, an_esme(smsc) as esme:
        await smsc.always("submit_sm", silent=True)
        submit = esme.begin()
        await smsc.heard("submit_sm")
        await smsc.always("submit_sm")
        await smsc.send("unbind", 9)
        answer = await smsc.answered("unbind_resp", 9)
        assert (answer.session, answer.status) == (1, 0)
        (outcome,) = await done(submit)
        assert (outcome.kind, outcome.code) == (UNKNOWN, "the other end unbound")
        await smsc.heard("bind_transceiver", 2)
        await esme.until_able()
        assert (await esme.submit()).kind is ACCEPTED


async def test_an_unbind_that_follows_the_answers_loses_none_of_them() -> None:
    async with NodeSmsc() as smsc, an_esme(smsc) as esme:
        await smsc.always("submit_sm", silent=True)
        submits = [esme.begin() for _ in range(3)]
        first, second, third = await smsc.heard("submit_sm", 3)
        await smsc.answer(first)
        await smsc.answer(second)
        await smsc.answer(third, after="00000010000000060000000000000009")
        assert kinds(await done(*submits)) == [ACCEPTED] * 3
        await smsc.answered("unbind_resp", 9)


# The end


async def test_a_stop_waits_for_the_answers_that_are_due_and_unbinds() -> None:
    async with NodeSmsc() as smsc, an_esme(smsc, window=3) as esme:
        await smsc.always("submit_sm", silent=True)
        submits = [esme.begin() for _ in range(5)]
        written = await smsc.heard("submit_sm", 3)
        stopping = asyncio.create_task(esme.carrier.stop())
        assert kinds(await done(*submits[3:])) == [NOT_SENT] * 2
        await smsc.barrier()
        assert not stopping.done()
        assert (await smsc.all("unbind")) == []
        assert (await esme.submit()).kind is NOT_SENT
        assert esme.carrier.places() == 0
        for submit in written:
            await smsc.answer(submit)
        assert kinds(await done(*submits[:3])) == [ACCEPTED] * 3
        async with asyncio.timeout(5):
            await stopping
        await smsc.happened("closed")
        assert len(await smsc.all("unbind")) == 1
        assert smsc.pdus[-1].command == "unbind"
        assert len(await smsc.all("bind_transceiver")) == 1


async def test_a_stop_waits_no_longer_than_an_answer_may_take() -> None:
    async with NodeSmsc() as smsc, an_esme(smsc, response_seconds=0.2) as esme:
        await smsc.always("submit_sm", silent=True)
        submit = esme.begin()
        await smsc.heard("submit_sm")
        async with asyncio.timeout(5):
            await esme.carrier.stop()
        assert kinds(await done(submit)) == [UNKNOWN]
        await smsc.heard("unbind")


async def test_a_stop_acknowledges_the_receipts_that_it_has_read() -> None:
    async with NodeSmsc() as smsc, an_esme(smsc) as esme:
        esme.listener.storing.clear()
        await smsc.send("deliver_sm", 7, esm_class=4, short_message=RECEIPT)
        await esme.listener.until(lambda: esme.listener.asked)
        stopping = asyncio.create_task(esme.carrier.stop())
        await smsc.barrier()
        assert (await smsc.all("unbind")) == []
        esme.listener.storing.set()
        async with asyncio.timeout(5):
            await stopping
        assert (await smsc.answered("deliver_sm_resp", 7)).status == 0
        await smsc.heard("unbind")


async def test_a_stop_before_the_bind_is_answered_ends_at_once() -> None:
    async with NodeSmsc() as smsc:
        await smsc.always("bind_transceiver", silent=True)
        async with an_esme(smsc, bound=False) as esme:
            await smsc.heard("bind_transceiver")
            async with asyncio.timeout(2):
                await esme.carrier.stop()
            await smsc.happened("closed")


# What became of submits


async def test_what_is_submitted_while_nothing_is_bound_is_not_sent() -> None:
    async with NodeSmsc() as smsc:
        await smsc.always("bind_transceiver", status=0x0D)
        async with an_esme(smsc, bound=False) as esme:
            outcome = await esme.submit()
            assert (outcome.kind, outcome.code) == (NOT_SENT, "not bound")
            assert esme.carrier.places() == 0


@pytest.mark.parametrize("how", CUTS)
async def test_a_lost_connection_tells_what_was_written_from_what_was_not(how: str) -> None:
    async with NodeSmsc() as smsc, an_esme(smsc, window=4) as esme:
        await smsc.always("submit_sm", silent=True)
        submits = [esme.begin() for _ in range(7)]
        await smsc.heard("submit_sm", 4)
        await smsc.cut(how)
        assert kinds(await done(*submits)) == [UNKNOWN] * 4 + [NOT_SENT] * 3
        await esme.until_able()
        assert len(await smsc.all("submit_sm")) == 4


async def test_an_answer_right_before_the_end_of_the_connection_counts() -> None:
    async with NodeSmsc() as smsc, an_esme(smsc) as esme:
        await smsc.always("submit_sm", silent=True)
        submits = [esme.begin() for _ in range(3)]
        written = await smsc.heard("submit_sm", 3)
        await smsc.answer(written[1], fields={"message_id": "second"}, cut="fin")
        outcomes = await done(*submits)
        assert kinds(outcomes) == [UNKNOWN, ACCEPTED, UNKNOWN]
        assert outcomes[1].carrier_ids == ("second",)


@pytest.mark.parametrize("how", CUTS)
async def test_a_connection_lost_before_the_answer_leaves_the_submit_unknown(how: str) -> None:
    async with NodeSmsc() as smsc, an_esme(smsc) as esme:
        await smsc.expect("submit_sm", {"silent": True, "cut": how})
        assert (await esme.submit()).kind is UNKNOWN
        await smsc.heard("bind_transceiver", 2)
        await esme.until_able()
        # It is not sent again by itself.
        await smsc.barrier(session=2)
        assert len(await smsc.all("submit_sm")) == 1


async def test_a_carrier_that_is_set_to_hold_holds_what_is_unknown() -> None:
    async with NodeSmsc() as smsc, an_esme(smsc, on_unknown_submit="hold") as esme:
        await smsc.expect("submit_sm", {"silent": True, "cut": "fin"})
        outcome = await esme.submit()
        assert (outcome.kind, outcome.hold) == (UNKNOWN, True)
