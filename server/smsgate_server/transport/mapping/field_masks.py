"""Changing the fields of an account that a mask names."""

from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

from smsgate.v1 import account_service_pb2 as pb
from smsgate_server.domain.errors import ErrorReason
from smsgate_server.transport.mapping.reading import Reader

_FIXED = frozenset({"id", "currency", "create_time", "update_time", "etag"})
_MAX_PATHS = 100


def merged(reader: Reader, request: pb.UpdateAccountRequest, present: pb.Account) -> pb.Account:
    """`present` with the fields of the mask replaced by those of the request, lists as a whole."""
    paths = list(request.update_mask.paths)
    if len(paths) > _MAX_PATHS:
        description = f"has {len(paths)} paths; at most {_MAX_PATHS} are allowed"
        reader.refuse("update_mask", ErrorReason.TOO_MANY_ITEMS, description)
        return present
    good = [path for index, path in enumerate(paths) if _check(reader, index, path)]
    # A part that the request leaves out is to be cleared, but merging passes over it.
    for path in good:
        _clear(present, path)
    FieldMask(paths=good).MergeMessage(request.account, present, True, True)
    return present


def _clear(message: Message, path: str) -> None:
    *parents, last = path.split(".")
    for name in parents:
        if not message.HasField(name):
            return
        message = getattr(message, name)
    message.ClearField(last)


def _check(reader: Reader, index: int, path: str) -> bool:
    field = f"update_mask.paths[{index}]"
    if path.split(".")[0] in _FIXED:
        reader.refuse(field, ErrorReason.INVALID_FIELD, f"{path} cannot be changed")
        return False
    if not FieldMask(paths=[path]).IsValidForDescriptor(pb.Account.DESCRIPTOR):
        shown = ascii(path[:64])[1:-1]
        reader.refuse(field, ErrorReason.INVALID_FIELD, f'"{shown}" is not a field of an account')
        return False
    return True
