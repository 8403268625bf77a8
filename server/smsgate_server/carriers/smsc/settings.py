"""How the SMSC behaves, and what faults it makes."""

from dataclasses import dataclass, field
from enum import StrEnum

from smsgate_server.carriers.script import Rates


class IdForm(StrEnum):
    """How the id of a message is written."""

    DECIMAL = "decimal"
    HEX = "hex"


class ReceiptForm(StrEnum):
    """Where a receipt says what it says."""

    TEXT = "text"
    TLV = "tlv"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class SmscSettings:
    """Times in seconds, shares from 0 to 1.

    An empty `system_id` lets everybody bind. `tps` is how many submits a second are taken before
    they are throttled; 0 for no limit. After every `drop_every` submits the connection is cut
    before the answer, so that nobody knows of the last ones. `silent` SMSCs answer no bind.
    """

    host: str = "127.0.0.1"
    port: int = 2775
    system_id: str = ""
    password: str = ""
    seed: int = 1
    answer_seconds: float = 0.0
    receipt_seconds: float = 0.5
    jitter: float = 0.3
    rates: Rates = field(default_factory=Rates)
    tps: float = 0.0
    drop_every: int = 0
    early: float = 0.0
    duplicate: float = 0.0
    shuffle: bool = False
    silent: bool = False
    answer_ids: IdForm = IdForm.HEX
    receipt_ids: IdForm = IdForm.HEX
    receipts: ReceiptForm = ReceiptForm.BOTH
    enquire_link_seconds: float = 30.0
    receipt_window: int = 100
