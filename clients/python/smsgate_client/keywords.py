"""A keyword that nobody knows is an error, not a wish that is ignored."""

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from functools import wraps
from inspect import signature
from typing import Any, ParamSpec, TypeVar

_P = ParamSpec("_P")
_T = TypeVar("_T")


def takes(kind: Any) -> Callable[[Callable[_P, _T]], Callable[_P, _T]]:
    """Let a function with `**fields: Unpack[kind]` take the keys of this TypedDict and no others.

    Type checkers know them anyway; this is for who has none.
    """

    def checked(function: Callable[_P, _T]) -> Callable[_P, _T]:
        known = _keys(kind) | (signature(function).parameters.keys() - {"fields"})

        @wraps(function)
        def call(*args: _P.args, **fields: _P.kwargs) -> _T:
            _refuse(fields, known)
            return function(*args, **fields)

        return call

    return checked


def refuse_unknown(fields: Mapping[str, object], kind: Any) -> None:
    """TypeError if `fields` has a key that the TypedDict `kind` has not."""
    _refuse(fields, _keys(kind))


def _keys(kind: Any) -> frozenset[str]:
    return frozenset(kind.__required_keys__ | kind.__optional_keys__)


def _refuse(fields: Mapping[str, object], known: frozenset[str]) -> None:
    for name in fields:
        if name not in known:
            close = get_close_matches(name, known, 1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            raise TypeError(f"there is no {name!r}{hint}")
