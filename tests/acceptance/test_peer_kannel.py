"""Kannel, an SMS gateway of its own, as ESME of our SMSC: it binds, sends, and gets receipts."""

import asyncio
from pathlib import Path

import pytest
from tests.acceptance.peers_setup import (
    BUFFERED,
    DELIVERED,
    FAILED,
    REFUSED,
    TAKEN,
    Wire,
    a_kannel,
    needs,
    pair,
    transceiver,
)

from smsgate_server.carriers.smpp.codes import Command
from smsgate_server.carriers.smsc.server import Smsc
from smsgate_server.carriers.smsc.settings import SmscSettings

pytestmark = needs("bearerbox", "smsbox", package="kannel")

_RECIPIENT = "39333123"
_SENT = {
    "plain": ("4567", "Ciao {€}!", {}),
    "lost": ("4901", "Ciao!", {}),
    "refused": ("4903", "Ciao!", {}),
    "rejected": ("4904", "Ciao!", {}),
    "expired": ("4905", "Ciao!", {}),
    "thrice": ("4909", "Ciao!", {}),
    "early": ("4910", "Ciao!", {}),
    "throttled": ("4911", "Ciao!", {}),
    "on the way": ("4916", "Ciao!", {}),
    "long": ("4568", "Hello " * 60, {}),
    "cyrillic": ("4569", "Привет, мир", {"coding": "2"}),
    "long cyrillic": ("4570", "Привет, мир! " * 10, {"coding": "2"}),
}

async def test_try(tmp_path: Path) -> None:
    smsc = Smsc(SmscSettings(port=0, system_id="kannel", password="secret", receipt_seconds=0.05))
    await smsc.start()
    async with Wire(smsc.port) as wire:
        import time
        t=time.time()
        async with a_kannel(tmp_path, pair(wire.port)) as kannel:
            print(time.time()-t)
            await wire.heard(Command.BIND_RECEIVER_RESP)
            await wire.heard(Command.BIND_TRANSMITTER_RESP)
            print(time.time()-t)
            sends = [kannel.send(n.replace(" ","_"), _RECIPIENT + d, text, charset="UTF-8", **more) for n,(d,text,more) in _SENT.items()]
            await asyncio.gather(*sends)
            print(time.time()-t)
            try:
                async with asyncio.timeout(8):
                    for n in _SENT: 
                        print(n, await kannel.outcome(n.replace(" ","_")), time.time()-t)
            except TimeoutError: print("timeout")
            for n,r in kannel.reports.items(): print(n,r)
        print("end",time.time()-t)
        print([hex(s.pdu.command) for s in wire.said][-8:], smsc.waiting)
    await smsc.stop()
    assert 0
