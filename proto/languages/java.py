"""The stubs for Java, by protoc and the plug-in of grpc-java.

    python proto/languages/java.py       fetch both into .cache/bin, with Maven

Their versions are those of clients/java/pom.xml.
"""

import platform
import shutil
import subprocess
import sys
from pathlib import Path

NAME = "java"

_ROOT = Path(__file__).resolve().parents[2]
_BIN = _ROOT / ".cache" / "bin"
_FETCH_SECONDS = 300.0
# What each says of itself is not what it is: the name of the file has its version.
PROGRAMS = {
    "protoc": "com.google.protobuf:protoc:4.29.3",
    "protoc-gen-grpc-java": "io.grpc:protoc-gen-grpc-java:1.71.0",
}
_MACHINES = {"aarch64": "aarch_64", "arm64": "aarch_64", "x86_64": "x86_64"}
_SYSTEMS = {"Darwin": "osx", "Linux": "linux"}


def missing() -> str:
    """What must be installed to make the stubs; empty if they can be made."""
    lacking = [source for name, source in PROGRAMS.items() if not _program(name).exists()]
    if not lacking:
        return ""
    return f"{' and '.join(lacking)}: run `.venv/bin/python proto/languages/java.py`, needs Maven"


def install() -> None:
    """Put the programs into .cache/bin. SystemExit says what failed."""
    maven = shutil.which("mvn")
    if maven is None:
        raise SystemExit("Maven is not installed: see https://maven.apache.org")
    _BIN.mkdir(parents=True, exist_ok=True)
    for name, source in PROGRAMS.items():
        if not _program(name).exists():
            _fetch(maven, source, _program(name))


def _fetch(maven: str, source: str, target: Path) -> None:
    artifact = f"{source}:exe:{_SYSTEMS[platform.system()]}-{_MACHINES[platform.machine()]}"
    goal = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy"
    folder = target.with_suffix(".fetched")
    command = [maven, "-q", "-B", goal, f"-Dartifact={artifact}", f"-DoutputDirectory={folder}"]
    done = subprocess.run(command, timeout=_FETCH_SECONDS)
    fetched = list(folder.glob("*.exe")) if done.returncode == 0 else []
    if not fetched:
        raise SystemExit(f"{artifact} could not be fetched")
    fetched[0].chmod(0o755)
    fetched[0].replace(target)
    shutil.rmtree(folder)


def make(target: Path) -> None:
    """Write all stubs below `target`, which need not exist."""
    # Here, because generate.py imports this module in turn.
    from generate import contract, includes

    target.mkdir(parents=True, exist_ok=True)
    command = [
        str(_program("protoc")),
        *includes(),
        f"--plugin=protoc-gen-grpc-java={_program('protoc-gen-grpc-java')}",
        f"--java_out={target}",
        f"--grpc-java_out=@generated=omit:{target}",
        *contract(),
    ]
    if subprocess.run(command).returncode != 0:
        raise SystemExit("protoc failed; its message stands above")


def _program(name: str) -> Path:
    return _BIN / f"{name}-{PROGRAMS[name].rpartition(':')[2]}"


if __name__ == "__main__":
    sys.exit(install())
