"""`smsgate otp`, as people and scripts use it, against a real server."""

import json
import re
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from tests.acceptance import test_cli
from tests.acceptance.server_process import ServerProcess
from tests.acceptance.test_cli import Smsgate

from smsgate_client import BlockingClient, SmsgateClient, new_request_id, verify_result_name

smsgate, stdin = test_cli.smsgate, test_cli.stdin

_UNKNOWN = "01993b1e-7c1f-7a3e-9d52-0f6b1c2d3e4f"
_numbers = (f"+39333{5_000_000 + 100 * index:07d}" for index in count())


@pytest.fixture
def number() -> str:
    """A number that no other test sends to: limits count by recipient."""
    return next(_numbers)


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the simulated carrier writes the texts with codes."""
    return tmp_path_factory.mktemp("carrier") / "texts.jsonl"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, texts: Path) -> Iterator[ServerProcess]:
    environment = {
        "SMSGATE_SIMULATOR_OTP_FILE": str(texts),
        # The second sending comes at once, the third only after a while.
        "SMSGATE_OTP_COOL_DOWN_SECONDS": "0.001,60",
    }
    store = tmp_path_factory.mktemp("server") / "messages.db"
    with ServerProcess(store, environment=environment) as running:
        yield running


Sent = Callable[..., tuple[str, str]]


@pytest.fixture
def send(smsgate: Smsgate, server: ServerProcess, texts: Path, number: str) -> Sent:
    """Sends a code and returns the id of its verification, and the code."""

    def send(*arguments: str) -> tuple[str, str]:
        sent = smsgate("otp", "send", number, *arguments)
        assert (sent.code, sent.err) == (0, "")
        id = sent.out.strip()
        with BlockingClient(server.target) as client:
            (message_id,) = client.get_verification(id).verification.message_ids
            message = client.get(message_id)
            for _ in client.follow(
                message_ids=[message_id], from_earliest=True, end_when_all_terminal=True, timeout=20
            ):
                pass
        assert message.message.verification_id == id
        lines = [json.loads(line) for line in texts.read_text().splitlines()]
        (text,) = [line["text"] for line in lines if line["verification_id"] == id]
        code = re.search(r"\b[0-9A-Z]{4,10}\b", text)
        assert code is not None, text
        return id, code[0]

    return send


def _wrong(code: str) -> str:
    return "".join(str(9 - int(digit)) for digit in code)


def test_a_right_code_counts_once(smsgate: Smsgate, send: Sent) -> None:
    id, code = send("--purpose", "login")
    right = smsgate("otp", "verify", id, code)
    assert (right.code, right.out, right.err) == (0, f"APPROVED {id}\n", "")
    again = smsgate("otp", "verify", id, code)
    assert (again.code, again.out) == (13, f"ALREADY_USED {id}\n")
    assert "counts once" in again.err


def test_a_wrong_code_has_an_exit_code_of_its_own_until_no_attempt_is_left(
    smsgate: Smsgate, send: Sent
) -> None:
    id, code = send()
    for left in ("4 attempts", "3 attempts", "2 attempts", "1 attempt", "0 attempts"):
        wrong = smsgate("otp", "verify", id, _wrong(code))
        assert (wrong.code, wrong.out) == (10, f"INCORRECT {id}\n")
        assert f"the code is wrong; {left} left" in wrong.err
    assert smsgate("otp", "verify", id, code).code == 12
    assert "state: EXHAUSTED" in smsgate("otp", "show", id).out


def test_a_repeat_with_a_request_id_costs_no_attempt(smsgate: Smsgate, send: Sent) -> None:
    id, code = send()
    arguments = ("otp", "verify", id, _wrong(code), "--request-id", new_request_id())
    first, again = smsgate(*arguments), smsgate(*arguments)
    assert (first.code, again.code) == (10, 10)
    assert first.err == again.err
    assert "attempts: 1 used" in smsgate("otp", "show", id).out


def test_a_code_is_checked_by_recipient_and_purpose_and_read_from_standard_input(
    smsgate: Smsgate, send: Sent, number: str, stdin: Callable[[str], None]
) -> None:
    _, code = send("--purpose", "login")
    stdin(f"{code[:3]} {code[3:]}\n")
    other = smsgate("otp", "verify", "--recipient", number, "--purpose", "payment", "-")
    assert other.code == 3
    stdin(f"{code[:3]} {code[3:]}\n")
    right = smsgate("otp", "verify", "--recipient", number, "--purpose", "login", "-")
    assert right.code == 0


def test_a_code_is_not_waited_for_where_nobody_can_be_asked(
    smsgate: Smsgate, stdin: Callable[[str], None]
) -> None:
    stdin("")
    asked = smsgate("otp", "verify", _UNKNOWN)
    assert asked.code == 2
    assert "standard input" in asked.err


def test_a_cancelled_code_is_worthless(smsgate: Smsgate, send: Sent) -> None:
    id, code = send()
    cancelled = smsgate("otp", "cancel", id)
    assert (cancelled.code, cancelled.out) == (0, f"{id} CANCELLED\n")
    assert smsgate("otp", "cancel", id).code == 0
    assert smsgate("otp", "verify", id, code).code == 14


def test_what_has_ended_cannot_be_cancelled(smsgate: Smsgate, send: Sent) -> None:
    id, code = send()
    smsgate("otp", "verify", id, code)
    late = smsgate("otp", "cancel", id)
    assert (late.code, late.out) == (1, f"{id} APPROVED\n")
    assert "had ended before" in late.err


def test_a_pending_code_is_sent_again_but_not_too_soon(smsgate: Smsgate, number: str) -> None:
    first = smsgate("otp", "send", number)
    again = smsgate("otp", "send", number)
    assert first.out == again.out
    assert "it was sent again" in again.err
    early = smsgate("otp", "send", number)
    assert early.code == 5
    assert "OTP_COOL_DOWN" in early.err
    assert "try again in" in early.err


def test_a_repeated_request_sends_nothing(smsgate: Smsgate, number: str) -> None:
    arguments = ("otp", "send", number, "--request-id", new_request_id())
    first, again = smsgate(*arguments), smsgate(*arguments)
    assert first.out == again.out
    assert "nothing was sent now" in again.err


def test_show_tells_all_but_the_code(smsgate: Smsgate, send: Sent) -> None:
    id, code = send(
        *("--purpose", "login", "--length", "8", "--ttl", "2m", "--brand", "Shop"),
        *("--locale", "it", "--label", "team=a", "--reference", "r 1"),
    )
    shown = smsgate("otp", "show", id)
    assert shown.code == 0
    for line in (
        "state: PENDING",
        "purpose: login",
        "code: 8 characters, NUMERIC",
        "attempts: 0 used, 5 left",
        "brand: Shop",
        "locale: it",
        "reference: r 1",
        "labels: team=a",
        "sent: DELIVERED",
    ):
        assert line in shown.out
    as_json = smsgate("--output", "json", "otp", "show", id)
    assert as_json.lines[0]["verification"]["state"] == "PENDING"
    assert len(code) == 8
    assert code not in shown.out + as_json.out


def test_an_alphanumeric_code_is_read_in_small_letters(smsgate: Smsgate, send: Sent) -> None:
    id, code = send("--alphabet", "alphanumeric")
    assert smsgate("otp", "verify", id, code.lower()).code == 0


def test_a_dry_run_sends_nothing(smsgate: Smsgate, number: str) -> None:
    tried = smsgate("otp", "send", number, "--dry-run", "--web-origin", "example.com")
    assert tried.code == 0
    assert "would be sent from OTP MOBILE: " in tried.out
    assert "1 segment" in tried.out
    assert smsgate("otp", "verify", "--recipient", number, "123456").code == 3
    as_json = smsgate("--output", "json", "otp", "send", number, "--dry-run")
    assert "id" not in as_json.lines[0]["verification"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["send", "+39 333"], 2),
        (["send", "+393331234567", "--length", "3"], 2),
        (["send", "+393331234567", "--alphabet", "runes"], 2),
        (["send", "+393331234567", "--ttl", "soon"], 2),
        (["send", "+393331234567", "--web-origin", "a.com", "--android-app-hash", "x"], 2),
        (["show", _UNKNOWN], 3),
        (["cancel", _UNKNOWN], 3),
        (["verify", _UNKNOWN, "123456"], 3),
        (["verify"], 2),
        ([], 2),
    ],
)
def test_what_is_wrong_is_a_sentence_and_an_exit_code(
    smsgate: Smsgate, arguments: list[str], code: int
) -> None:
    result = smsgate("otp", *arguments)
    assert result.code == code
    assert "smsgate: " in result.err
    assert "Traceback" not in result.err


def test_a_code_of_the_wrong_length_costs_no_attempt(smsgate: Smsgate, send: Sent) -> None:
    id, code = send()
    assert smsgate("otp", "verify", id, "12").code == 2
    assert smsgate("otp", "verify", id, code).code == 0


async def test_the_asyncio_client_does_the_same(server: ServerProcess, number: str) -> None:
    async with SmsgateClient(server.target) as client:
        sent = await client.send_otp(number, purpose="login")
        id = sent.verification.id
        answer = await client.verify_otp("000000", recipient=number, purpose="login")
        # One of a million is right by chance.
        assert verify_result_name(answer.result) in ("INCORRECT", "APPROVED")
        assert (await client.get_verification(id)).verification.attempts_used == 1
        await client.cancel_verification(id)


def test_the_help_is_there(capfd: pytest.CaptureFixture[str]) -> None:
    for command in ("send", "verify", "show", "cancel"):
        assert test_cli.run(["otp", command, "--help"]) == 0
        assert "Examples:" in capfd.readouterr().out
