"""Certificates in the form that Envoy reads again when a file is replaced (SDS).

https://www.envoyproxy.io/docs/envoy/latest/configuration/security/secret
"""

import asyncio
import base64
import json
import logging
import os
from pathlib import Path
from typing import Any

from smsgate_server.transport.credentials import TlsFiles, check_files

_log = logging.getLogger(__name__)
_SECRET = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret"
_LOOK_SECONDS = 1.0


class Secrets:
    """Files for Envoy in a folder of ours; OSError if those of the operator are of no use."""

    def __init__(self, files: TlsFiles, folder: Path) -> None:
        self._files = files
        self.server = folder / "server.json"
        self.callers = None if files.client_ca is None else folder / "callers.json"
        check_files(files)
        self._seen = self._stamp()
        self._write()

    async def keep(self) -> None:
        """Take up what changes, until cancelled. What is wrong or half written is left alone."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            try:
                stamp = self._stamp()
                if stamp != self._seen:
                    check_files(self._files)
                    self._write()
                    self._seen = stamp
                    _log.info("the certificates were read anew")
            except OSError as error:
                _log.error("cannot read the certificates anew: %s", error)

    def _stamp(self) -> list[tuple[int, int, int]]:
        stats = [path.stat() for path in self._files.all]
        return [(stat.st_mtime_ns, stat.st_size, stat.st_ino) for stat in stats]

    def _write(self) -> None:
        files = self._files
        certificate = {
            "certificate_chain": _inline(files.certificate),
            "private_key": _inline(files.key),
        }
        _replace(self.server, {"tls_certificate": certificate})
        if self.callers is not None and files.client_ca is not None:
            trusted = {"trusted_ca": _inline(files.client_ca)}
            _replace(self.callers, {"validation_context": trusted})


def _inline(file: Path) -> dict[str, str]:
    return {"inline_bytes": base64.b64encode(file.read_bytes()).decode()}


def _replace(file: Path, secret: dict[str, Any]) -> None:
    """In one step, which is what Envoy watches for."""
    resource = {"@type": _SECRET, "name": file.stem} | secret
    fresh = file.with_suffix(".new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        json.dump({"resources": [resource]}, out)
    fresh.replace(file)
