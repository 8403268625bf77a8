"""A smoke test against Net::SMPP, the SMPP library of Perl, as SMSC."""

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.acceptance.esme_setup import ACCEPTED, GUARD_SECONDS, Watched, a_text, an_esme
from tests.builders import T0

from smsgate_server.domain.message import MAX_VALIDITY, Status

_SCRIPT = Path(__file__).parents[1] / "peers" / "perl_smsc" / "smsc.pl"


def _has_library() -> bool:
    perl = shutil.which("perl")
    if perl is None:
        return False
    asked = subprocess.run([perl, "-MNet::SMPP", "-e1"], check=False, capture_output=True)
    return asked.returncode == 0


pytestmark = pytest.mark.skipif(
    not _has_library(), reason="there is no Net::SMPP: apt-get install libnet-smpp-perl"
)


class PerlSmsc(Watched):
    """`heard` has the lines that it printed."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        super().__init__()
        self._process = process
        self._reading = asyncio.create_task(self._read())
        self.port = port
        self.heard: list[str] = []

    async def close(self) -> None:
        if self._process.returncode is None and "unbind" not in self.heard:
            self._process.kill()
        await self._process.wait()
        await self._reading

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            self.heard.append(line.decode().rstrip())
            self.change()


@pytest.fixture
async def smsc() -> AsyncIterator[PerlSmsc]:
    process = await asyncio.create_subprocess_exec(
        "perl", str(_SCRIPT), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(GUARD_SECONDS):
            port = int(await process.stdout.readline())
        smsc = PerlSmsc(process, port)
        yield smsc
        await smsc.close()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_messages_reach_net_smpp_and_its_receipts_reach_us(smsc: PerlSmsc) -> None:
    settings = {"system_type": "cp", "validity": "absolute", "receipt_offset_minutes": 60}
    async with an_esme(smsc, **settings) as esme:
        await smsc.until(lambda: "alive" in smsc.heard)
        outcome = await esme.submit(a_text("Ciao {€}", recipient="+393331234567"))
        assert (outcome.kind, outcome.carrier_ids) == (ACCEPTED, ("00000001",))
        outcome = await esme.submit(a_text("Ж" * 71, recipient="+393331234901"))
        assert (outcome.kind, outcome.carrier_ids) == (ACCEPTED, ("00000002", "00000003"))
        receipts = await esme.listener.until_stored(3)
        assert [(r.carrier_id, r.status, r.recipient) for r in receipts] == [
            ("00000001", Status.DELIVERED, "+393331234567"),
            ("00000002", Status.UNDELIVERABLE, "+393331234901"),
            ("00000003", Status.UNDELIVERABLE, "+393331234901"),
        ]
        assert receipts[0].carrier_time == datetime(2026, 3, 1, 11, 1, tzinfo=UTC)
        await esme.carrier.stop()
    assert [line for line in smsc.heard if not line.startswith("submit")] == [
        *("bind smsgate secret cp", "alive"),
        *("acknowledged 0", "acknowledged 0", "acknowledged 0", "unbind"),
    ]
    expires = f"{(T0 + MAX_VALIDITY):%y%m%d%H%M%S}000+"
    heard = [line.split() for line in smsc.heard if line.startswith("submit")]
    texts = [words.pop() for words in heard]
    assert heard == [
        ["submit", "ACME", "393331234567", "0", "0", expires],
        ["submit", "ACME", "393331234901", "64", "8", expires],
        ["submit", "ACME", "393331234901", "64", "8", expires],
    ]
    # TS 23.038 §6.2.1: what the default alphabet lacks has two septets, the first an escape.
    assert texts[0] == "4369616f201b281b651b29"
    # TS 23.040 §9.2.3.24.1: a header of six octets, with the number of segments and of this one.
    assert [text[:6] + text[8:12] for text in texts[1:]] == ["0500030201", "0500030202"]
    assert "".join(text[12:] for text in texts[1:]) == "0416" * 71
