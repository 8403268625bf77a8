"""The keys that codes derive from: in a file or the environment, never in the database."""

import logging
import os
from base64 import b64encode
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from smsgate_server.domain.otp_codes import OtpKeys

_log = logging.getLogger(__name__)

_KEY_BYTES = 32
# How many keys a rotation leaves: enough for one a minute and codes that live ten.
_KEPT_KEYS = 12
_HEADER = (
    "# Keys of one-time passwords. The first makes new codes; keep the file secret, outside the\n"
    "# database. An old key may go once the codes made with it have ended: after ten minutes.\n"
)


class OtpKeyError(Exception):
    """What is wrong with the keys, for the operator."""


def load_keys(
    path: Path | None, text: str, entropy: Callable[[int], bytes], shared: bool = False
) -> OtpKeys:
    """The keys of `text` if there are any, else of the file; without either, keys that end with the
    process.

    A file that is missing is made, unless the codes are `shared`: servers with keys of their own
    would refuse each other's codes.
    """
    if text:
        return _parse(text.replace(",", "\n"), "the setting otp_keys")
    if shared and (path is None or not path.exists()):
        raise OtpKeyError(
            "otp_key_file: servers that share a database need the same keys; make a file with "
            "`smsgate-server otp-keys new FILE`, give it to each of them, and name it here"
        )
    if path is None:
        return OtpKeys.parse(_line(_new_id(entropy), entropy))
    try:
        if not path.exists():
            new_file(path, entropy)
    except OSError as error:
        raise OtpKeyError(f"cannot use the keys in {path}: {error}") from error
    return _read(path)


def _read(path: Path) -> OtpKeys:
    try:
        return _parse(path.read_text(encoding="utf-8"), str(path))
    except OSError as error:
        raise OtpKeyError(f"cannot use the keys in {path}: {error}") from error
    except UnicodeDecodeError:
        # The error itself holds the whole file, and errors end up in logs.
        raise OtpKeyError(f"cannot use the keys in {path}: it is not text") from None


def new_file(path: Path, entropy: Callable[[int], bytes]) -> None:
    """Make a file with one key; never over another one."""
    if path.exists():
        raise OtpKeyError(f"there is a {path} already")
    path.parent.mkdir(parents=True, exist_ok=True)
    _write(path, _HEADER + _line(_new_id(entropy), entropy))


def rotate(path: Path, now: datetime, entropy: Callable[[int], bytes]) -> OtpKeys:
    """Put a new key in front of those in the file, and let go of all but the newest few.

    Safe where one server reads the file: of several, one could meet a code before its key.
    """
    present = _lines(path)
    return _rewrite(path, [_new_line(now, entropy), *present])


def add(path: Path, now: datetime, entropy: Callable[[int], bytes]) -> str:
    """Put a new key behind the first, where it is known and makes no codes yet; returns its id."""
    first, *rest = _lines(path)
    line = _new_line(now, entropy)
    _rewrite(path, [first, line, *rest])
    return line.split()[0]


def promote(path: Path, key_id: str) -> OtpKeys:
    """Make new codes with a key of the file; done again it changes nothing."""
    lines = _lines(path)
    chosen = [line for line in lines if line.split()[0] == key_id]
    if not chosen:
        raise OtpKeyError(f"no key in {path} has this id; make one with `otp-keys add`")
    return _rewrite(path, [*chosen, *(line for line in lines if line not in chosen)])


def _lines(path: Path) -> list[str]:
    """The lines of a file that hold keys, once all of them are known to be right."""
    if not path.exists():
        raise OtpKeyError(f"there is no {path} yet; the server makes it when it is first started")
    _read(path)
    lines = path.read_text(encoding="utf-8").splitlines()
    return [f"{line}\n" for line in lines if line.strip() and not line.lstrip().startswith("#")]


def _rewrite(path: Path, lines: Sequence[str]) -> OtpKeys:
    text = _HEADER + "".join(lines[:_KEPT_KEYS])
    keys = _parse(text, str(path))
    fresh = path.with_name(path.name + ".new")
    _write(fresh, text)
    if os.geteuid() == 0:
        # The server that has to read it need not run as root.
        owner = path.stat()
        os.chown(fresh, owner.st_uid, owner.st_gid)
    fresh.replace(path)
    return keys


class KeyFile:
    """Keeps `keys` as the file at `path` has them: call `look` now and then."""

    def __init__(self, path: Path, keys: OtpKeys) -> None:
        self._path = path
        self._keys = keys
        # The states of the file that was read last, and that was seen last. None: it is not there.
        self._read: tuple[int, ...] | None = ()
        self._seen: tuple[int, ...] | None = ()

    def look(self) -> None:
        """Take up what has changed. A file that is wrong or gone changes nothing, and is logged."""
        state = self._state()
        # What changed since the last look may be a copy that is not whole yet.
        settled, self._seen = state == self._seen, state
        if not settled or state == self._read:
            return
        self._read = state
        try:
            fresh = _read(self._path)
        except OtpKeyError as error:
            _log.error("the keys of one-time passwords stay as they were: %s", error)
            return
        if self._keys.become(fresh):
            _log.info("the keys of one-time passwords are now: %s", ", ".join(fresh.ids))

    def _state(self) -> tuple[int, ...] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return (found.st_mtime_ns, found.st_size, found.st_ino)


def _parse(text: str, where: str) -> OtpKeys:
    try:
        return OtpKeys.parse(text)
    except ValueError as error:
        raise OtpKeyError(f"{where}: {error}") from None


def _new_id(entropy: Callable[[int], bytes]) -> str:
    # Never that of a key that was lost: codes made with it would be taken for this one's.
    return f"k{entropy(8).hex()}"


def _new_line(now: datetime, entropy: Callable[[int], bytes]) -> str:
    return _line(f"{now:%Y%m%d}-{_new_id(entropy)}", entropy)


def _line(key_id: str, entropy: Callable[[int], bytes]) -> str:
    return f"{key_id} {b64encode(entropy(_KEY_BYTES)).decode()}\n"


def _write(path: Path, text: str) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(file, "w", encoding="utf-8") as opened:
        opened.write(text)
        opened.flush()
        os.fsync(opened.fileno())
