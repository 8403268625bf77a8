"""TLS with the certificates of gRPC, taken up when they are renewed."""

import logging
import ssl
from typing import Any

from smsgate_server.transport.credentials import TlsFiles, check_files

_log = logging.getLogger(__name__)


def tls_context(files: TlsFiles) -> ssl.SSLContext:
    """A context that looks for changed files at each handshake; OSError if one is of no use."""
    check_files(files)
    return _Renewing(files).outer


class _Renewing:
    def __init__(self, files: TlsFiles) -> None:
        self._files = files
        self._seen = self._stamp()
        self._present = self._made()
        self.outer = self._made()
        self.outer.sni_callback = self._choose

    def _choose(self, connection: ssl.SSLObject, name: str | None, context: Any) -> None:
        """Called by the library at each handshake, with or without a server name."""
        try:
            stamp = self._stamp()
            if stamp != self._seen:
                check_files(self._files)
                self._present = self._made()
                self._seen = stamp
                _log.info("the certificates were read anew")
        except (OSError, ssl.SSLError) as error:
            # Wrong or half written: the certificate in use stays until they change again.
            _log.error("cannot read the certificates anew: %s", error)
        connection.context = self._present

    def _stamp(self) -> list[tuple[int, int, int]]:
        stats = [path.stat() for path in self._files.all]
        return [(stat.st_mtime_ns, stat.st_size, stat.st_ino) for stat in stats]

    def _made(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._files.certificate, self._files.key)
        context.set_alpn_protocols(["http/1.1"])
        if self._files.client_ca is not None:
            context.load_verify_locations(self._files.client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
        return context
