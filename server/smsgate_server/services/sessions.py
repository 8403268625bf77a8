"""Sessions: what a browser holds in place of an API key, for hours and not for ever.

A session is stored nowhere. Its token names a key and an end, signed with a key outside the
database and with the digest of the API key, so that it survives a restart and ends with its key.
"""

from base64 import urlsafe_b64encode
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from hmac import compare_digest
from hmac import digest as hmac_digest

from smsgate_server.domain.errors import ErrorReason, Unauthenticated
from smsgate_server.domain.otp_codes import OtpKeys
from smsgate_server.services.access import Access, Caller
from smsgate_server.services.ports import Clock

LIFETIME = timedelta(hours=12)
_PREFIX = "sgs_"
_PURPOSE = b"smsgate session, version 1"
_MAX_TOKEN = 256


def is_session(secret: str) -> bool:
    return secret.startswith(_PREFIX)


class Sessions:
    def __init__(self, access: Access, keys: OtpKeys, clock: Clock) -> None:
        self._access = access
        self._keys = keys
        self._clock = clock

    def open(self, caller: Caller) -> tuple[str, datetime] | None:
        """A token for `caller` and when it ends; None on an open server, which needs none.

        A session cannot be prolonged by itself: one opened with a session ends when that one does.
        """
        key = caller.key
        if key is None:
            return None
        end = self._clock.now() + LIFETIME
        end = end if key.expire_time is None else min(end, key.expire_time)
        end = end.replace(microsecond=0)
        claim = f"{key.id}.{int(end.timestamp())}.{self._keys.current}"
        signing = self._keys.get(self._keys.current)
        assert signing is not None
        return f"{_PREFIX}{claim}.{_signature(signing, claim, key.digest)}", end

    def caller(self, token: str) -> Caller:
        """Who has this token; Unauthenticated if it is no good, or no more."""
        found = self._found(token)
        if found is None or not self._access.usable(found):
            raise Unauthenticated(
                ErrorReason.API_KEY_INVALID,
                "the session is over, or its API key was revoked; log in again",
            )
        return found

    def _found(self, token: str) -> Caller | None:
        claim, _, signature = token[:_MAX_TOKEN].removeprefix(_PREFIX).rpartition(".")
        key_id, _, rest = claim.partition(".")
        end, _, signing_id = rest.partition(".")
        caller, signing = self._access.of_key(key_id), self._keys.get(signing_id)
        if caller is None or caller.key is None or signing is None:
            return None
        wanted = _signature(signing, claim, caller.key.digest)
        if not compare_digest(wanted.encode(), signature.encode("utf-8", "surrogatepass")):
            return None
        # The caller's right ends with the session: streams look at the expiry of the key.
        expiry = datetime.fromtimestamp(int(end), UTC)
        return replace(caller, key=replace(caller.key, expire_time=expiry))


def _signature(signing: bytes, claim: str, digest: bytes) -> str:
    key = hmac_digest(signing, _PURPOSE, sha256)
    made = hmac_digest(key, claim.encode() + b"." + digest, sha256)
    return urlsafe_b64encode(made).decode().rstrip("=")
