"""A smoke test against Net::SMPP, the SMPP library of Perl, as SMSC."""

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.builders import a_message

from smsgate_server.carriers.smpp.client import SmppCarrier
from smsgate_server.carriers.smpp.settings import SmppSettings
from smsgate_server.domain.delivery import OutcomeKind, Receipt, SubmitOutcome
from smsgate_server.domain.message import Status
from smsgate_server.services.clock import SystemClock
from smsgate_server.services.ports import Claim

_SCRIPT = Path(__file__).parents[1] / "peers" / "perl_smsc" / "smsc.pl"
_GUARD_SECONDS = 20.0


def _has_library() -> bool:
    if shutil.which("perl") is None:
        return False
    return subprocess.run(["perl", "-MNet::SMPP", "-e1"], capture_output=True).returncode == 0


pytestmark = pytest.mark.skipif(
    not _has_library(), reason="Net::SMPP is needed: apt-get install libnet-smpp-perl"
)


class _Listener:
    def __init__(self) -> None:
        self.taken: asyncio.Queue[Receipt] = asyncio.Queue()
        self.changed = asyncio.Event()

    async def receipts(self, receipts: Sequence[Receipt]) -> None:
        for receipt in receipts:
            self.taken.put_nowait(receipt)

    def late_answer(self, carrier: str, claim: Claim, outcome: SubmitOutcome) -> None:
        raise AssertionError("it answers in time")

    def room(self) -> None:
        self.changed.set()


@pytest.fixture
async def smsc() -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        "perl", str(_SCRIPT), stdout=asyncio.subprocess.PIPE
    )
    yield process
    if process.returncode is None:
        process.kill()
    await process.wait()


async def _line(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    return (await process.stdout.readline()).decode().strip()


async def test_messages_reach_it_and_its_receipts_reach_us(
    smsc: asyncio.subprocess.Process,
) -> None:
    async with asyncio.timeout(_GUARD_SECONDS):
        port = (await _line(smsc)).rpartition(" ")[2]
        settings = SmppSettings(name="perl", hosts=(f"127.0.0.1:{port}",), system_id="smsgate")
        carrier, listener = SmppCarrier(settings, SystemClock(), lambda: 0.5, 1), _Listener()
        await carrier.start(listener)
        while not carrier.able:
            listener.changed.clear()
            await listener.changed.wait()
        message = a_message(recipient="+393331234567", text="Ciao {€}")
        outcome = await carrier.submit(Claim(message, 1))
        assert (outcome.kind, outcome.carrier_ids) == (OutcomeKind.ACCEPTED, ("00000001",))
        # GSM 03.38: the brackets and the euro sign are two septets each.
        assert await _line(smsc) == "00000001 393331234567 0 4369616f201b281b651b29"
        receipt = await listener.taken.get()
        assert (receipt.carrier_id, receipt.status) == ("00000001", Status.DELIVERED)
        assert receipt.recipient == message.recipient
        assert receipt.carrier_time == datetime(2026, 3, 1, 12, 1, tzinfo=UTC)
        assert await _line(smsc) == "acknowledged"
        await carrier.stop()
        assert await _line(smsc) == "unbound"
