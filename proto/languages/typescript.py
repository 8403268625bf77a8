"""The stubs for TypeScript, by ts-proto, which `npm ci` in clients/typescript installs."""

import json
from pathlib import Path

from grpc_tools import protoc  # type: ignore[import-untyped]  # it ships no types

NAME = "typescript"

_CLIENT = Path(__file__).resolve().parents[2] / "clients" / "typescript"
_PACKAGE = _CLIENT / "node_modules" / "ts-proto" / "package.json"
_PLUGIN = _CLIENT / "node_modules" / ".bin" / "protoc-gen-ts_proto"
# Google's own are made, too: they are few, and every generator has its own form of them.
_GOOGLE = ("google/rpc/status.proto", "google/rpc/error_details.proto")
_OPTIONS = (
    "env=node",
    "esModuleInterop=true",
    "exportCommonSymbols=false",
    # 64-bit numbers are money and counts: a number would lose digits.
    "forceLong=bigint",
    "importSuffix=.js",
    "outputServices=grpc-js",
    "removeEnumPrefix=true",
    "unrecognizedEnumValue=-1",
    "useDate=true",
    "useExactTypes=false",
)


def missing() -> str:
    """What must be installed to make the stubs; empty if they can be made."""
    wanted, here = _locked(), _installed()
    if here == wanted:
        return ""
    return f"ts-proto {wanted}: run `npm ci` in clients/typescript, which needs Node.js"


def make(target: Path) -> None:
    """Write all stubs below `target`, which need not exist."""
    # Here, because generate.py imports this module in turn.
    from generate import contract, includes

    target.mkdir(parents=True, exist_ok=True)
    outputs = [f"--ts_proto_out={target}", f"--ts_proto_opt={','.join(_OPTIONS)}"]
    plugin = f"--plugin=protoc-gen-ts_proto={_PLUGIN}"
    if protoc.main(["protoc", *includes(), plugin, *outputs, *contract(), *_GOOGLE]) != 0:
        raise SystemExit("protoc failed; its message stands above")
    # Without it TypeScript takes the modules for CommonJS.
    (target / "package.json").write_text('{ "type": "module" }\n', "utf-8")


def _locked() -> str:
    lock = json.loads((_CLIENT / "package-lock.json").read_text("utf-8"))
    return str(lock["packages"]["node_modules/ts-proto"]["version"])


def _installed() -> str:
    if not _PACKAGE.exists():
        return ""
    return str(json.loads(_PACKAGE.read_text("utf-8"))["version"])
