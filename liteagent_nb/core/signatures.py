"""What any callable takes by name."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from liteagent_nb.core.annotations import EMPTY, resolved

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["Function", "Parameter", "Signature", "read_signature"]

Function: TypeAlias = Callable[..., object]  # type: ignore[explicit-any]  # whatever it takes: that is the point here
"""Any callable at all."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter; *annotation* and *default* are `EMPTY` where there is none."""

    name: str
    annotation: object = EMPTY
    default: object = EMPTY
    is_positional_only: bool = False

    @property
    def is_required(self) -> bool:
        """Whether it has no default."""
        return self.default is EMPTY


@dataclass(frozen=True, slots=True)
class Signature:
    """What a function takes by name."""

    parameters: tuple[Parameter, ...]
    others: object | None = None
    """The annotation of what else it takes (`**kwargs`), `EMPTY` for anything; None where it takes nothing else."""


def read_signature(function: Function, *, hidden: Iterable[str] = ()) -> Signature:
    """Return what *function* takes by name, without *hidden*. Where Python itself does not know: anything."""
    try:
        found = inspect.signature(function).parameters.values()
    except (ValueError, TypeError, NameError):
        return Signature((), others=EMPTY)
    names, hidden = _globals(function), set(hidden)
    parameters: list[Parameter] = []
    others: object | None = None
    for parameter in found:
        annotation = resolved(parameter.annotation, names)
        if parameter.kind is parameter.VAR_KEYWORD:
            others = annotation
        elif parameter.kind is not parameter.VAR_POSITIONAL and parameter.name not in hidden:
            is_positional_only = parameter.kind is parameter.POSITIONAL_ONLY
            parameters.append(Parameter(parameter.name, annotation, parameter.default, is_positional_only))
    return Signature(tuple(parameters), others)


def _globals(function: object) -> Mapping[str, object]:
    """Return the names that the function's annotations were written among."""
    while isinstance(function, functools.partial):
        function = function.func
    function = inspect.unwrap(function) if callable(function) else function
    own = function.__init__ if isinstance(function, type) else getattr(type(function), "__call__", None)  # type: ignore[misc]  # noqa: B004
    for candidate in (function, getattr(function, "__func__", None), own):
        names = getattr(candidate, "__globals__", None)
        if isinstance(names, dict):
            return names
    return {}
