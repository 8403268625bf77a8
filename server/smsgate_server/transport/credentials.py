"""TLS, with certificates that can be renewed while the server runs."""

import logging
import ssl
from dataclasses import dataclass
from pathlib import Path

import grpc

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files. With `client_ca` callers must show a certificate that it signed (mTLS)."""

    certificate: Path
    key: Path
    client_ca: Path | None = None

    @property
    def all(self) -> list[Path]:
        return [self.certificate, self.key, *([self.client_ca] if self.client_ca else [])]


def check_files(files: TlsFiles) -> None:
    """OSError that says which files are of no use: the library only says that it cannot listen."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(files.certificate, files.key)
    except (ssl.SSLError, OSError) as error:
        raise OSError(
            f"tls_certificate {files.certificate} and tls_key {files.key} make no certificate: "
            f"{error}"
        ) from error
    if files.client_ca is None:
        return
    try:
        context.load_verify_locations(files.client_ca)
    except (ssl.SSLError, OSError) as error:
        raise OSError(f"tls_client_ca {files.client_ca} is of no use: {error}") from error


def server_credentials(files: TlsFiles) -> grpc.ServerCredentials:
    """Credentials that take up changed files at the next handshake; OSError if one is missing.

    Files that are wrong or half written are left alone until they change again: the certificate in
    use stays.
    """
    reloader = _Reloader(files)
    return grpc.dynamic_ssl_server_credentials(
        reloader.first(),
        reloader.fetch,  # type: ignore[arg-type]  # None is documented as "no change"
        require_client_authentication=files.client_ca is not None,
    )


class _Reloader:
    def __init__(self, files: TlsFiles) -> None:
        self._files = files
        self._seen = self._stamp()

    def first(self) -> grpc.ServerCertificateConfiguration:
        return self._read()

    def fetch(self) -> grpc.ServerCertificateConfiguration | None:
        """Called by the library before each handshake; None keeps what is in use."""
        try:
            stamp = self._stamp()
            if stamp == self._seen:
                return None
            fresh = self._read()
        except OSError as error:
            _log.error("cannot read the certificates anew: %s", error)
            return None
        self._seen = stamp
        _log.info("the certificates were read anew")
        return fresh

    def _stamp(self) -> list[tuple[int, int, int]]:
        stats = [path.stat() for path in self._files.all]
        return [(stat.st_mtime_ns, stat.st_size, stat.st_ino) for stat in stats]

    def _read(self) -> grpc.ServerCertificateConfiguration:
        files = self._files
        return grpc.ssl_server_certificate_configuration(
            [(files.key.read_bytes(), files.certificate.read_bytes())],
            root_certificates=files.client_ca.read_bytes() if files.client_ca else None,
        )
