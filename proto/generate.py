"""Make everything in `generated/` from the contract, or check that it is fresh.

    python proto/generate.py                     write generated/
    python proto/generate.py --check             change nothing; exit 1 if a file is stale
    python proto/generate.py --lint-image PATH   write only the image, with comments, for buf

Google's protos are read from the installed packages (grpcio-tools, googleapis-common-protos): no
network. The result depends on uv.lock and the contract alone, so it is compared byte by byte.

Stubs of other languages are made by the modules of `languages/`, each where its tools are; where
they are not, that language is left alone and it is said why.
"""

# A script: what it prints is its output.
# ruff: noqa: T201

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

from grpc_tools import protoc  # type: ignore[import-untyped]  # it ships no types

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ROOT / "proto"
GENERATED = ROOT / "generated"
STUBS = "python"
DESCRIPTOR_SET = "smsgate.binpb"

# Proto path = import path, so `smsgate` is a regular package with empty __init__ files: py.typed
# counts for all of it, no folder of the same name elsewhere on the path (such as proto/smsgate) is
# mixed in, and importing one service does not import the others.
PLAIN_FILES = {
    "smsgate/__init__.py": '"""The contract of the SMS gateway. Generated; see proto/."""\n',
    "smsgate/v1/__init__.py": (
        '"""Version 1: one `<file>_pb2` per file of the contract, `_pb2_grpc` for services."""\n'
    ),
    "smsgate/py.typed": "",
}


def languages() -> Iterator[ModuleType]:
    """A module for each language but Python: `NAME`, `missing()` and `make(target)`."""
    for path in sorted((SOURCES / "languages").glob("[!_]*.py")):
        yield import_module(f"languages.{path.stem}")


def includes() -> list[str]:
    """The folders that imports are looked up in."""
    tools, google = find_spec("grpc_tools"), find_spec("google.rpc")
    if tools is None or not tools.submodule_search_locations:
        raise SystemExit("grpcio-tools is not installed: run `make setup`")
    if google is None or not google.submodule_search_locations:
        raise SystemExit("googleapis-common-protos is not installed: run `make setup`")
    well_known = Path(tools.submodule_search_locations[0]) / "_proto"
    rpc_and_type = Path(google.submodule_search_locations[0]).parents[1]
    return [f"-I{path}" for path in (SOURCES, well_known, rpc_and_type)]


def contract() -> list[str]:
    """The contract's files as protoc wants them, in a fixed order."""
    return sorted(p.relative_to(SOURCES).as_posix() for p in SOURCES.glob("smsgate/**/*.proto"))


def run_protoc(files: Sequence[str], *options: str) -> None:
    if protoc.main(["protoc", *includes(), *options, *files]) != 0:
        raise SystemExit("protoc failed; its message stands above")


def plugin(name: str) -> str:
    """A plugin of this very environment, whatever PATH says."""
    return f"--plugin=protoc-gen-{name}={Path(sys.executable).parent / f'protoc-gen-{name}'}"


def make(target: Path) -> None:
    """Make all that belongs in `generated/` below `target`."""
    stubs = target / STUBS
    stubs.mkdir(parents=True)
    files = contract()
    services = [name for name in files if name.endswith("_service.proto")]
    run_protoc(files, f"--python_out={stubs}", plugin("mypy"), f"--mypy_out=quiet:{stubs}")
    run_protoc(
        services,
        f"--grpc_python_out={stubs}",
        plugin("mypy_grpc"),
        f"--mypy_grpc_out=quiet:{stubs}",
    )
    run_protoc(files, "--include_imports", f"--descriptor_set_out={target / DESCRIPTOR_SET}")
    for name, text in PLAIN_FILES.items():
        (stubs / name).write_text(text, encoding="utf-8")
    for language in languages():
        if not language.missing():
            language.make(target / language.NAME)


def makeable() -> list[str]:
    """The folders of `generated/` whose tools are here."""
    return [STUBS, *(language.NAME for language in languages() if not language.missing())]


def contents(folder: Path) -> dict[str, bytes]:
    """The files that are or should be committed, by their path in `folder`."""
    stubs = (path for name in makeable() for path in (folder / name).rglob("*"))
    found = [folder / DESCRIPTOR_SET, *stubs]
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in found
        if path.is_file() and path.suffix != ".pyc"
    }


def differences() -> dict[str, bytes | None]:
    """What has to change in `generated/`: the bytes a file should have, None if it should go."""
    with tempfile.TemporaryDirectory() as temporary:
        target = Path(temporary) / "generated"
        make(target)
        fresh = contents(target)
    committed = contents(GENERATED)
    return {
        name: fresh.get(name)
        for name in sorted(fresh.keys() | committed.keys())
        if fresh.get(name) != committed.get(name)
    }


def write() -> int:
    tell_missing()
    changed = differences()
    for name, data in changed.items():
        path = GENERATED / name
        if data is None:
            path.unlink()
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        print(f"{'removed' if data is None else 'wrote'} generated/{name}")
    return 0


def tell_missing() -> None:
    for language in languages():
        if why := language.missing():
            print(f"generated/{language.NAME} is not looked at: {why}")


def check() -> int:
    tell_missing()
    stale = differences()
    for name in stale:
        print(f"generated/{name} is stale: run `make generate`", file=sys.stderr)
    return 1 if stale else 0


def write_lint_image(path: Path) -> int:
    options = ("--include_imports", "--include_source_info", f"--descriptor_set_out={path}")
    run_protoc(contract(), *options)
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description="Make generated/ from the contract.")
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--check", action="store_true", help="exit 1 if a committed file is stale")
    mode.add_argument(
        "--lint-image", type=Path, metavar="PATH", help="write only the image for buf"
    )
    arguments = parser.parse_args()
    if arguments.lint_image:
        return write_lint_image(arguments.lint_image)
    return check() if arguments.check else write()


if __name__ == "__main__":
    sys.exit(main())
