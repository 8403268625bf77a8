"""The contract as tools expect to be told it.

Python's descriptors lack what other servers' have: a method is not found by its name, fields come
without their JSON names, so that grpcurl would print other names than with a descriptor set, and
reflection v1, the same as v1alpha but for its name, is not described at all.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from google.protobuf import descriptor_pool, text_format
from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorProto
from grpc_reflection.v1alpha import reflection_pb2

_V1_FILE = "grpc/reflection/v1/reflection.proto"


class Contract:
    """The default descriptor pool, as far as a ReflectionServicer uses one."""

    def __init__(self) -> None:
        self._pool = descriptor_pool.Default()
        _describe_v1(self._pool)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pool, name)

    def FindFileByName(self, name: str) -> "_File":
        return _File(self._pool.FindFileByName(name))

    def FindFileContainingSymbol(self, symbol: str) -> "_File":
        try:
            return _File(self._pool.FindFileContainingSymbol(symbol))
        except KeyError:
            service, _, method = symbol.rpartition(".")
            found = self._pool.FindServiceByName(service)
            return _File(found.methods_by_name[method].containing_service.file)


class _File:
    """A file whose fields have JSON names."""

    def __init__(self, file: FileDescriptor) -> None:
        self._file = file
        self.name = file.name

    @property
    def dependencies(self) -> Sequence["_File"]:
        return [_File(file) for file in self._file.dependencies]

    def CopyToProto(self, proto: FileDescriptorProto) -> None:
        self._file.CopyToProto(proto)
        _name_fields(proto.message_type)


def _describe_v1(pool: descriptor_pool.DescriptorPool) -> None:
    try:
        pool.FindFileByName(_V1_FILE)
    except KeyError:
        file = FileDescriptorProto()
        reflection_pb2.DESCRIPTOR.CopyToProto(file)
        text = text_format.MessageToString(file).replace("v1alpha", "v1")
        file = text_format.Parse(text, FileDescriptorProto())
        file.name = _V1_FILE
        pool.AddSerializedFile(file.SerializeToString())


def _name_fields(messages: Iterable[DescriptorProto]) -> None:
    for message in messages:
        for field in message.field:
            field.json_name = _json_name(field.name)
        _name_fields(message.nested_type)


def _json_name(name: str) -> str:
    """lowerCamelCase, by the rule of protoc."""
    first, *rest = name.split("_")
    return first + "".join(part[:1].upper() + part[1:] for part in rest)
