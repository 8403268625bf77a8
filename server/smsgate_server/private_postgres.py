"""A PostgreSQL of one's own in a folder, for demonstrations and tests: it listens on no port."""

import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

_USER = "smsgate"
# Debian keeps the programs of each version apart and out of the path.
_DEBIAN = Path("/usr/lib/postgresql")
# Who runs it if this user is root, which PostgreSQL refuses to run as.
_UNPRIVILEGED = ("postgres", "nobody")
_START_SECONDS = 30.0


class NoPostgres(Exception):
    """Why there can be none here, and what to install."""


def programs() -> Path:
    """Where initdb and postgres are."""
    found = shutil.which("initdb")
    if found is not None and shutil.which("postgres") is not None:
        return Path(found).resolve().parent
    versions = sorted(_DEBIAN.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if not versions:
        raise NoPostgres("PostgreSQL is not installed; on Debian: apt install postgresql")
    return versions[-1].parent


class PrivatePostgres:
    """`start` and `stop`; `kill` is a crash. Give it an empty folder with a short path."""

    def __init__(self, folder: Path, settings: Sequence[str] = ()) -> None:
        self._folder = folder
        self._data = folder / "data"
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://{_USER}@/{database}?host={self._folder}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        if not self._data.exists():
            self._make()
        arguments = ["-D", str(self._data), "-k", str(self._folder), "-h", ""]
        for setting in self._settings:
            arguments += ["-c", setting]
        somebody = _somebody()
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(programs() / "postgres"), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                user=somebody and somebody.pw_uid,
                group=somebody and somebody.pw_gid,
            )
        self._wait()

    def stop(self) -> None:
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """All its processes at once, as when the machine fails. It can be started again."""
        if self._process is not None:
            # Each of its processes is a group of its own. Whoever were left would go on writing,
            # beside the server that is started next.
            os.kill(self._process.pid, signal.SIGSTOP)
            all_of_it = [*_children(self._process.pid), self._process.pid]
            for pid in all_of_it:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self._process.wait()
            _until_gone(all_of_it)
            self._process = None
            (self._data / "postmaster.pid").unlink(missing_ok=True)

    def _make(self) -> None:
        somebody = _somebody()
        if somebody is not None:
            self._folder.chmod(0o755)
            os.chown(self._folder, somebody.pw_uid, somebody.pw_gid)
        arguments = ["-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
        subprocess.run(
            [str(programs() / "initdb"), "-D", str(self._data), "-U", _USER, *arguments],
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            cwd=self._folder,
            user=somebody and somebody.pw_uid,
            group=somebody and somebody.pw_gid,
        )

    def _wait(self) -> None:
        until = time.monotonic() + _START_SECONDS
        ready = [str(programs() / "pg_isready"), "-q", "-h", str(self._folder), "-U", _USER]
        while subprocess.run(ready, stdin=subprocess.DEVNULL).returncode:
            if (
                time.monotonic() > until
                or self._process is None
                or self._process.poll() is not None
            ):
                raise NoPostgres(f"PostgreSQL does not start; see {self._folder / 'log'}")
            time.sleep(0.05)

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait()
            self._process = None


def _children(pid: int) -> list[int]:
    """Of a process that does not start others at the moment."""
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    if listed.exists():
        return [int(child) for child in listed.read_text().split()]
    told = subprocess.run(
        ["ps", "-A", "-o", "ppid=,pid="], stdout=subprocess.PIPE, text=True, check=True
    )
    pairs = [line.split() for line in told.stdout.splitlines()]
    return [int(child) for parent, child in pairs if int(parent) == pid]


def _until_gone(pids: list[int]) -> None:
    """Who was sent SIGKILL is still there for a moment."""
    until = time.monotonic() + _START_SECONDS
    while any(_exists(pid) for pid in pids):
        if time.monotonic() > until:
            raise NoPostgres("PostgreSQL does not end")
        time.sleep(0.01)


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _somebody() -> pwd.struct_passwd | None:
    """Whom to run it as, if not as this user."""
    if os.getuid() != 0:
        return None
    for user in _UNPRIVILEGED:
        with suppress(KeyError):
            return pwd.getpwnam(user)
    raise NoPostgres("PostgreSQL does not run as root, and there is no other user for it")
