"""Two clients that know nothing of this project but what the server or the descriptor set tells
them: grpcurl and buf curl.
"""

import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo
from tests.acceptance.server_process import ServerProcess

_ROOT = Path(__file__).parents[2]
_PROTOSET = _ROOT / "generated" / "smsgate.binpb"
_SERVICE = "smsgate.v1.MessageService"
_NUMBER = "+393331234567"
_SECONDS = 30.0


def _found(name: str) -> str | None:
    beside_python = str(Path(sys.executable).parent)
    places = os.pathsep.join((str(_ROOT / ".cache" / "bin"), beside_python, os.environ["PATH"]))
    return shutil.which(name, path=places)


_GRPCURL = _found("grpcurl")
_BUF = _found("buf")

needs_grpcurl = pytest.mark.skipif(
    _GRPCURL is None, reason="grpcurl is not installed: go install it, or see .ci/run"
)
needs_buf = pytest.mark.skipif(_BUF is None, reason="buf is not installed: make setup installs it")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with ServerProcess(tmp_path_factory.mktemp("tools") / "messages.db") as running:
        yield running


def _run(command: Sequence[str | None]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
        stdin=subprocess.DEVNULL,
    )


class Grpcurl:
    """grpcurl, learning the contract from the server or, with `source`, from a file."""

    def __init__(self, target: str, source: Sequence[str] = ()) -> None:
        self._start = [_GRPCURL, "-plaintext", *source]
        self._target = target

    def ask(self, *words: str, options: Sequence[str] = ()) -> str:
        done = _run([*self._start, *options, self._target, *words])
        assert done.returncode == 0, done.stderr
        return done.stdout

    def call(self, rpc: str, request: dict[str, Any]) -> list[Any]:
        answer = self.ask(f"{_SERVICE}/{rpc}", options=["-d", json.dumps(request)])
        return _documents(answer)

    def refused(self, rpc: str, request: dict[str, Any]) -> str:
        options = ["-d", json.dumps(request)]
        done = _run([*self._start, *options, self._target, f"{_SERVICE}/{rpc}"])
        assert done.returncode != 0
        return done.stderr


def _documents(text: str) -> list[Any]:
    decoder, found, at = json.JSONDecoder(), [], 0
    text = text.strip()
    while at < len(text):
        value, at = decoder.raw_decode(text, at)
        found.append(value)
        while at < len(text) and text[at].isspace():
            at += 1
    return found


@pytest.fixture(params=["reflection", "protoset"])
def grpcurl(request: pytest.FixtureRequest, server: ServerProcess) -> Grpcurl:
    source = ["-protoset", str(_PROTOSET)] if request.param == "protoset" else []
    return Grpcurl(server.target, source)


_WRONG = {"recipient": "39 333", "text": "a\u0007", "sender": "!"}
_FOLLOW = {"fromEarliest": True, "endWhenAllTerminal": True}


@needs_grpcurl
def test_grpcurl_lists_and_describes_the_services(grpcurl: Grpcurl) -> None:
    services = grpcurl.ask("list").split()
    assert {
        f"smsgate.v1.{name}Service" for name in ("Message", "OTP", "Pricing", "Usage", "Account")
    } <= set(services)
    assert f"{_SERVICE}.SendMessage" in grpcurl.ask("list", _SERVICE).split()
    described = grpcurl.ask("describe", f"{_SERVICE}.StreamStatus")
    assert "returns ( stream .smsgate.v1.StreamStatusResponse )" in described
    assert "string recipient = 2" in grpcurl.ask("describe", "smsgate.v1.SendMessageRequest")


@needs_grpcurl
def test_grpcurl_sees_the_tools_of_the_server(server: ServerProcess) -> None:
    listed = set(Grpcurl(server.target).ask("list").split())
    assert {
        "grpc.health.v1.Health",
        "grpc.channelz.v1.Channelz",
        "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection",
    } <= listed


@needs_grpcurl
def test_grpcurl_sends_gets_and_follows_to_the_end(grpcurl: Grpcurl) -> None:
    [sent] = grpcurl.call("SendMessage", {"recipient": _NUMBER, "text": "Ciao! 日本"})
    message = sent["message"]
    assert message["status"] == "MESSAGE_STATUS_NEW"
    assert message["text"] == "Ciao! 日本"
    [found] = grpcurl.call("GetMessage", {"id": message["id"], "includeHistory": True})
    assert found["history"][0]["toStatus"] == "MESSAGE_STATUS_NEW"
    # It ends by itself, so that its output can be piped.
    responses = grpcurl.call("StreamStatus", _FOLLOW | {"filter": {"messageIds": [message["id"]]}})
    assert "opened" in responses[0]
    assert responses[-1]["end"]["reason"] == "REASON_ALL_TERMINAL"
    statuses = [event["toStatus"] for r in responses for event in r.get("events", [])]
    assert statuses[-1] == "MESSAGE_STATUS_DELIVERED"


@needs_grpcurl
def test_grpcurl_shows_a_refusal_with_all_its_details(grpcurl: Grpcurl) -> None:
    shown = grpcurl.refused("SendMessage", _WRONG)
    assert "InvalidArgument" in shown
    for word in (
        *("google.rpc.ErrorInfo", "google.rpc.BadRequest", '"domain": "smsgate"'),
        *("RECIPIENT_NOT_E164", "INVALID_TEXT", "INVALID_SENDER"),
        *('"recipient"', '"text"', '"sender"'),
    ):
        assert word in shown, shown
    shown = grpcurl.refused("GetMessage", {"id": "unknown"})
    assert "NotFound" in shown
    assert "MESSAGE_NOT_FOUND" in shown


class BufCurl:
    """buf curl over gRPC, learning the contract from the server's reflection."""

    def __init__(self, target: str, source: Sequence[str]) -> None:
        self._target = target
        self._start = [_BUF, "curl", "--protocol", "grpc", "--http2-prior-knowledge", *source]

    def run(self, rpc: str, request: dict[str, Any]) -> subprocess.CompletedProcess[str]:
        url = f"http://{self._target}/{_SERVICE}/{rpc}"
        return _run([*self._start, "--data", json.dumps(request), url])

    def call(self, rpc: str, request: dict[str, Any]) -> list[Any]:
        done = self.run(rpc, request)
        assert done.returncode == 0, done.stderr
        return _documents(done.stdout)


def _decoded(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4))


@pytest.fixture(params=["grpc-v1", "grpc-v1alpha", "schema"])
def buf_curl(request: pytest.FixtureRequest, server: ServerProcess) -> BufCurl:
    if request.param == "schema":
        return BufCurl(server.target, ["--schema", str(_PROTOSET)])
    return BufCurl(server.target, ["--reflect-protocol", request.param])


@needs_buf
def test_buf_curl_sends_gets_and_follows_to_the_end(buf_curl: BufCurl) -> None:
    [sent] = buf_curl.call("SendMessage", {"recipient": _NUMBER, "text": "Ciao!"})
    message_id = sent["message"]["id"]
    [found] = buf_curl.call("GetMessage", {"id": message_id})
    assert found["message"]["id"] == message_id
    responses = buf_curl.call("StreamStatus", _FOLLOW | {"filter": {"messageIds": [message_id]}})
    assert responses[-1]["end"]["reason"] == "REASON_ALL_TERMINAL"


@needs_buf
def test_buf_curl_shows_a_refusal_with_all_its_details(buf_curl: BufCurl) -> None:
    done = buf_curl.run("SendMessage", _WRONG)
    assert done.returncode != 0
    shown = json.loads(done.stderr)
    assert shown["code"] == "invalid_argument"
    # buf shows the types, and their contents in base64.
    details = {detail["type"]: _decoded(detail["value"]) for detail in shown["details"]}
    assert ErrorInfo.FromString(details["google.rpc.ErrorInfo"]).domain == "smsgate"
    violations = BadRequest.FromString(details["google.rpc.BadRequest"]).field_violations
    assert {violation.field: violation.reason for violation in violations} == {
        "recipient": "RECIPIENT_NOT_E164",
        "text": "INVALID_TEXT",
        "sender": "INVALID_SENDER",
    }


@needs_buf
def test_buf_curl_lists_the_methods(server: ServerProcess) -> None:
    done = _run(
        [
            *(_BUF, "curl", "--protocol", "grpc", "--http2-prior-knowledge", "--list-methods"),
            *("--reflect-protocol", "grpc-v1", f"http://{server.target}"),
        ]
    )
    assert done.returncode == 0, done.stderr
    assert f"{_SERVICE}/StreamStatus" in done.stdout
