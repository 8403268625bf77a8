"""Build the documentation into build/site: `make docs`, or `make docs-serve` to look at it.

Pages are those of docs/ and the READMEs of the clients, with their links made right, and the
reference of the contract, made from the comments of its protos. A dead link, a missing sample or a
page that is in no menu ends it with an error.
"""

# A script: what it prints is its output.
# ruff: noqa: T201

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from reference import write_reference

_HERE = Path(__file__).resolve().parent
_ROOT = _HERE.parents[1]
_CONFIG = _HERE / "mkdocs.yml"
# Beside docs/: what else is a page.
_OTHERS = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "clients/python/README.md": "clients/python.md",
    "clients/go/README.md": "clients/go.md",
    "clients/typescript/README.md": "clients/typescript.md",
    "clients/java/README.md": "clients/java.md",
}
_LINK = re.compile(r"\[(?P<text>[^\]]*)\]\((?!\w+:|#)(?P<path>[^)#\s]+)(?P<anchor>#[^)\s]*)?\)")


def pages() -> dict[Path, Path]:
    """Where each page comes from, and where it stands in the site."""
    found = {path: path.relative_to(_ROOT / "docs") for path in (_ROOT / "docs").rglob("*.md")}
    return found | {_ROOT / source: Path(target) for source, target in _OTHERS.items()}


def prepare(folder: Path) -> None:
    """Put all pages into an empty folder."""
    places = pages()
    for source, target in places.items():
        (folder / target).parent.mkdir(parents=True, exist_ok=True)
        text = source.read_text("utf-8")
        (folder / target).write_text(_relinked(text, source, target, places), "utf-8")
    write_reference(folder / "reference")


def _relinked(text: str, source: Path, target: Path, places: dict[Path, Path]) -> str:
    def made(found: re.Match[str]) -> str:
        meant = (source.parent / found["path"]).resolve()
        if meant in places:
            place = os.path.relpath(places[meant], target.parent)
            return f"[{found['text']}]({place}{found['anchor'] or ''})"
        if not meant.exists():
            # A page that is made, such as the reference; else mkdocs says that it is missing.
            return found[0]
        # What is in the repository, and not in the site.
        return f"{found['text']} (`{meant.relative_to(_ROOT)}`)"

    return _LINK.sub(made, text)


def main() -> int:
    """Prepare and run mkdocs. Returns its exit code."""
    parser = argparse.ArgumentParser(description="Build the documentation.")
    parser.add_argument("--serve", action="store_true", help="serve it at 127.0.0.1:8000")
    parser.add_argument("--site", type=Path, default=None, help="build into this folder")
    arguments = parser.parse_args()
    words = ["serve"] if arguments.serve else ["build", "--strict", "--quiet"]
    if arguments.site:
        words += ["--site-dir", str(arguments.site)]
    command = [sys.executable, "-m", "mkdocs", *words, "--config-file", str(_CONFIG)]
    # Its makers advertise there.
    quiet = os.environ | {"NO_MKDOCS_2_WARNING": "1", "DISABLE_MKDOCS_2_WARNING": "true"}
    # One for each build: two may run side by side.
    with tempfile.TemporaryDirectory() as folder:
        prepare(Path(folder))
        around = quiet | {"SMSGATE_PAGES": folder}
        code = subprocess.run(command, env=around, cwd=_HERE).returncode
    if code == 0 and not arguments.serve:
        print(f"open {arguments.site or _ROOT / 'build' / 'site'}/index.html")
    return code


if __name__ == "__main__":
    sys.exit(main())
