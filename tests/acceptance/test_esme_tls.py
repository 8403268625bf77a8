"""SMPP over TLS to node-smpp: whom we trust, who we are, and what is told when it does not work."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.acceptance.esme_setup import ACCEPTED, GUARD_SECONDS, NodeSmsc, an_esme

_OPENSSL = shutil.which("openssl")
pytestmark = pytest.mark.skipif(
    _OPENSSL is None, reason="the certificates are made with the command openssl, which is missing"
)

HOST = "smsc.example.com"


@dataclass(frozen=True)
class Certificates:
    """One authority, a server and a client of its, and an authority that nobody asked."""

    directory: Path

    def file(self, name: str) -> str:
        return str(self.directory / name)

    def text(self, name: str) -> str:
        return (self.directory / name).read_text()

    @property
    def of_server(self) -> dict[str, Any]:
        return {"key": self.text("server.key"), "cert": self.text("server.pem")}


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    directory = tmp_path_factory.mktemp("certificates")
    for name in ("authority", "stranger"):
        _openssl(directory, "req", "-x509", *_new(name), "-out", f"{name}.pem", "-days", "2")
    (directory / "server.ext").write_text(f"subjectAltName=DNS:{HOST}\n")
    (directory / "client.ext").write_text("subjectAltName=DNS:client\n")
    for name in ("server", "client"):
        _openssl(directory, "req", *_new(name), "-out", f"{name}.csr")
        signer = ("-CA", "authority.pem", "-CAkey", "authority.key", "-CAcreateserial")
        files = ("-in", f"{name}.csr", "-extfile", f"{name}.ext", "-out", f"{name}.pem")
        _openssl(directory, "x509", "-req", *signer, *files, "-days", "2")
    return Certificates(directory)


def _new(name: str) -> tuple[str, ...]:
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    return (*key, "-keyout", f"{name}.key", "-subj", f"/CN={name}")


def _openssl(directory: Path, *arguments: str) -> None:
    assert _OPENSSL is not None
    run = subprocess.run
    made = run([_OPENSSL, *arguments], cwd=directory, capture_output=True, timeout=GUARD_SECONDS)
    assert made.returncode == 0, made.stderr


async def test_a_carrier_that_is_trusted_is_bound_to_over_tls(certificates: Certificates) -> None:
    trust = {"tls": True, "tls_ca": certificates.file("authority.pem"), "tls_server_name": HOST}
    async with NodeSmsc(**certificates.of_server) as smsc, an_esme(smsc, **trust) as esme:
        assert (await esme.submit()).kind is ACCEPTED
        (connected,) = await smsc.happened("connected")
        assert connected["servername"] == HOST
        assert smsc.errors == []


@pytest.mark.parametrize(
    ("trust", "trouble"),
    [
        ({"tls_ca": "stranger.pem", "tls_server_name": HOST}, "its certificate is not trusted"),
        ({"tls_server_name": HOST}, "its certificate is not trusted"),
        ({"tls_ca": "authority.pem", "tls_server_name": "other.example"}, "Hostname mismatch"),
        ({"tls_ca": "authority.pem"}, "IP address mismatch"),
    ],
    ids=["another authority", "no authority", "another name", "the name of the host"],
)
async def test_a_carrier_that_is_not_trusted_is_told_no_password(
    certificates: Certificates, trust: dict[str, str], trouble: str
) -> None:
    if "tls_ca" in trust:
        trust = trust | {"tls_ca": certificates.file(trust["tls_ca"])}
    async with (
        NodeSmsc(**certificates.of_server) as smsc,
        an_esme(smsc, bound=False, tls=True, **trust) as esme,
    ):
        # It is tried again and again, and told once that it does not work.
        await smsc.happened("error", 2)
        assert trouble in esme.carrier.health.trouble
        assert not esme.carrier.able
        assert smsc.pdus == []


async def test_a_carrier_that_wants_a_certificate_is_shown_ours(certificates: Certificates) -> None:
    server = certificates.of_server | {
        "ca": certificates.text("authority.pem"),
        "requestCert": True,
        "rejectUnauthorized": True,
    }
    trust = {"tls": True, "tls_ca": certificates.file("authority.pem"), "tls_server_name": HOST}
    ours = {
        "tls_certificate": certificates.file("client.pem"),
        "tls_key": certificates.file("client.key"),
    }
    async with NodeSmsc(**server) as smsc, an_esme(smsc, **trust, **ours) as esme:
        assert (await esme.submit()).kind is ACCEPTED
        (connected,) = await smsc.happened("connected")
        assert connected["authorized"] is True


async def test_a_carrier_that_wants_a_certificate_and_gets_none_is_not_bound_to(
    certificates: Certificates,
) -> None:
    server = certificates.of_server | {
        "ca": certificates.text("authority.pem"),
        "requestCert": True,
        "rejectUnauthorized": True,
    }
    trust = {"tls": True, "tls_ca": certificates.file("authority.pem"), "tls_server_name": HOST}
    async with NodeSmsc(**server) as smsc, an_esme(smsc, bound=False, **trust) as esme:
        await smsc.happened("error", 2)
        assert not esme.carrier.able
        assert smsc.pdus == []


async def test_a_carrier_that_speaks_no_tls_is_tried_again(certificates: Certificates) -> None:
    trust = {"tls": True, "tls_ca": certificates.file("authority.pem"), "connect_seconds": 0.3}
    async with NodeSmsc() as smsc, an_esme(smsc, bound=False, **trust) as esme:
        await smsc.happened("connected", 2)
        assert not esme.carrier.able
        assert smsc.pdus == []


async def test_a_lost_tls_connection_is_made_anew(certificates: Certificates) -> None:
    trust = {"tls": True, "tls_ca": certificates.file("authority.pem"), "tls_server_name": HOST}
    async with NodeSmsc(**certificates.of_server) as smsc, an_esme(smsc, **trust) as esme:
        await smsc.cut("fin")
        await smsc.heard("bind_transceiver", 2)
        await esme.until_able()
        assert (await esme.submit()).kind is ACCEPTED
