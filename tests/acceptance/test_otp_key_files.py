"""The keys of codes while servers run: rotated, added, promoted, broken and gone."""

import asyncio
import logging
import sqlite3
import subprocess
import sys
from base64 import b64encode
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from tests.acceptance import otp_setup
from tests.acceptance.accounts_setup import eventually
from tests.acceptance.otp_setup import ALREADY_USED, APPROVED, OtpGateway, StartOtp
from tests.acceptance.reading import refused
from tests.databases import database_of

from smsgate.v1 import otp_service_pb2 as pb

pytestmark = pytest.mark.slow

start_otp = otp_setup.start_otp


@pytest.fixture(autouse=True)
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """Servers say there which keys they have."""
    caplog.set_level(logging.INFO, "smsgate_server.services.otp_keys")
    return caplog


async def test_after_a_rotation_old_codes_can_be_checked_and_new_ones_use_the_new_key(
    start_otp: StartOtp, tmp_path: Path, log: pytest.LogCaptureFixture
) -> None:
    store = f"sqlite:{tmp_path}/kept.db"
    codes = await start_otp(store=store)
    old = await codes.send(length=10)
    old_code = await codes.code(old)
    before = await codes.send(purpose="before")
    await asyncio.to_thread(_otp_keys, "rotate", "--store", store)
    new_key, old_key = _ids_in(tmp_path / "otp-keys")
    # The server that runs takes it up.
    await _keys_are(log, new_key, old_key)
    codes.clock.forward(timedelta(seconds=30))
    again = await codes.send(length=10)
    assert (again.reused, await codes.code(again)) == (True, old_code)
    assert (await codes.verify(old.verification.id, old_code)).result == APPROVED
    fresh = await codes.send(purpose="fresh", length=10)
    fresh_code = await codes.code(fresh)
    assert _key_of(tmp_path, fresh) == new_key
    # Without the old key the new code still works, and the one from before the rotation does not.
    (tmp_path / "otp-keys").write_text(_line_of(tmp_path / "otp-keys", new_key))
    await _keys_are(log, new_key)
    assert (await codes.verify(fresh.verification.id, fresh_code)).result == APPROVED
    refusal = await refused(codes.verify(before.verification.id, "000000"))
    assert refusal.reason == "OTP_UNAVAILABLE"


async def test_of_a_guess_at_a_code_whose_key_is_gone_nothing_is_stored(
    start_otp: StartOtp, tmp_path: Path
) -> None:
    store = f"sqlite:{tmp_path}/kept.db"
    codes = await start_otp(store=store)
    sent = await codes.send()
    await codes.verify(sent.verification.id, await codes.code(sent), request_id="r1")
    await codes.gateway.stop()
    codes = await start_otp(store=store, otp_keys=f"other {b64encode(b'7' * 32).decode()}")
    for request_id in ("r1", "r2", "r2"):
        answer = await codes.verify(sent.verification.id, "123456", request_id=request_id)
        assert answer.result == ALREADY_USED
    with closing(sqlite3.connect(tmp_path / "kept.db")) as db:
        # That of the right code, which was given while the key was there.
        assert db.execute("SELECT count(*) FROM attempts").fetchone() == (1,)


@pytest.mark.parametrize("content", [None, "", "nonsense", "\udcff"])
async def test_a_key_file_that_is_wrong_or_gone_leaves_the_keys_as_they_were(
    start_otp: StartOtp, tmp_path: Path, log: pytest.LogCaptureFixture, content: str | None
) -> None:
    codes = await start_otp(store=f"sqlite:{tmp_path}/kept.db")
    sent = await codes.send()
    file = tmp_path / "otp-keys"
    (key,) = _ids_in(file)
    secret = _line_of(file, key).split()[1]
    if content is None:
        file.unlink()
    else:
        file.write_text(content, errors="surrogateescape")

    async def told() -> bool:
        return "stay as they were" in log.text

    await eventually(told)
    assert secret not in log.text
    assert (await codes.verify(sent.verification.id, await codes.code(sent))).result == APPROVED
    fresh = await codes.send(purpose="fresh")
    assert (await codes.verify(fresh.verification.id, await codes.code(fresh))).result == APPROVED


async def test_with_a_key_that_is_added_and_then_promoted_no_server_meets_an_unknown_one(
    start_otp: StartOtp, tmp_path: Path, log: pytest.LogCaptureFixture
) -> None:
    # Each server has a file of its own, as on machines of their own.
    files = [tmp_path / f"keys-{n}" for n in range(2)]
    store = {"store": database_of(tmp_path)}
    for file in files:
        file.write_text(f"first {b64encode(b'7' * 32).decode()}\n")
    servers = [await start_otp(**store, otp_key_file=str(file)) for file in files]
    desk = tmp_path / "smsgate.toml"
    desk.write_text(f'store = "{store["store"]}"\notp_key_file = "{files[0]}"\n')
    await asyncio.to_thread(_otp_keys, "add", "--config", str(desk))
    _, added = _ids_in(files[0])
    await _keys_are(log, "first", added)
    one, other = servers
    await _is_served_by_both(one, other, "added")
    files[1].write_bytes(files[0].read_bytes())
    await _keys_are(log, "first", added, times=2)
    await asyncio.to_thread(_otp_keys, "promote", added, "--config", str(desk))
    await _keys_are(log, added, "first")
    # One makes its codes with the new key, the other with the old one, and each knows both.
    await _is_served_by_both(one, other, "promoted-at-one")
    await _is_served_by_both(other, one, "not-yet-at-the-other")
    assert _ids_in(files[0]) == [added, "first"]


async def _is_served_by_both(one: OtpGateway, other: OtpGateway, purpose: str) -> None:
    """A code that one of two servers is asked for, whichever sends it, is checked by the other."""
    sent = await one.send(purpose=purpose)
    code = await one.code(sent)
    assert (await other.verify(sent.verification.id, code)).result == APPROVED


async def _keys_are(log: pytest.LogCaptureFixture, *ids: str, times: int = 1) -> None:
    """Wait until so many servers say that these are the keys that they have."""
    line = f"the keys of one-time passwords are now: {', '.join(ids)}"

    async def told() -> bool:
        return [record.getMessage() for record in log.records].count(line) >= times

    await eventually(told, 30)


def _ids_in(file: Path) -> list[str]:
    lines = file.read_text().splitlines()
    return [line.split()[0] for line in lines if not line.startswith("#")]


def _line_of(file: Path, key_id: str) -> str:
    return next(line for line in file.read_text().splitlines() if line.startswith(key_id))


def _key_of(folder: Path, sent: pb.SendOTPResponse) -> str:
    """Which key a code is made with."""
    with closing(sqlite3.connect(folder / "kept.db")) as db:
        query = "SELECT key_id FROM verifications WHERE id = ?"
        (key_id,) = db.execute(query, (sent.verification.id,)).fetchone()
    return str(key_id)


def _otp_keys(*arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "smsgate_server", "otp-keys", *arguments],
        env={},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, done.stderr
