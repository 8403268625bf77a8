"""The keys that codes derive from: in a file or the environment, never in the database."""

import os
from base64 import b64encode
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from smsgate_server.domain.otp_codes import OtpKeys

_KEY_BYTES = 32
# How many keys a rotation leaves: enough for one a minute and codes that live ten.
_KEPT_KEYS = 12
_HEADER = (
    "# Keys of one-time passwords, the newest first. Keep the file secret, outside the database.\n"
    "# An old key may go once the codes made with it have ended: ten minutes after the next.\n"
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
    """Put a new key in front of those in the file, and let go of all but the newest few."""
    if not path.exists():
        raise OtpKeyError(f"there is no {path} yet; the server makes it when it is first started")
    present = path.read_text(encoding="utf-8")
    _parse(present, str(path))
    lines = [line for line in present.splitlines() if line.strip() and line[0] != "#"]
    kept = [_line(f"{now:%Y%m%d}-{_new_id(entropy)}", entropy), *(f"{line}\n" for line in lines)]
    text = _HEADER + "".join(kept[:_KEPT_KEYS])
    keys = _parse(text, str(path))
    fresh = path.with_name(path.name + ".new")
    _write(fresh, text)
    fresh.replace(path)
    return keys


def _parse(text: str, where: str) -> OtpKeys:
    try:
        return OtpKeys.parse(text)
    except ValueError as error:
        raise OtpKeyError(f"{where}: {error}") from None


def _new_id(entropy: Callable[[int], bytes]) -> str:
    # Never that of a key that was lost: codes made with it would be taken for this one's.
    return f"k{entropy(8).hex()}"


def _line(key_id: str, entropy: Callable[[int], bytes]) -> str:
    return f"{key_id} {b64encode(entropy(_KEY_BYTES)).decode()}\n"


def _write(path: Path, text: str) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(file, "w", encoding="utf-8") as opened:
        opened.write(text)
        opened.flush()
        os.fsync(opened.fileno())
