"""docs/grpcurl.md: every command of it, against real servers."""

import asyncio
import os
import shutil
from pathlib import Path

import grpc
import pytest
from tests.acceptance.accounts_setup import ALL_BUT_ADMIN, Operator
from tests.acceptance.certificates import authority_in, needs_openssl, signed_in
from tests.acceptance.console import ROOT, check
from tests.acceptance.server_process import ServerProcess
from tests.acceptance.test_tools import needs_grpcurl

_PAGE = ROOT / "docs" / "grpcurl.md"


@needs_grpcurl
@needs_openssl
@pytest.mark.skipif(shutil.which("bash") is None, reason="the commands are for bash")
def test_every_command_prints_what_the_page_says(tmp_path: Path) -> None:
    authority_in(tmp_path, "ca")
    signed_in(tmp_path, "server", "ca")
    signed_in(tmp_path, "client", "ca")
    tls = {
        "SMSGATE_TLS_CERTIFICATE": str(tmp_path / "server.pem"),
        "SMSGATE_TLS_KEY": str(tmp_path / "server.key"),
    }
    mutual = tls | {"SMSGATE_TLS_CLIENT_CA": str(tmp_path / "ca.pem")}
    path = os.pathsep.join([str(ROOT / ".cache" / "bin"), os.environ["PATH"]])
    with (
        ServerProcess("memory:") as server,
        ServerProcess("memory:", environment=tls) as guarded,
        ServerProcess("memory:", environment=mutual) as mutually,
    ):
        secret = asyncio.run(_key(guarded.target, (tmp_path / "ca.pem").read_bytes()))
        replaced = {
            "127.0.0.1:50051": server.target,
            "sms.example.com:443": guarded.target,
            "mtls.example.com:443": mutually.target,
            "client.pem": str(tmp_path / "client.pem"),
            "client.key": str(tmp_path / "client.key"),
            " ca.pem": f" {tmp_path / 'ca.pem'}",
        }
        assert check(_PAGE, replaced, {"PATH": path, "SMSGATE_API_KEY": secret}) >= 29


async def _key(target: str, authority: bytes) -> str:
    credentials = grpc.ssl_channel_credentials(authority)
    async with grpc.aio.secure_channel(target, credentials) as channel:
        operator = await Operator.of(channel)
        return (await operator.tenant("shop", *ALL_BUT_ADMIN)).secret
