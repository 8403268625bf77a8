"""Senders and recipients as SMPP writes them (§5.2.5 to 5.2.9)."""

from smsgate_server.carriers.smpp.codes import Ton
from smsgate_server.carriers.smpp.pdu import Address
from smsgate_server.carriers.smpp.settings import ReceiptNumber, SmppSettings


def sender_address(sender: str, settings: SmppSettings) -> Address:
    return Address(sender, *settings.sender)


def recipient_address(recipient: str, settings: SmppSettings) -> Address:
    return Address(recipient.removeprefix("+"), *settings.recipient)


def handset_of(source: Address, destination: Address, which: ReceiptNumber) -> str:
    """The recipient that a receipt names, as digits with "+" if the carrier says that they are
    international; empty if it names none.
    """
    if which is ReceiptNumber.NONE:
        return ""
    address = source if which is ReceiptNumber.SOURCE else destination
    digits = address.digits.strip()
    plus = digits.startswith("+") or address.ton == Ton.INTERNATIONAL
    digits = digits.removeprefix("+")
    if not digits.isdecimal():
        return ""
    return f"+{digits}" if plus and not digits.startswith("0") else digits
