"""The text of a message with a code, made at the last moment."""

from smsgate_server.domain.message import Message
from smsgate_server.domain.otp_codes import OtpKeys, derive_code
from smsgate_server.domain.otp_texts import fill
from smsgate_server.services.ports import VerificationStore


class Texts:
    def __init__(self, store: VerificationStore, keys: OtpKeys) -> None:
        self._store = store
        self._keys = keys

    async def text_of(self, message: Message) -> str | None:
        """The text as it is to be sent; None if its key is no longer on the server."""
        found = await self._store.verification(message.account, message.verification_id)
        key = self._keys.get(found.key_id) if found is not None else None
        if found is None or key is None:
            return None
        code = derive_code(key, found.id, found.recipient, found.length, found.alphabet)
        return fill(message.text, code)
