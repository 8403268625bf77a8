"""Where tests read the codes that the simulated carrier was given: nobody else ever sees one."""

import json
import os
from pathlib import Path

from smsgate_server.domain.message import Message


class OtpFile:
    """One JSON line per text with a code, readable for this user alone."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def took(self, message: Message) -> None:
        line = {
            "verification_id": message.verification_id,
            "message_id": message.id,
            "recipient": message.recipient,
            "text": message.text,
        }
        # One write of one line to a file opened for appending is not mixed with another's.
        os.write(self._file, (json.dumps(line, ensure_ascii=False) + "\n").encode())

    def close(self) -> None:
        os.close(self._file)
