"""TLS: who gets through, certificates that change while the server runs, and addresses that other
machines reach.
"""

import asyncio
import re
import socket
import ssl
import warnings
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
from tests.acceptance.accounts_setup import (
    READ,
    Caller,
    Operator,
    ask,
    at_desk,
    bearer,
    database_of,
)
from tests.acceptance.certificates import Pair, authority_in, needs_openssl, signed_in
from tests.acceptance.conftest import Gateway, StartGateway
from tests.acceptance.reading import GUARD_SECONDS, Stream, next_response, opened, refused
from tests.acceptance.test_server_life import start_refused

from smsgate.v1 import message_service_pb2 as pb
from smsgate_server.app import NotReachableSafely
from smsgate_server.config import ConfigError, load

pytestmark = needs_openssl

_RPC = "MessageService/ListMessages"


# Certificates


@dataclass(frozen=True)
class Certificates:
    """Two servers and a client of one authority, and a client of another."""

    authority: Pair
    server: Pair
    renewed: Pair
    client: Pair
    stranger: Pair
    other_authority: Pair


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    directory = tmp_path_factory.mktemp("certificates")
    authority = authority_in(directory, "authority")
    other = authority_in(directory, "other")
    return Certificates(
        authority=authority,
        server=signed_in(directory, "server", "authority"),
        renewed=signed_in(directory, "renewed", "authority"),
        client=signed_in(directory, "client", "authority"),
        stranger=signed_in(directory, "stranger", "other"),
        other_authority=other,
    )


@dataclass(frozen=True)
class Files:
    """Where the server reads its certificate from."""

    directory: Path

    @property
    def certificate(self) -> Path:
        return self.directory / "server.pem"

    @property
    def key(self) -> Path:
        return self.directory / "server.key"

    @property
    def client_ca(self) -> Path:
        return self.directory / "clients.pem"

    def put(self, pair: Pair) -> None:
        """As tools that renew certificates do: the new file takes the place of the old at once."""
        self.replace(self.key, pair.key)
        self.replace(self.certificate, pair.certificate)

    def replace(self, path: Path, content: bytes) -> None:
        fresh = path.with_name(f"{path.name}.new")
        fresh.write_bytes(content)
        fresh.replace(path)

    @property
    def settings(self) -> dict[str, str]:
        return {"tls_certificate": str(self.certificate), "tls_key": str(self.key)}


@pytest.fixture
def files(tmp_path: Path, certificates: Certificates) -> Files:
    made = Files(tmp_path / "tls")
    made.directory.mkdir()
    made.put(certificates.server)
    return made


# Clients


@asynccontextmanager
async def channel_to(
    gateway: Gateway, root: bytes, client: Pair | None = None
) -> AsyncIterator[grpc.aio.Channel]:
    credentials = grpc.ssl_channel_credentials(
        root, client.key if client else None, client.certificate if client else None
    )
    target = f"localhost:{gateway.app.port}"
    async with grpc.aio.secure_channel(target, credentials) as channel:
        yield channel


async def unavailable(channel: grpc.aio.Channel) -> None:
    """No call comes through: nobody answers whom this channel can talk to."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        async with asyncio.timeout(GUARD_SECONDS):
            await ask(channel, _RPC)
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    # Not a word of the server: the refusal comes from the client's own library.
    assert "grpc-status-details-bin" not in dict(caught.value.trailing_metadata() or ())


def _shown(port: int) -> bytes:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    with (
        socket.create_connection(("127.0.0.1", port), GUARD_SECONDS) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as secured,
    ):
        certificate = secured.getpeercert(binary_form=True)
    assert certificate is not None
    return certificate


async def shown_to_new_connections(gateway: Gateway) -> bytes:
    """The certificate that a new connection is shown, as DER."""
    return await asyncio.to_thread(_shown, gateway.app.port)


def der(pair: Pair) -> bytes:
    return ssl.PEM_cert_to_DER_cert(pair.certificate.decode())


# Who gets through


async def test_calls_go_through_tls(
    start_gateway: StartGateway, files: Files, certificates: Certificates
) -> None:
    gateway = await start_gateway(**files.settings)
    async with channel_to(gateway, certificates.authority.certificate) as channel:
        caller = await (await Operator.of(channel)).tenant("acme")
        request = pb.SendMessageRequest(recipient="+393331234567", text="a")
        sent = await caller.messages.SendMessage(request)
        stream = caller.messages.StreamStatus(pb.StreamStatusRequest(from_earliest=True))
        await opened(stream)
        response = await next_response(stream)
        assert response.events[0].message_id == sent.message.id
        stream.cancel()
        assert (await refused(ask(channel, _RPC))).reason == "API_KEY_REQUIRED"


async def test_a_client_without_tls_does_not_get_through(
    start_gateway: StartGateway, files: Files
) -> None:
    gateway = await start_gateway(**files.settings)
    async with grpc.aio.insecure_channel(gateway.target) as channel:
        await unavailable(channel)


async def test_a_client_that_trusts_another_authority_does_not_talk_to_the_server(
    start_gateway: StartGateway, files: Files, certificates: Certificates
) -> None:
    gateway = await start_gateway(**files.settings)
    async with channel_to(gateway, certificates.other_authority.certificate) as channel:
        await unavailable(channel)


async def test_a_client_with_tls_does_not_talk_to_a_server_without(
    start_gateway: StartGateway, certificates: Certificates
) -> None:
    gateway = await start_gateway()
    async with channel_to(gateway, certificates.authority.certificate) as channel:
        await unavailable(channel)


async def test_only_versions_of_tls_are_spoken_that_are_not_broken(
    start_gateway: StartGateway, files: Files
) -> None:
    gateway = await start_gateway(**files.settings)
    spoken = [
        version
        for version in (
            *(ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1),
            *(ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3),
        )
        if await asyncio.to_thread(_speaks, gateway.app.port, version)
    ]
    assert spoken == [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


def _speaks(port: int, version: ssl.TLSVersion) -> bool:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.set_alpn_protocols(["h2"])
    with warnings.catch_warnings():
        # That the old versions are deprecated is the point.
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = version
    try:
        with (
            socket.create_connection(("127.0.0.1", port), GUARD_SECONDS) as plain,
            context.wrap_socket(plain, server_hostname="localhost"),
        ):
            return True
    except (ssl.SSLError, ConnectionError):
        return False


# Clients that must show who they are


@pytest.fixture
def mtls(files: Files, certificates: Certificates) -> dict[str, str]:
    files.replace(files.client_ca, certificates.authority.certificate)
    return files.settings | {"tls_client_ca": str(files.client_ca)}


async def test_with_mtls_only_a_client_with_a_certificate_of_the_authority_gets_through(
    start_gateway: StartGateway, mtls: Mapping[str, str], certificates: Certificates
) -> None:
    gateway = await start_gateway(**mtls)
    root = certificates.authority.certificate
    async with channel_to(gateway, root) as channel:
        await unavailable(channel)
    async with channel_to(gateway, root, certificates.stranger) as channel:
        await unavailable(channel)
    async with channel_to(gateway, root, certificates.client) as channel:
        await ask(channel, _RPC)


async def test_a_certificate_is_no_key(
    start_gateway: StartGateway, mtls: Mapping[str, str], certificates: Certificates
) -> None:
    gateway = await start_gateway(**mtls)
    root = certificates.authority.certificate
    async with channel_to(gateway, root, certificates.client) as channel:
        caller = await (await Operator.of(channel)).tenant("acme", READ)
        assert (await refused(ask(channel, _RPC))).reason == "API_KEY_REQUIRED"
        assert (await refused(ask(channel, _RPC, None, bearer("garbage")))).reason == (
            "API_KEY_INVALID"
        )
        await caller.ask(_RPC)


async def test_another_authority_for_clients_is_taken_up_while_the_server_runs(
    start_gateway: StartGateway,
    mtls: Mapping[str, str],
    files: Files,
    certificates: Certificates,
) -> None:
    gateway = await start_gateway(**mtls)
    root = certificates.authority.certificate
    async with channel_to(gateway, root, certificates.client) as channel:
        await ask(channel, _RPC)
    files.replace(files.client_ca, certificates.other_authority.certificate)
    async with channel_to(gateway, root, certificates.stranger) as channel:
        await ask(channel, _RPC)
    async with channel_to(gateway, root, certificates.client) as channel:
        await unavailable(channel)


# Certificates that change


async def test_a_new_certificate_is_shown_to_new_connections_and_old_ones_stay(
    start_gateway: StartGateway, files: Files, certificates: Certificates
) -> None:
    gateway = await start_gateway(**files.settings)
    root = certificates.authority.certificate
    assert await shown_to_new_connections(gateway) == der(certificates.server)
    async with channel_to(gateway, root) as old:
        stream: Stream = Caller(old).messages.StreamStatus(pb.StreamStatusRequest())
        await opened(stream)
        files.put(certificates.renewed)
        assert await shown_to_new_connections(gateway) == der(certificates.renewed)
        # What was open goes on, on the connection that it had.
        request = pb.SendMessageRequest(recipient="+393331234567", text="a")
        sent = await Caller(old).messages.SendMessage(request)
        assert (await next_response(stream)).events[0].message_id == sent.message.id
        stream.cancel()
    async with channel_to(gateway, root) as new:
        await ask(new, _RPC)


def _half(content: bytes) -> bytes:
    return content[: len(content) // 2]


# What stands in the files while a certificate is being renewed, or after it went wrong.
_BROKEN: dict[str, Callable[[Certificates], tuple[bytes, bytes]]] = {
    "an empty certificate": lambda c: (b"", c.renewed.key),
    "an empty key": lambda c: (c.renewed.certificate, b""),
    "half a certificate": lambda c: (_half(c.renewed.certificate), c.renewed.key),
    "half a key": lambda c: (c.renewed.certificate, _half(c.renewed.key)),
    "the new certificate and the old key": lambda c: (c.renewed.certificate, c.server.key),
    "the old certificate and the new key": lambda c: (c.server.certificate, c.renewed.key),
    "garbage": lambda c: (b"garbage\n" * 100, b"garbage\n" * 100),
    "one for the other": lambda c: (c.renewed.key, c.renewed.certificate),
}


@pytest.mark.parametrize("broken", _BROKEN)
async def test_files_that_do_not_make_a_certificate_leave_the_old_one_until_they_do(
    start_gateway: StartGateway, files: Files, certificates: Certificates, broken: str
) -> None:
    gateway = await start_gateway(**files.settings)
    assert await shown_to_new_connections(gateway) == der(certificates.server)
    certificate, key = _BROKEN[broken](certificates)
    # Written in place, as somebody does who copies files by hand.
    files.certificate.write_bytes(certificate)
    files.key.write_bytes(key)
    for _ in range(2):
        assert await shown_to_new_connections(gateway) == der(certificates.server)
    async with channel_to(gateway, certificates.authority.certificate) as channel:
        await ask(channel, _RPC)
    files.put(certificates.renewed)
    assert await shown_to_new_connections(gateway) == der(certificates.renewed)


async def test_files_that_are_missing_leave_the_old_certificate_until_they_are_back(
    start_gateway: StartGateway, files: Files, certificates: Certificates
) -> None:
    gateway = await start_gateway(**files.settings)
    files.certificate.unlink()
    assert await shown_to_new_connections(gateway) == der(certificates.server)
    files.key.unlink()
    assert await shown_to_new_connections(gateway) == der(certificates.server)
    files.put(certificates.renewed)
    assert await shown_to_new_connections(gateway) == der(certificates.renewed)


@pytest.mark.parametrize(
    "broken", ["an empty certificate", "half a key", "the new certificate and the old key"]
)
async def test_it_does_not_start_with_files_that_make_no_certificate(
    start_gateway: StartGateway, files: Files, certificates: Certificates, broken: str
) -> None:
    certificate, key = _BROKEN[broken](certificates)
    files.certificate.write_bytes(certificate)
    files.key.write_bytes(key)
    # An operator reads this: it must not send him to look for another server on the port.
    with pytest.raises(Exception, match=rf"tls_certificate|{re.escape(str(files.directory))}"):
        await start_gateway(**files.settings)


async def test_it_does_not_start_without_the_files(
    start_gateway: StartGateway, files: Files
) -> None:
    files.key.unlink()
    with pytest.raises(OSError, match=r"server\.key"):
        await start_gateway(**files.settings)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"tls_certificate": "a.pem"}, "tls_certificate and tls_key are needed together"),
        ({"tls_key": "a.key"}, "tls_certificate and tls_key are needed together"),
        ({"tls_client_ca": "a.pem"}, "tls_client_ca needs tls_certificate and tls_key"),
    ],
)
def test_half_of_the_settings_is_a_clear_error(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        load(None, settings, {})


# Addresses that other machines reach

_NOT_ENCRYPTED = (
    "can be reached from other machines, and calls are not encrypted; set tls_certificate and "
    "tls_key, listen on 127.0.0.1, or say that you want it so with allow_remote"
)
_NO_KEY_YET = (
    "can be reached from other machines, and there is no API key yet; make one with "
    "`smsgate-server accounts create-key`, or say that you want it so with allow_remote"
)
_EVERYWHERE = "0.0.0.0:0"


def test_without_tls_it_tells_why_it_does_not_serve_other_machines(tmp_path: Path) -> None:
    store = ["--store", f"sqlite:{tmp_path / 'messages.db'}"]
    ended = start_refused(["--listen", _EVERYWHERE, *store])
    assert ended.errors == f"smsgate-server: listen: {_EVERYWHERE} {_NOT_ENCRYPTED}"


def test_with_tls_and_without_keys_it_tells_why_it_does_not_serve_other_machines(
    tmp_path: Path, files: Files
) -> None:
    store = ["--store", f"sqlite:{tmp_path / 'messages.db'}"]
    environment = {f"SMSGATE_{name.upper()}": path for name, path in files.settings.items()}
    ended = start_refused(["--listen", _EVERYWHERE, *store], environment)
    assert ended.errors == f"smsgate-server: listen: {_EVERYWHERE} {_NO_KEY_YET}"


@pytest.mark.parametrize(
    "address",
    [
        *("0.0.0.0:0", "[::]:0", "192.0.2.1:0", "example.com:0", "*:0", "127.0.0.1.example.com:0"),
        *("[::ffff:192.0.2.1]:0", "128.0.0.1:0", "localhost.example.com:0", "unix:/tmp/socket:0"),
    ],
)
async def test_every_address_that_is_not_plainly_loopback_is_refused(
    start_gateway: StartGateway, files: Files, address: str
) -> None:
    with pytest.raises(ConfigError, match="allow_remote"):
        await start_gateway(listen=address)
    with pytest.raises(NotReachableSafely, match="allow_remote"):
        await start_gateway(listen=address, **files.settings)


@pytest.mark.parametrize("address", ["127.0.0.1:0", "127.8.8.8:0", "localhost:0", "[::1]:0"])
def test_loopback_addresses_are_served_without_more(address: str) -> None:
    assert load(None, {"listen": address}, {}).loopback


async def test_keys_alone_do_not_open_it_to_other_machines(
    start_gateway: StartGateway, tmp_path: Path, files: Files
) -> None:
    store = f"sqlite:{tmp_path / 'kept.db'}"
    gateway = await start_gateway(store=store)
    await Operator.at(gateway)
    await gateway.stop()
    with pytest.raises(ConfigError, match="are not encrypted"):
        await start_gateway(store=store, listen=_EVERYWHERE)


async def test_with_tls_and_a_key_it_serves_other_machines_to_those_with_keys(
    start_gateway: StartGateway, tmp_path: Path, files: Files, certificates: Certificates
) -> None:
    store = f"sqlite:{tmp_path / 'kept.db'}"
    local = await start_gateway(store=store)
    operator = await Operator.at(local)
    secret = operator.caller.secret
    await local.stop()
    gateway = await start_gateway(store=store, listen=_EVERYWHERE, **files.settings)
    async with channel_to(gateway, certificates.authority.certificate) as channel:
        assert (await refused(ask(channel, _RPC))).reason == "API_KEY_REQUIRED"
        shown = await Caller(channel, secret).ask("AccountService/GetAccount")
        assert shown.account.id == "local"
        # Though none is left that may call, it does not run open.
        operator = Operator(Caller(channel, secret, operator.caller.key_id))
        await operator.revoke(operator.caller.key_id)
        assert (await refused(ask(channel, _RPC))).reason == "API_KEY_REQUIRED"


async def test_a_key_made_on_the_command_line_lets_it_serve_other_machines(
    start_gateway: StartGateway, tmp_path: Path, files: Files, certificates: Certificates
) -> None:
    store = f"sqlite:{tmp_path / 'kept.db'}"
    with pytest.raises(NotReachableSafely):
        await start_gateway(store=store, listen=_EVERYWHERE, **files.settings)
    # What the sentence tells to do works: the refused start has left a database behind.
    made = await at_desk(tmp_path / "kept.db", "create-key", "local", "--scope", "read")
    gateway = await start_gateway(store=store, listen=_EVERYWHERE, **files.settings)
    assert database_of(gateway) == tmp_path / "kept.db"
    async with channel_to(gateway, certificates.authority.certificate) as channel:
        await Caller(channel, made.stdout.strip()).ask(_RPC)


async def test_with_allow_remote_it_runs_open_until_there_is_a_key(
    start_gateway: StartGateway,
) -> None:
    gateway = await start_gateway(listen=_EVERYWHERE, allow_remote=True)
    await ask(gateway.channel, _RPC)
    operator = await Operator.at(gateway)
    assert (await refused(ask(gateway.channel, _RPC))).reason == "API_KEY_REQUIRED"
    await operator.caller.ask("AccountService/GetAccount")
