"""The stubs for Go: the module smsgate.internal/stubs, whole, with its go.mod.

    python proto/languages/go.py       install the plug-ins of protoc into .cache/bin

`go.mod` and `go.sum` beside this file are those of the module. To go newer: change the versions in
`PLUGINS` and `go.mod`, run `go mod tidy` in generated/go, and copy both files back.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from grpc_tools import protoc  # type: ignore[import-untyped]  # it ships no types

NAME = "go"

_HERE = Path(__file__).resolve().parent
_ROOT = _HERE.parents[1]
_BIN = _ROOT / ".cache" / "bin"
_MODULE = "smsgate.internal/stubs"
_MODULE_FILES = ("go.mod", "go.sum")
_INSTALL_SECONDS = 420.0
# Each plug-in, what it says of itself, and where it comes from. What it writes depends on its
# version, and stubs are compared byte by byte: no other version will do.
PLUGINS = {
    "protoc-gen-go": (
        "protoc-gen-go v1.36.12",
        "google.golang.org/protobuf/cmd/protoc-gen-go@v1.36.12",
    ),
    "protoc-gen-go-grpc": (
        "protoc-gen-go-grpc 1.6.2",
        "google.golang.org/grpc/cmd/protoc-gen-go-grpc@v1.6.2",
    ),
}


def missing() -> str:
    """What must be installed to make the stubs; empty if they can be made."""
    lacking = [version for name, (version, _) in PLUGINS.items() if _version(name) != version]
    if not lacking:
        return ""
    return f"{' and '.join(lacking)}: run `.venv/bin/python proto/languages/go.py`, which needs Go"


def install() -> None:
    """Put the plug-ins into .cache/bin. SystemExit says what failed."""
    go = shutil.which("go")
    if go is None:
        raise SystemExit("Go is not installed: see https://go.dev/dl")
    # Whatever a user has set for Go, these tools are built for here and in here.
    environment = os.environ | {"GOBIN": str(_BIN), "GOFLAGS": ""}
    for name, (version, source) in PLUGINS.items():
        if _version(name) == version:
            continue
        done = subprocess.run([go, "install", source], env=environment, timeout=_INSTALL_SECONDS)
        if done.returncode != 0 or _version(name) != version:
            raise SystemExit(f"{source} could not be installed")


def make(target: Path) -> None:
    """Write all files of the module below `target`, which need not exist."""
    # Here, because generate.py imports this module in turn.
    from generate import contract, includes

    target.mkdir(parents=True, exist_ok=True)
    plugins = [f"--plugin={name}={_BIN / name}" for name in PLUGINS]
    outputs = [
        *(f"--go_out={target}", f"--go_opt=module={_MODULE}"),
        *(f"--go-grpc_out={target}", f"--go-grpc_opt=module={_MODULE}"),
    ]
    if protoc.main(["protoc", *includes(), *plugins, *outputs, *contract()]) != 0:
        raise SystemExit("protoc failed; its message stands above")
    for name in _MODULE_FILES:
        shutil.copyfile(_HERE / name, target / name)


def _version(plugin: str) -> str:
    try:
        told = subprocess.run(
            [_BIN / plugin, "--version"], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return told.stdout.strip()


if __name__ == "__main__":
    sys.exit(install())
