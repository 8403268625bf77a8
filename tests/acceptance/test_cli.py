"""The `smsgate` command, as people and scripts use it, against a real server."""

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tests.acceptance.server_process import ServerProcess

from smsgate_client import BlockingClient, new_request_id
from smsgate_client.cli.app import run

NUMBER = "+393331234567"
# By its ending the simulated carrier does not deliver it.
UNDELIVERABLE = "+393331234901"


class Result(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[Any]:
        """The JSON lines of the output."""
        return [json.loads(line) for line in self.out.splitlines()]


Smsgate = Callable[..., Result]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with ServerProcess(tmp_path_factory.mktemp("server") / "messages.db") as running:
        yield running


@pytest.fixture
def smsgate(server: ServerProcess, capfd: pytest.CaptureFixture[str]) -> Smsgate:
    def call(*arguments: str) -> Result:
        code = run(["--target", server.target, *arguments])
        return Result(code, *capfd.readouterr())

    return call


@pytest.fixture
def stdin(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    def give(text: str) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode()), "utf-8"))

    return give


def _process(server: ServerProcess, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "smsgate_client", *arguments],
        env=os.environ | {"SMSGATE_TARGET": server.target},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _numbers(count: int) -> list[str]:
    return [f"+39333{1_000_000 + 100 * index:07d}" for index in range(count)]


def test_send_prints_the_id_alone_in_a_pipe(smsgate: Smsgate) -> None:
    sent = smsgate("send", NUMBER, "Ciao!", "--reference", "r 1", "--label", "team=a")
    assert (sent.code, sent.err) == (0, "")
    id = sent.out.strip()
    found = smsgate("--output", "json", "get", id).lines[0]["message"]
    assert found["id"] == id
    assert found["client_reference"] == "r 1"
    assert found["labels"] == {"team": "a"}


def test_send_waits_for_the_outcome(smsgate: Smsgate) -> None:
    sent = smsgate("send", NUMBER, "Ciao!", "--wait")
    assert sent.code == 0
    assert sent.out.split()[1] == "DELIVERED"


def test_send_tells_by_its_exit_code_that_it_was_not_delivered(smsgate: Smsgate) -> None:
    sent = smsgate("send", UNDELIVERABLE, "Ciao!", "--wait")
    assert sent.code == 1
    assert sent.out.split()[1] == "UNDELIVERABLE"


def test_send_gives_up_waiting_when_told_so(smsgate: Smsgate) -> None:
    sent = smsgate("send", NUMBER, "later", "--at", "1h", "--wait", "--max-wait", "0.2")
    assert sent.code == 6


def test_send_reads_the_text_from_standard_input(
    smsgate: Smsgate, stdin: Callable[[str], None]
) -> None:
    stdin("two\nlines\n")
    id = smsgate("send", NUMBER, "-").out.strip()
    assert smsgate("-o", "json", "get", id).lines[0]["message"]["text"] == "two\nlines"


def test_send_shows_every_violation_in_a_line_of_its_own(smsgate: Smsgate) -> None:
    refused = smsgate("send", "+39 333", "", "--sender", "x")
    assert refused.code == 2
    assert refused.out == ""
    lines = refused.err.splitlines()
    assert all(line.startswith("smsgate: ") for line in lines)
    for reason in ("RECIPIENT_NOT_E164", "INVALID_SENDER"):
        assert sum(reason in line for line in lines) == 1
    assert "hint: " in lines[-1]


def test_a_repeat_with_a_request_id_says_so(smsgate: Smsgate) -> None:
    request_id = new_request_id()
    first = smsgate("send", NUMBER, "once", "--request-id", request_id)
    again = smsgate("send", NUMBER, "once", "--request-id", request_id)
    assert first.out == again.out
    assert "nothing was sent" in again.err
    conflict = smsgate("send", NUMBER, "another", "--request-id", request_id)
    assert conflict.code == 4
    assert "REQUEST_ID_CONFLICT" in conflict.err


def test_a_dry_run_sends_nothing(smsgate: Smsgate) -> None:
    label = f"run={new_request_id()}"
    tried = smsgate("send", NUMBER, "Ciao!", "--dry-run", "--label", label)
    assert tried.code == 0
    assert "would be accepted: 1 segment, GSM7" in tried.out
    assert smsgate("list", "--label", label).out == ""


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["get", "01993b1e-7c1f-7a3e-9d52-0f6b1c2d3e4f"], 3),
        (["cancel", "01993b1e-7c1f-7a3e-9d52-0f6b1c2d3e4f"], 3),
        (["send", NUMBER], 2),
        (["send", NUMBER, "x", "--validity", "soon"], 2),
        (["send", NUMBER, "x", "--max-price", "cheap"], 2),
        (["send", NUMBER, "x", "--label", "nonsense"], 2),
        (["send", NUMBER, "x" * 161, "--single"], 2),
        (["list", "--status", "LOST"], 2),
        (["batch", "no-such-file.csv"], 2),
        (["watch", "--cursor", "nonsense"], 2),
        (["watch", "--cursor", "a", "--from-earliest"], 2),
        (["nonsense"], 2),
    ],
)
def test_what_is_wrong_is_a_sentence_and_an_exit_code(
    smsgate: Smsgate, arguments: list[str], code: int
) -> None:
    result = smsgate(*arguments)
    assert result.code == code
    assert "smsgate: " in result.err or " is " in result.err
    assert "Traceback" not in result.err


def test_a_gateway_that_is_not_there_is_said_plainly(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["--target", "127.0.0.1:1", "watch"]) == 6
    assert "no gateway can be reached at 127.0.0.1:1" in capfd.readouterr().err


def test_estimate_shows_segments_and_what_forces_ucs2(smsgate: Smsgate) -> None:
    shown = smsgate("estimate", "It’s " + "x" * 80, "--recipient", NUMBER)
    assert shown.code == 0
    assert "UCS2, 85 characters, 2 segments" in shown.out
    assert "U+2019 at 2" in shown.out
    assert "with 1 segment" in shown.out
    assert "EUR" in shown.out


def test_estimate_tells_by_its_exit_code_that_it_would_be_refused(smsgate: Smsgate) -> None:
    shown = smsgate("estimate", "x" * 161, "--single", "--sender", "x")
    assert shown.code == 1
    assert shown.out.count("would be refused: ") == 2


def test_get_shows_the_history_in_words(smsgate: Smsgate) -> None:
    id = smsgate("send", NUMBER, "Ciao!").out.strip()
    shown = smsgate("get", id, "--wait", "--history")
    assert shown.code == 0
    assert "status: DELIVERED (" in shown.out
    events = [line for line in shown.out.splitlines() if line.startswith("event: ")]
    assert [line.split()[3] for line in events] == ["NEW", "PENDING", "DELIVERED"]


def test_list_filters_and_prints_json_lines_in_a_pipe(smsgate: Smsgate) -> None:
    label = f"run={new_request_id()}"
    for _ in range(3):
        smsgate("send", NUMBER, "Ciao!", "--label", label)
    listed = smsgate("list", "--label", label, "--limit", "2").lines
    assert [message["recipient"] for message in listed] == [NUMBER] * 2
    assert len(smsgate("list", "--label", label, "--limit", "0").lines) == 3
    assert smsgate("list", "--label", label, "--country", "FR").out == ""
    assert NUMBER in smsgate("--output", "text", "list", "--label", label).out


def test_cancel_tells_what_could_not_be_cancelled(smsgate: Smsgate) -> None:
    later = smsgate("send", NUMBER, "later", "--at", "1h").out.strip()
    sent = smsgate("send", NUMBER, "now", "--wait").out.split()[0]
    both = smsgate("cancel", later, sent)
    assert both.code == 1
    assert both.out == f"{later} REJECTED\n"
    assert "ALREADY_SUBMITTED" in both.err
    assert smsgate("cancel", sent).code == 4


def test_a_batch_is_sent_once_however_often_it_is_run(smsgate: Smsgate, tmp_path: Path) -> None:
    label = f"run={new_request_id()}"
    file = tmp_path / "numbers.txt"
    file.write_text("\n".join(["# numbers", *_numbers(40)]))
    arguments = ("batch", str(file), "--text", "Ciao!", "--label", label)
    first, again = smsgate(*arguments), smsgate(*arguments)
    assert (first.code, again.code) == (0, 0)
    assert [row["line"] for row in first.lines] == list(range(2, 42))
    assert [row["id"] for row in first.lines] == [row["id"] for row in again.lines]
    assert all(row["replayed"] for row in again.lines)
    assert "40 accepted" in first.err
    assert "40 sent before, not again" in again.err
    assert len(smsgate("list", "--label", label, "--limit", "0").lines) == 40


def test_a_batch_that_was_cut_off_goes_on_where_it_was(smsgate: Smsgate, tmp_path: Path) -> None:
    job, file = new_request_id(), tmp_path / "numbers.txt"
    numbers = _numbers(1_100)
    file.write_text("\n".join(numbers[:700]))
    assert smsgate("batch", str(file), "--text", "Ciao!", "--job", job).code == 0
    file.write_text("\n".join(numbers))
    rest = smsgate("batch", str(file), "--text", "Ciao!", "--job", job)
    assert "400 accepted, 700 sent before, not again" in rest.err
    assert len({row["id"] for row in rest.lines}) == 1_100


def test_rows_of_a_job_can_be_added_but_not_changed_once_sent(
    smsgate: Smsgate, tmp_path: Path
) -> None:
    job, file = new_request_id(), tmp_path / "people.csv"
    first, second, third = _numbers(3)
    file.write_text(f"recipient,text\n{first},a\n{first},b\n{second},c\n")
    assert smsgate("batch", str(file), "--job", job).code == 0
    file.write_text(f"recipient,text\n{third},new\n{first},a\n{first},b\n{second},changed\n")
    again = smsgate("batch", str(file), "--job", job)
    assert again.code == 1
    assert [row.get("replayed", False) for row in again.lines] == [False, True, True, False]
    assert again.lines[3]["error"]["reason"] == "REQUEST_ID_CONFLICT"


def test_a_batch_reports_refused_rows_by_line_and_they_can_be_corrected(
    smsgate: Smsgate, tmp_path: Path
) -> None:
    job, file = new_request_id(), tmp_path / "people.csv"
    rows = 'recipient;text;reference;label:team\n{};"two\nlines";r1;a\n+39 1;Hi;r2;\n'
    file.write_text(rows.format(NUMBER), encoding="utf-8-sig")
    refused = smsgate("--output", "text", "batch", str(file), "--job", job)
    assert refused.code == 1
    assert "line 4: +39 1: " in refused.err
    assert "RECIPIENT_NOT_E164" in refused.err
    assert "1 accepted, 1 refused" in refused.out
    file.write_text(file.read_text("utf-8-sig").replace("+39 1", "+393331234568"))
    corrected = smsgate("batch", str(file), "--job", job)
    assert corrected.code == 0
    assert [row.get("replayed", False) for row in corrected.lines] == [True, False]
    message = smsgate("-o", "json", "get", corrected.lines[0]["id"]).lines[0]["message"]
    assert message["text"] == "two\nlines"
    assert message["labels"] == {"team": "a"}


def test_a_batch_is_tried_from_standard_input(
    smsgate: Smsgate, stdin: Callable[[str], None]
) -> None:
    stdin("recipient,text\n" + "".join(f"{number},Ciao!\n" for number in _numbers(3)))
    tried = smsgate("batch", "-", "--dry-run")
    assert tried.code == 0
    assert "3 would be accepted" in tried.err


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "the file has no rows"),
        ("recipient,text\n", "the file has no rows"),
        ("recipient,txt\n+39,x\n", "'txt' is no column"),
        ("recipient,text\n+39\n", "line 2 has 1 fields, the header has 2"),
        ("+39333,hello\n", "line 1 has more than a number"),
        ('recipient,text\n+39,"open\n', "line 2 is not CSV"),
    ],
)
def test_a_file_that_is_no_batch_is_refused_with_a_sentence(
    smsgate: Smsgate, tmp_path: Path, content: str, sentence: str
) -> None:
    file = tmp_path / "file"
    file.write_text(content)
    refused = smsgate("batch", str(file))
    assert refused.code == 2
    assert sentence in refused.err


def test_watch_prints_one_event_per_line_and_ends_when_all_are_final(
    smsgate: Smsgate, server: ServerProcess
) -> None:
    with BlockingClient(server.target) as client:
        batch = client.send_batch(_numbers(5), text="Ciao!")
    watched = smsgate("watch", "--batch", batch.batch_id, "--cursor", batch.cursor, "--until-final")
    assert watched.code == 0
    assert [line["to_status"] for line in watched.lines].count("DELIVERED") == 5
    assert all(line["cursor"] for line in watched.lines)
    rest = smsgate(
        *("watch", "--batch", batch.batch_id, "--until-final"),
        *("--cursor", watched.lines[-1]["cursor"]),
    )
    assert (rest.code, rest.out) == (0, "")


def test_watch_ends_with_success_when_its_reader_goes_away(server: ServerProcess) -> None:
    with BlockingClient(server.target) as client:
        client.send(NUMBER, "Ciao!")
    process = _process(server, "watch", "--from-earliest")
    assert process.stdout is not None
    assert process.stderr is not None
    with process:
        assert json.loads(process.stdout.readline())["to_status"] == "NEW"
        process.stdout.close()
        assert process.wait(20) == 0
        assert process.stderr.read() == ""


def test_watch_ends_with_success_on_ctrl_c(server: ServerProcess) -> None:
    with BlockingClient(server.target) as client:
        client.send(NUMBER, "Ciao!")
    process = _process(server, "watch", "--from-earliest")
    assert process.stdout is not None
    with process:
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
        assert (process.returncode, err) == (0, "")


def test_watch_goes_on_over_a_restart_of_the_gateway(server: ServerProcess) -> None:
    label = {"run": new_request_id()}
    with BlockingClient(server.target) as client:
        client.send(NUMBER, "before", labels=label)
        watch = ("watch", "--from-earliest", "--final", "--label", f"run={label['run']}")
        process = _process(server, *watch)
        assert process.stdout is not None
        with process:
            first = json.loads(process.stdout.readline())
            server.kill()
            server.start()
            sent = client.send(NUMBER, "after", labels=label)
            second = json.loads(process.stdout.readline())
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=20)
    assert first["message_id"] != second["message_id"] == sent.message.id
    assert process.returncode == 0
    assert "nothing was missed" in err
    assert "Traceback" not in err


def test_the_version_and_the_help_are_there(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capfd.readouterr().out.startswith("smsgate ")
    for command in ("send", "batch", "estimate", "get", "list", "cancel", "watch"):
        assert run([command, "--help"]) == 0
        assert "Examples:" in capfd.readouterr().out
