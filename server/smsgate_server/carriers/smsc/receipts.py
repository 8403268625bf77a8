"""A receipt as deliver_sm (SMPP 3.4 appendix B and §5.3.2)."""

from dataclasses import dataclass
from datetime import datetime

from smsgate_server.carriers.script import PlannedReceipt
from smsgate_server.carriers.smpp.codes import ESM_INTERMEDIATE, ESM_RECEIPT, Tag
from smsgate_server.carriers.smpp.pdu import Address, ShortMessage, Tlvs
from smsgate_server.carriers.smsc.settings import IdForm, ReceiptForm
from smsgate_server.domain.message import Status

_STATES = {"DELIVRD": 2, "EXPIRED": 3, "UNDELIV": 5, "REJECTD": 8, "ENROUTE": 1}


@dataclass(frozen=True, slots=True)
class Due:
    """A receipt and what it is about."""

    number: int
    source: Address
    destination: Address
    submit_time: datetime
    planned: PlannedReceipt


def written_id(number: int, form: IdForm) -> str:
    return f"{number:X}" if form is IdForm.HEX else str(number)


def receipt_body(due: Due, now: datetime, ids: IdForm, form: ReceiptForm) -> ShortMessage:
    """From the handset to the sender, as receipts go."""
    word, _, error = due.planned.code.partition(":")
    carrier_id = written_id(due.number, ids)
    kind = ESM_INTERMEDIATE if due.planned.status is Status.PENDING else ESM_RECEIPT
    text = b""
    if form is not ReceiptForm.TLV:
        delivered = int(due.planned.status is Status.DELIVERED)
        text = (
            f"id:{carrier_id} sub:001 dlvrd:{delivered:03} "
            f"submit date:{due.submit_time:%y%m%d%H%M} done date:{now:%y%m%d%H%M} "
            f"stat:{word} err:{error} text:"
        ).encode("latin-1")
    return ShortMessage(
        source=due.destination,
        destination=due.source,
        text=text,
        esm_class=kind,
        tlvs={} if form is ReceiptForm.TEXT else _tlvs(carrier_id, word, error),
    )


def _tlvs(carrier_id: str, word: str, error: str) -> Tlvs:
    tlvs: dict[int, bytes] = {
        Tag.RECEIPTED_MESSAGE_ID: carrier_id.encode("latin-1") + b"\0",
        Tag.MESSAGE_STATE: bytes((_STATES[word],)),
    }
    if error.isdecimal():
        # 3: GSM.
        tlvs[Tag.NETWORK_ERROR_CODE] = b"\x03" + int(error).to_bytes(2, "big")
    return tlvs
