"""References to what was saved, and whether an answer has what was expected."""

import re
from collections.abc import Mapping
from typing import Any

_REFERENCE = re.compile(r"\$\{([^}]+)\}")
_ANYTHING = "*"


def filled(value: Any, saved: Mapping[str, Any]) -> Any:
    """A value with every `${name.path}` replaced. KeyError names what was not saved."""
    if isinstance(value, dict):
        return {key: filled(inner, saved) for key, inner in value.items()}
    if isinstance(value, list):
        return [filled(inner, saved) for inner in value]
    if not isinstance(value, str):
        return value
    if whole := _REFERENCE.fullmatch(value):
        return _found(whole[1], saved)
    return _REFERENCE.sub(lambda match: str(_found(match[1], saved)), value)


def _found(path: str, saved: Any) -> Any:
    found = saved
    for name in path.split("."):
        try:
            found = found[int(name) if isinstance(found, list) else name]
        except (KeyError, IndexError, TypeError):
            raise KeyError(f"nothing was saved as {path}") from None
    return found


def difference(expected: Any, got: Any, path: str = "") -> str:
    """What `got` lacks of `expected`, for people; empty if nothing."""
    if expected is None or expected == _ANYTHING:
        wanted = expected is not None
        return "" if bool(got) is wanted else f"{path}: {'missing' if wanted else f'is {got!r}'}"
    if isinstance(expected, dict) and isinstance(got, dict):
        inner = (
            difference(value, got.get(key), f"{path}.{key}") for key, value in expected.items()
        )
        return next(filter(None, inner), "")
    if isinstance(expected, list) and isinstance(got, list) and len(expected) == len(got):
        pairs = enumerate(zip(expected, got, strict=True))
        return next(filter(None, (difference(e, g, f"{path}.{n}") for n, (e, g) in pairs)), "")
    return "" if expected == got else f"{path}: expected {expected!r}, got {got!r}"
