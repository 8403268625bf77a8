"""An account as the JSON that AccountService has, for operators who keep it in a file."""

from collections.abc import Sequence
from datetime import datetime

from google.protobuf import json_format

from smsgate.v1 import account_service_pb2 as pb
from smsgate_server.domain.account import Account
from smsgate_server.domain.errors import ErrorReason, Violation
from smsgate_server.transport.mapping import accounts
from smsgate_server.transport.mapping.reading import Reader


def text_of(account: Account) -> str:
    """All of an account, as UpdateAccount takes it."""
    return json_format.MessageToJson(accounts.account(account), preserving_proto_field_name=True)


def account_of(text: str, present: Account, now: datetime) -> tuple[Account, Sequence[Violation]]:
    """What `text` makes of an account, and what of it cannot be read. What only the server sets
    stays as it is, and so does what an account keeps for life.
    """
    try:
        asked = json_format.Parse(text, pb.Account())
    except json_format.ParseError as error:
        return present, [Violation("account", ErrorReason.INVALID_FIELD, f"is not one: {error}")]
    reader = Reader()
    if asked.id and asked.id != present.id:
        reader.refuse("account.id", ErrorReason.INVALID_FIELD, f"is not {present.id}")
    if asked.currency and asked.currency != present.currency:
        reader.refuse("account.currency", ErrorReason.INVALID_FIELD, "is never changed")
    asked.id = present.id
    changed = accounts.account_of(reader, asked, present.currency, present, now)
    return changed, reader.violations
