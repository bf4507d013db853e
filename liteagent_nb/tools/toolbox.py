"""Toolbox: an Invoker of plain functions."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from liteagent_nb.core.arguments import bind_arguments, call_with
from liteagent_nb.core.errors import ConfigError
from liteagent_nb.core.schema import tool_from_function
from liteagent_nb.core.signatures import read_signature
from liteagent_nb.core.tools import Observation
from liteagent_nb.tools._observing import observe_async, observe_sync
from liteagent_nb.tools._rendering import failed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from liteagent_nb.core.signatures import Signature
    from liteagent_nb.core.tools import Tool

__all__ = ["Toolbox", "unknown_tool"]


class Toolbox:
    """Offers functions as tools: sync or async ones, methods, objects that can be called.

    Names come from the functions, or from a mapping's keys. Raises `ConfigError` for a name given twice, and for a
    function without one.
    """

    def __init__(self, functions: Iterable[Callable[..., object]] | Mapping[str, Callable[..., object]] = ()) -> None:
        named = functions.items() if isinstance(functions, Mapping) else (("", function) for function in functions)
        self._functions: dict[str, Callable[..., object]] = {}
        self._signatures: dict[str, Signature] = {}
        self._tools: list[Tool] = []
        for name, function in named:
            if not callable(function):
                raise ConfigError(f"{function!r} cannot be a tool: it cannot be called", hint="give a function")
            tool = tool_from_function(function, name=name)
            if tool.name in self._functions:
                raise ConfigError(f"two tools are named {tool.name!r}", hint='rename one: Toolbox({"other_name": it})')
            self._functions[tool.name] = function
            self._signatures[tool.name] = read_signature(function)
            self._tools.append(tool)

    async def list_tools(self) -> Sequence[Tool]:
        """Return the functions as tools."""
        return tuple(self._tools)

    async def call_tool(self, name: str, arguments: Mapping[str, object], *, timeout_s: float) -> Observation:
        """Call the function. Sync ones run in a thread; one that ignores its end is left behind, which is said."""
        function = self._functions.get(name)
        if function is None:
            return unknown_tool(name, self._functions)
        try:
            bound = bind_arguments(self._signatures[name], arguments)
        except ValueError as error:
            return Observation.failure(str(error))
        except Exception as error:  # noqa: BLE001 - a user's own class may raise anything when it is made
            return failed(error)
        call = functools.partial(call_with, function, bound)
        return await (observe_async if _is_async(function) else observe_sync)(call, timeout_s=timeout_s)


def unknown_tool(name: str, known: Iterable[str]) -> Observation:
    """Return what a call of a tool that nobody offers brings back."""
    return Observation.failure(f"unknown tool {name!r}; tools: {', '.join(known) or 'none'}")


def _is_async(function: object) -> bool:
    while isinstance(function, functools.partial):
        function = function.func
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None))  # noqa: B004
