"""One server per database file."""

import fcntl
import os
from pathlib import Path

from smsgate_server.storage.errors import StoreSetupError


class FileLock:
    """Held from `take` until `release` or the end of the process, however it ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    def is_free(self) -> bool:
        """Whether nobody held it just now."""
        try:
            self.take()
        except StoreSetupError:
            return False
        self.release()
        return True

    def take(self) -> None:
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.read(file, 20).decode(errors="replace").strip() or "unknown"
            os.close(file)
            raise StoreSetupError(
                f"another smsgate-server (process {holder}) uses this database; "
                f"stop it, or choose another file with --store"
            ) from None
        os.ftruncate(file, 0)
        os.write(file, str(os.getpid()).encode())
        self._file = file

    def release(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None
