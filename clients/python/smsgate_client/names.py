"""The short names of the contract's enums: DELIVERED, not MESSAGE_STATUS_DELIVERED."""

import re
from typing import TypeAlias, cast

from google.protobuf.descriptor import EnumDescriptor

from smsgate.v1 import (
    account_service_pb2,
    message_pb2,
    message_service_pb2,
    otp_service_pb2,
    usage_service_pb2,
)

Status: TypeAlias = message_pb2.MessageStatus.ValueType
OnUnknownSubmit: TypeAlias = message_pb2.UnknownSubmitPolicy.ValueType
Delivery: TypeAlias = message_service_pb2.StreamDelivery.ValueType
Alphabet: TypeAlias = otp_service_pb2.CodeAlphabet.ValueType
Channel: TypeAlias = otp_service_pb2.VerificationChannel.ValueType
BillingMode: TypeAlias = account_service_pb2.BillingMode.ValueType
AccountState: TypeAlias = account_service_pb2.AccountState.ValueType
Scope: TypeAlias = account_service_pb2.Scope.ValueType
LimitKind: TypeAlias = account_service_pb2.LimitKind.ValueType
Granularity: TypeAlias = usage_service_pb2.UsageGranularity.ValueType
Dimension: TypeAlias = usage_service_pb2.UsageDimension.ValueType

FINAL_STATUSES: frozenset[Status] = frozenset(
    {
        message_pb2.MESSAGE_STATUS_UNDELIVERABLE,
        message_pb2.MESSAGE_STATUS_DELIVERED,
        message_pb2.MESSAGE_STATUS_EXPIRED,
        message_pb2.MESSAGE_STATUS_REJECTED,
    }
)


def is_final(status: Status) -> bool:
    """Whether a message with this status will never change again."""
    return status in FINAL_STATUSES


def status_name(status: Status) -> str:
    """NEW, PENDING, UNDELIVERABLE, DELIVERED, EXPIRED or REJECTED."""
    return short_name(message_pb2.MessageStatus.DESCRIPTOR, status)


def reason_name(reason: message_pb2.StatusReason.ValueType) -> str:
    """Why a message has its status, e.g. HANDSET_RECEIPT; the number if it is not known here."""
    return short_name(message_pb2.StatusReason.DESCRIPTOR, reason)


def verify_result_name(result: otp_service_pb2.VerifyResult.ValueType) -> str:
    """The answer to a code. Only APPROVED proves anything."""
    return short_name(otp_service_pb2.VerifyResult.DESCRIPTOR, result)


def short_name(enum: EnumDescriptor, number: int) -> str:
    """The name of a value without the prefix that all values of its enum share."""
    value = enum.values_by_number.get(number)
    return value.name.removeprefix(_prefix(enum)) if value else str(number)


def status_from(name: Status | str) -> Status:
    """A status from its name, short or full."""
    return cast(Status, _number(message_pb2.MessageStatus.DESCRIPTOR, name))


def on_unknown_submit_from(name: OnUnknownSubmit | str) -> OnUnknownSubmit:
    """A policy from its name, short or full."""
    return cast(OnUnknownSubmit, _number(message_pb2.UnknownSubmitPolicy.DESCRIPTOR, name))


def delivery_from(name: Delivery | str) -> Delivery:
    """A stream's delivery from its name, short or full."""
    return cast(Delivery, _number(message_service_pb2.StreamDelivery.DESCRIPTOR, name))


def alphabet_from(name: Alphabet | str) -> Alphabet:
    """An alphabet of codes from its name, short or full."""
    return cast(Alphabet, _number(otp_service_pb2.CodeAlphabet.DESCRIPTOR, name))


def channel_from(name: Channel | str) -> Channel:
    """The way a code travels, from its name, short or full."""
    return cast(Channel, _number(otp_service_pb2.VerificationChannel.DESCRIPTOR, name))


def billing_mode_from(name: BillingMode | str) -> BillingMode:
    """How an account pays, from its name, short or full."""
    return cast(BillingMode, _number(account_service_pb2.BillingMode.DESCRIPTOR, name))


def account_state_from(name: AccountState | str) -> AccountState:
    """A state of an account from its name, short or full."""
    return cast(AccountState, _number(account_service_pb2.AccountState.DESCRIPTOR, name))


def scope_from(name: Scope | str) -> Scope:
    """What a key may be used for, from its name, short or full."""
    return cast(Scope, _number(account_service_pb2.Scope.DESCRIPTOR, name))


def limit_kind_from(name: LimitKind | str) -> LimitKind:
    """What a limit counts, from its name, short or full."""
    return cast(LimitKind, _number(account_service_pb2.LimitKind.DESCRIPTOR, name))


def granularity_from(name: Granularity | str) -> Granularity:
    """DAY, MONTH or YEAR, short or full."""
    return cast(Granularity, _number(usage_service_pb2.UsageGranularity.DESCRIPTOR, name))


def dimension_from(name: Dimension | str) -> Dimension:
    """A way to divide usage from its name, short or full."""
    return cast(Dimension, _number(usage_service_pb2.UsageDimension.DESCRIPTOR, name))


def _number(enum: EnumDescriptor, name: int | str) -> int:
    if isinstance(name, int):
        return name
    wanted = name.upper().replace("-", "_").removeprefix(_prefix(enum))
    value = enum.values_by_name.get(_prefix(enum) + wanted)
    if value is None or value.number == 0:
        known = ", ".join(short_name(enum, v.number) for v in enum.values if v.number)
        raise ValueError(f"{name!r} is none of {known}")
    return value.number


def _prefix(enum: EnumDescriptor) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", enum.name).upper() + "_"
