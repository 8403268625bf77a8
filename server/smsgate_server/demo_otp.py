"""The second part of the demo: a one-time password, read where only a test may read it."""

import asyncio
import json
import re
from pathlib import Path

from rich.console import Console

from smsgate_client import SmsgateClient, verify_result_name

_RECIPIENT = "+393331234567"
_LOOK_AGAIN_SECONDS = 0.05


async def show_otp(console: Console, client: SmsgateClient, otp_file: Path) -> None:
    """Send a code, give a wrong one, then the right one."""
    sent = await client.send_otp(_RECIPIENT, brand="Demo", purpose="login")
    verification = sent.verification
    console.print(f"One-time password to {_RECIPIENT}. Stored is: {sent.message.text}")
    code = await _code(otp_file, verification.id)
    for given in (_wrong(code), code, code):
        answer = await client.verify_otp(given, verification_id=verification.id)
        console.print(f"  {given}: {verify_result_name(answer.result)}")
    console.print()


async def _code(otp_file: Path, verification_id: str) -> str:
    """The code that the simulated carrier was given: the demo's server writes it down for this."""
    while True:
        for line in await asyncio.to_thread(_lines, otp_file):
            read = json.loads(line)
            if read["verification_id"] == verification_id:
                found = re.search(r"\d{6}", read["text"])
                assert found is not None
                return found[0]
        await asyncio.sleep(_LOOK_AGAIN_SECONDS)


def _lines(otp_file: Path) -> list[str]:
    return otp_file.read_text().splitlines() if otp_file.exists() else []


def _wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"
