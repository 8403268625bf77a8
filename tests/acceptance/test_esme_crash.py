"""A gateway with a real store is killed while it talks to node-smpp: nothing is lost, nothing is
sent twice that must not be.
"""

from pathlib import Path

from tests.acceptance.esme_setup import Heard, NodeSmsc, octets
from tests.acceptance.reading import DELIVERED, PENDING
from tests.acceptance.test_smpp_crash import AT_LEAST_ONCE, a_gateway, a_number

_RECEIPT = 0x04


async def _report(smsc: NodeSmsc, sequence: int, session: int, carrier_id: str, to: str) -> None:
    """A receipt, whether or not it is acknowledged."""
    text = f"id:{carrier_id} sub:001 dlvrd:001 done date:2503011201 stat:DELIVRD err:000 text:"
    await smsc.send(
        "deliver_sm",
        sequence,
        session,
        source_addr=to[1:],
        source_addr_ton=1,
        destination_addr="ACME",
        esm_class=_RECEIPT,
        short_message=octets(text.encode()),
    )


async def _acknowledged(smsc: NodeSmsc, sequence: int) -> None:
    assert (await smsc.answered("deliver_sm_resp", sequence)).status == 0


def _recipients(submits: list[Heard]) -> list[str]:
    return sorted(f"+{submit.fields['destination_addr']}" for submit in submits)


async def test_killed_between_a_submit_and_its_answer_it_sends_again_only_what_may_come_twice(
    tmp_path: Path,
) -> None:
    async with NodeSmsc() as smsc, a_gateway(tmp_path, smsc) as gateway:
        await smsc.always("submit_sm", silent=True)
        once, twice = await gateway.send(1), await gateway.send(2, AT_LEAST_ONCE)
        await smsc.heard("submit_sm", 2)
        await smsc.always("submit_sm", fields={"message_id": "again"})
        await gateway.kill_and_start()
        await gateway.until(twice, PENDING)
        await _report(smsc, 1, 2, "again", a_number(2))
        await _acknowledged(smsc, 1)
        await gateway.delivered_once(twice)
        assert await gateway.held(once)
        assert _recipients(await smsc.all("submit_sm")) == [a_number(1), a_number(2), a_number(2)]


async def test_killed_between_the_commit_of_a_receipt_and_its_answer_it_counts_it_once(
    tmp_path: Path,
) -> None:
    async with NodeSmsc() as smsc, a_gateway(tmp_path, smsc) as gateway:
        await smsc.always("submit_sm", fields={"message_id": "first"})
        message = await gateway.send(1)
        await gateway.until(message, PENDING)
        # The answer arrives at a machine that is no more.
        await smsc.tell("pause", session=1)
        await _report(smsc, 1, 1, "first", a_number(1))
        await gateway.until(message, DELIVERED)
        await smsc.cut("rst")
        await gateway.kill_and_start()
        assert (await smsc.all("deliver_sm_resp")) == []
        await smsc.heard("bind_transceiver", 2)
        session = (await smsc.all("bind_transceiver"))[-1].session
        await _report(smsc, 2, session, "first", a_number(1))
        await _acknowledged(smsc, 2)
        await gateway.delivered_once(message)
        assert len(await smsc.all("submit_sm")) == 1


async def test_killed_between_an_early_receipt_and_its_replay_it_applies_it_when_the_id_comes_again(
    tmp_path: Path,
) -> None:
    async with NodeSmsc() as smsc, a_gateway(tmp_path, smsc) as gateway:
        await smsc.always("submit_sm", silent=True)
        once, twice = await gateway.send(1), await gateway.send(2, AT_LEAST_ONCE)
        submits = await smsc.heard("submit_sm", 2)
        ids = {submit.fields["destination_addr"]: f"id-{n}" for n, submit in enumerate(submits)}
        for sequence, (recipient, carrier_id) in enumerate(ids.items(), start=1):
            await _report(smsc, sequence, 1, carrier_id, f"+{recipient}")
            await _acknowledged(smsc, sequence)
        with gateway.locked():
            for submit in submits:
                carrier_id = ids[submit.fields["destination_addr"]]
                await smsc.answer(submit, fields={"message_id": carrier_id})
            await smsc.barrier()
            await gateway.kill()
        # The carrier knows the message again.
        await smsc.always("submit_sm", fields={"message_id": ids[a_number(2)[1:]]})
        await gateway.start()
        await gateway.delivered_once(twice)
        assert await gateway.held(once)
        assert _recipients(await smsc.all("submit_sm")) == [a_number(1), a_number(2), a_number(2)]
        # The other one is kept: its id could still become known.
        assert gateway.ask("SELECT count(*) FROM orphans") == [(1,)]
