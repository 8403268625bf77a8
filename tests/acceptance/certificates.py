"""Certificates for tests, made with openssl."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.acceptance.reading import GUARD_SECONDS

_OPENSSL = shutil.which("openssl")
needs_openssl = pytest.mark.skipif(
    _OPENSSL is None, reason="the certificates are made with the command openssl, which is missing"
)


@dataclass(frozen=True)
class Pair:
    """A certificate and its key, as PEM."""

    certificate: bytes
    key: bytes


def _openssl(*arguments: str, directory: Path) -> None:
    assert _OPENSSL is not None
    done = subprocess.run(
        [_OPENSSL, *arguments],
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=GUARD_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr


_NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


def authority_in(directory: Path, name: str) -> Pair:
    files = ("-keyout", f"{name}.key", "-out", f"{name}.pem", "-days", "2")
    _openssl("req", "-x509", *_NEW_KEY, *files, "-subj", f"/CN={name}", directory=directory)
    return _pair(directory, name)


def signed_in(
    directory: Path,
    name: str,
    authority: str,
    host: str = "localhost",
    address: str = "127.0.0.1",
    days: int = 2,
) -> Pair:
    """A certificate for a host, on 127.0.0.1 too, that an authority has signed. That of 0 days has
    expired a second later.
    """
    files = ("-keyout", f"{name}.key", "-out", f"{name}.csr")
    _openssl("req", *_NEW_KEY, *files, "-subj", f"/CN={name}", directory=directory)
    (directory / f"{name}.ext").write_text(f"subjectAltName=DNS:{host},IP:{address}\n")
    signer = ("-CA", f"{authority}.pem", "-CAkey", f"{authority}.key", "-CAcreateserial")
    made = (
        "-in",
        f"{name}.csr",
        "-out",
        f"{name}.pem",
        "-extfile",
        f"{name}.ext",
        "-days",
        str(days),
    )
    _openssl("x509", "-req", *signer, *made, "-extfile", f"{name}.ext", directory=directory)
    return _pair(directory, name)


def _pair(directory: Path, name: str) -> Pair:
    return Pair((directory / f"{name}.pem").read_bytes(), (directory / f"{name}.key").read_bytes())
