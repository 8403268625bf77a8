"""What a check finds."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum


class Verdict(Enum):
    """How a check ended."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Finding:
    """`advice` says what to do, and is empty if nothing is to be done."""

    verdict: Verdict
    says: str
    advice: str = ""


@dataclass(frozen=True)
class Check:
    """`vital`: if it fails, none of those after it can be made."""

    name: str
    make: Callable[[], Finding]
    vital: bool = False


def ok(says: str) -> Finding:
    """All is well."""
    return Finding(Verdict.OK, says)


def warning(says: str, advice: str) -> Finding:
    """It works, but not for ever, or not for everybody."""
    return Finding(Verdict.WARNING, says, advice)


def failed(says: str, advice: str) -> Finding:
    """It does not work."""
    return Finding(Verdict.FAILED, says, advice)


def skipped(says: str) -> Finding:
    """It could not be looked at, or was not asked for."""
    return Finding(Verdict.SKIPPED, says)
