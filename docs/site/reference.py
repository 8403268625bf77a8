"""The reference of the contract, a page for each of its files, from the comments of the protos."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    ServiceDescriptorProto,
)

from smsgate_server.transport.auth import SCOPES

_GENERATE = Path(__file__).resolve().parents[2] / "proto" / "generate.py"
_PACKAGE = "smsgate.v1"
# Numbers of fields in FileDescriptorProto and DescriptorProto, of which paths are made.
_MESSAGE, _ENUM, _SERVICE, _FIELD, _NESTED, _NESTED_ENUM, _VALUE, _METHOD = 4, 5, 6, 2, 3, 4, 2, 2
_SCALARS = {
    value: name.removeprefix("TYPE_").lower() for name, value in FieldDescriptorProto.Type.items()
}

Location = tuple[int, ...]


def write_reference(folder: Path) -> None:
    """A page for each file of the contract."""
    folder.mkdir(parents=True, exist_ok=True)
    files = _files()
    homes = {name: _page(file) for file in files for name in _names(file)}
    for file in files:
        text = "\n".join(_Reference(file, homes).lines()) + "\n"
        (folder / _page(file)).write_text(text, "utf-8")


def _files() -> list[FileDescriptorProto]:
    with tempfile.TemporaryDirectory() as folder:
        image = Path(folder) / "image.binpb"
        subprocess.run([sys.executable, _GENERATE, "--lint-image", image], check=True)
        found = FileDescriptorSet.FromString(image.read_bytes())
    return [file for file in found.file if file.package == _PACKAGE]


def _page(file: FileDescriptorProto) -> str:
    return file.name.rpartition("/")[2].removesuffix(".proto") + ".md"


def _names(file: FileDescriptorProto) -> Iterator[str]:
    """Of all messages and enums, as types are named in fields."""

    def of(message: DescriptorProto, prefix: str) -> Iterator[str]:
        name = f"{prefix}.{message.name}"
        yield name
        for enum in message.enum_type:
            yield f"{name}.{enum.name}"
        for nested in message.nested_type:
            yield from of(nested, name)

    for message in file.message_type:
        yield from of(message, f".{file.package}")
    for enum in file.enum_type:
        yield f".{file.package}.{enum.name}"


def _anchor(name: str) -> str:
    return name.removeprefix(f".{_PACKAGE}.").lower().replace(".", "-")


class _Reference:
    """The page of a file."""

    def __init__(self, file: FileDescriptorProto, homes: dict[str, str]) -> None:
        self._file = file
        self._homes = homes
        self._comments = {
            tuple(each.path): each.leading_comments for each in file.source_code_info.location
        }

    def lines(self) -> Iterator[str]:
        title = self._file.service[0].name if self._file.service else _page(self._file)[:-3]
        yield f"# {title.replace('_', ' ')}"
        for number, service in enumerate(self._file.service):
            yield from self._service(service, (_SERVICE, number))
        for number, message in enumerate(self._file.message_type):
            yield from self._message(message, (_MESSAGE, number), f".{_PACKAGE}")
        for number, enum in enumerate(self._file.enum_type):
            yield from self._enum(enum, (_ENUM, number), f".{_PACKAGE}")

    def _said(self, place: Location) -> str:
        """The comment there: paragraphs and lists as they are written."""
        lines = [line.removeprefix(" ") for line in self._comments.get(place, "").splitlines()]
        text = "\n".join(lines).strip()
        # Lists in comments are indented by two; Markdown wants a blank line before them.
        return text.replace("\n  * ", "\n\n* ", 1).replace("\n  * ", "\n* ")

    def _in_cell(self, place: Location) -> str:
        return " ".join(self._said(place).split()).replace("|", "\\|")

    def _service(self, service: ServiceDescriptorProto, place: Location) -> Iterator[str]:
        yield from ("", self._said(place), "")
        for number, method in enumerate(service.method):
            scope = SCOPES.get(f"{service.name}.{method.name}", None)
            stream = "stream of " if method.server_streaming else ""
            needs = f"scope {scope.name}" if scope is not None else "any key"
            if f"{service.name}.{method.name}" not in SCOPES:
                needs = "scope ADMIN"
            yield f"## {method.name} {{ #{method.name.lower()}-rpc }}"
            yield ""
            answer = f"{stream}{self._type(method.output_type)}"
            yield f"{self._type(method.input_type)} → {answer} · {needs}"
            yield from ("", self._said((*place, _METHOD, number)), "")

    def _message(self, message: DescriptorProto, place: Location, prefix: str) -> Iterator[str]:
        if message.options.map_entry:
            return
        name = f"{prefix}.{message.name}"
        yield f"## {name.removeprefix(f'.{_PACKAGE}.')} {{ #{_anchor(name)} }}"
        yield from ("", self._said(place), "")
        if message.field:
            yield from ("| field | type | |", "| --- | --- | --- |")
        for number, field in enumerate(message.field):
            said = self._in_cell((*place, _FIELD, number))
            yield f"| `{field.name}` | {self._kind(field, message)} | {said} |"
        yield ""
        for number, nested in enumerate(message.nested_type):
            yield from self._message(nested, (*place, _NESTED, number), name)
        for number, enum in enumerate(message.enum_type):
            yield from self._enum(enum, (*place, _NESTED_ENUM, number), name)

    def _enum(self, enum: EnumDescriptorProto, place: Location, prefix: str) -> Iterator[str]:
        name = f"{prefix}.{enum.name}"
        yield f"## {name.removeprefix(f'.{_PACKAGE}.')} {{ #{_anchor(name)} }}"
        yield from ("", self._said(place), "")
        if enum.name == "ErrorReason":
            yield from self._reasons(enum, place)
            return
        yield from ("| value | |", "| --- | --- |")
        for number, value in enumerate(enum.value):
            yield f"| `{value.name}` | {self._in_cell((*place, _VALUE, number))} |"
        yield ""

    def _reasons(self, enum: EnumDescriptorProto, place: Location) -> Iterator[str]:
        """Each with its code, its cure and an example, as its comment has them."""
        for number, value in enumerate(enum.value):
            if value.number:
                yield f"### {value.name.removeprefix('ERROR_REASON_')}"
                yield from ("", self._said((*place, _VALUE, number)), "")

    def _kind(self, field: FieldDescriptorProto, message: DescriptorProto) -> str:
        for nested in message.nested_type:
            if nested.options.map_entry and field.type_name.endswith(f".{nested.name}"):
                key, value = nested.field
                return f"map of {self._single(key)} to {self._single(value)}"
        repeated = field.label == FieldDescriptorProto.LABEL_REPEATED
        return ("list of " if repeated else "") + self._single(field)

    def _single(self, field: FieldDescriptorProto) -> str:
        return self._type(field.type_name) if field.type_name else _SCALARS[field.type]

    def _type(self, name: str) -> str:
        shown = name.removeprefix(f".{_PACKAGE}.").removeprefix(".")
        home = self._homes.get(name)
        return f"[{shown}]({home}#{_anchor(name)})" if home else f"`{shown}`"
