"""The commands of a page of the documentation, run, and what they print compared with the page."""

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SECONDS = 120.0
_MARK = "@@ command "
# In a page: whatever is there, over as many lines as there are.
_ANYTHING = "…"


@dataclass(frozen=True)
class Command:
    text: str
    prints: str


def commands(page: str) -> list[Command]:
    """Every command of the page's consoles, with what stands below it."""
    return [command for block in _BLOCK.findall(page) for command in _of_block(block)]


def _of_block(block: str) -> Iterator[Command]:
    # A line that ends with a backslash goes on.
    pieces = re.split(r"^\$ ", block, flags=re.MULTILINE)
    assert not pieces[0], f"a console begins with a command, not with {pieces[0]!r}"
    for piece in pieces[1:]:
        lines = piece.splitlines()
        last = next(n for n, line in enumerate(lines) if not line.endswith("\\"))
        yield Command("\n".join(lines[: last + 1]), "\n".join(lines[last + 1 :]))


def check(page: Path, replaced: Mapping[str, str], environment: Mapping[str, str]) -> int:
    """Run all commands in one shell, so that its variables stay. AssertionError tells those
    whose output is another; returns how many there are.
    """
    wanted = commands(page.read_text("utf-8"))
    script = "".join(
        f'echo; echo "{_MARK}{number}"\n{_with(command.text, replaced)}\n'
        for number, command in enumerate(wanted)
    )
    done = subprocess.run(
        ["bash"],
        input=script,
        cwd=ROOT,
        env=os.environ | dict(environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    outputs = re.split(rf"^{_MARK}\d+\n", done.stdout, flags=re.MULTILINE)[1:]
    assert len(outputs) == len(wanted), done.stdout
    wrong = [
        f"$ {command.text}\n{output}"
        for command, output in zip(wanted, outputs, strict=True)
        if not _matches(command.prints, output)
    ]
    assert not wrong, "\n".join(wrong)
    return len(wanted)


def _with(text: str, replaced: Mapping[str, str]) -> str:
    for old, new in replaced.items():
        text = text.replace(old, new)
    return text


def _matches(prints: str, output: str) -> bool:
    parts = [re.escape(part) for part in prints.strip().split(_ANYTHING)]
    return re.fullmatch(".*?".join(parts), output.strip(), re.DOTALL) is not None
