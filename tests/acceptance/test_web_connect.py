"""Buf's own clients against the web: Connect, gRPC-Web and gRPC, nothing of them written here."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.acceptance.console import ROOT
from tests.acceptance.web_setup import WebProcess

pytestmark = pytest.mark.slow

_NODE = shutil.which("node")
_MODULES = ROOT / ".cache" / "node_connect" / "node_modules"
_PROGRAM = ROOT / "tests" / "peers" / "node_connect" / "caller.js"
_CONTRACT = ROOT / "generated" / "smsgate.binpb"
_SECONDS = 120.0
# With Node's own HTTP, on fetch as in browsers, and over gRPC as the measure.
_WAYS = [
    "Connect, binary",
    "Connect, JSON",
    "gRPC-Web",
    "Connect, binary, fetch",
    "Connect, JSON, fetch",
    "gRPC-Web, fetch",
    "gRPC",
]


def test_every_way_of_bufs_clients_sees_the_same(tmp_path: Path) -> None:
    if _NODE is None:
        pytest.skip("the caller runs on Node, and there is no command node")
    if not (_MODULES / "@connectrpc" / "connect-web").is_dir():
        pytest.skip("the caller needs Buf's clients, which .ci/run installs")
    with WebProcess(tmp_path / "messages.db") as server:
        done = subprocess.run(
            [_NODE, _PROGRAM, _CONTRACT, server.web.rstrip("/"), f"http://{server.target}"],
            env=os.environ | {"NODE_PATH": str(_MODULES)},
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    assert [json.loads(line) for line in done.stdout.splitlines()] == [
        {
            "way": way,
            "text": f"Ciao, {way}!",
            "followed": ["PENDING", "DELIVERED"],
            # Of the second message only, and from its beginning.
            "resumed": [[True, "NEW"], [True, "PENDING"], [True, "DELIVERED"]],
            "refused": ["InvalidArgument", "RECIPIENT_NOT_E164", ["recipient", "text"]],
            "unknown": ["NotFound", "MESSAGE_NOT_FOUND", []],
            "refusedStream": ["InvalidArgument", "CURSOR_INVALID", ["cursor"]],
        }
        for way in _WAYS
    ]
