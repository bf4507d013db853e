"""LocalMCPInvoker: the tools that every agent has, run on this machine."""

from __future__ import annotations

import shlex
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, Annotated

from liteagent_nb.core.arguments import bind_arguments
from liteagent_nb.core.schema import tool_from_function
from liteagent_nb.core.signatures import read_signature
from liteagent_nb.core.tools import Observation
from liteagent_nb.kernels.languages import LANGUAGES, find_language, run_code, unfenced
from liteagent_nb.kernels.processes import run_process, scratch_folder
from liteagent_nb.tools._executions import observed_execution
from liteagent_nb.tools.toolbox import unknown_tool

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from liteagent_nb.core.protocols import Executor
    from liteagent_nb.core.signatures import Signature
    from liteagent_nb.core.tools import Tool
    from liteagent_nb.kernels.languages import Wall

__all__ = ["LocalMCPInvoker"]

_FILLED_IN = ("timeout_s",)
_WITH_STATE = (
    "Run Python code and return what it prints, or the value of its last line. Variables stay from call to call."
)
_LANGUAGES = ", ".join(language.name for language in LANGUAGES)

_SIGNATURES: dict[str, Signature] = {}
_TOOLS: list[Tool] = []
"""Read off the functions once: every run has an invoker of its own, and reading takes milliseconds."""


class LocalMCPInvoker:
    """Runs code and allowed commands in processes of their own; two small tools beside.

    Code has a scratch folder to work in, a clean environment and limits. That keeps accidents small; it is no wall
    against malice, which a *wall* is. With an *executor* code runs there instead, Python with its variables kept where
    the executor keeps them.
    """

    def __init__(
        self,
        shell_allow_prefixes: Sequence[str] = ("echo",),
        tool_timeout_sec: float = 10.0,
        *,
        executor: Executor | None = None,
        wall: Wall | None = None,
    ) -> None:
        self._allowed = tuple(prefix.split() for prefix in shell_allow_prefixes if prefix.strip())
        self._timeout_s = tool_timeout_sec
        self._executor = executor
        self._wall = wall
        self._functions: dict[str, Callable[..., Awaitable[Observation]]] = {
            "exec_python": self._exec_python,
            "exec_shell": self._exec_shell,
            "exec_code": self._exec_code,
            "research_echo": _research_echo,
            "compress_runs": _compress_runs,
        }
        if not _SIGNATURES:
            _SIGNATURES.update({n: read_signature(f, hidden=_FILLED_IN) for n, f in self._functions.items()})
            _TOOLS.extend(_as_tool(name, function) for name, function in self._functions.items())
        self._tools = list(_TOOLS)
        if executor is not None:
            self._tools[0] = replace(self._tools[0], description=_WITH_STATE)

    async def list_tools(self) -> Sequence[Tool]:
        """Return the local tools."""
        return tuple(self._tools)

    async def call_tool(
        self, name: str, arguments: Mapping[str, object], *, timeout_s: float | None = None
    ) -> Observation:
        """Call a tool; the smaller time limit holds, this invoker's or the call's."""
        function = self._functions.get(name)
        if function is None:
            return unknown_tool(name, self._functions)
        try:
            bound = bind_arguments(_SIGNATURES[name], arguments)
        except ValueError as error:
            return Observation.failure(str(error))
        limit_s = self._timeout_s if timeout_s is None else min(timeout_s, self._timeout_s)
        return await function(**bound, timeout_s=limit_s)

    async def _exec_shell(self, cmd: Annotated[str, "a program and its arguments"], *, timeout_s: float) -> Observation:
        """Run one allowed program. There is no shell: no pipes, no redirection, no variables."""
        try:
            words = shlex.split(cmd)
        except ValueError as error:
            return Observation.failure(f"the command cannot be read: {error}")
        if not any(words[: len(allowed)] == allowed for allowed in self._allowed):
            prefixes = ", ".join(" ".join(allowed) for allowed in self._allowed) or "none"
            return Observation.failure(f"prefix not allowed: {words[0] if words else ''!r} (allowed: {prefixes})")
        async with scratch_folder() as folder:
            argv = words if self._wall is None else self._wall(words, folder)
            return observed_execution(await run_process(argv, timeout_s=timeout_s, scratch=folder), "shell")

    async def _exec_python(self, code: Annotated[str, "Python code"], *, timeout_s: float) -> Observation:
        """Run Python code in a fresh process and return what it prints, or the value of its last line."""
        return await self._exec_code("python", code, timeout_s=timeout_s)

    async def _exec_code(
        self,
        language: Annotated[str, f"one of {_LANGUAGES}"],
        code: Annotated[str, "a whole program"],
        *,
        timeout_s: float,
    ) -> Observation:
        """Run a program in the language named, and return what it prints."""
        found = find_language(language)
        if found is None:
            return Observation.failure(f"unknown language {language!r}; one of {_LANGUAGES}")
        if self._executor is None:
            result = await run_code(found, code, timeout_s=timeout_s, wall=self._wall)
        else:
            result = await self._executor.execute(unfenced(code), language=found.name, timeout_s=timeout_s)
        return observed_execution(result, found.name)


async def _research_echo(query: Annotated[str, "what to look up"], *, timeout_s: float) -> Observation:  # noqa: ARG001 - every tool has one
    """Return the query itself: a stand-in for research that needs no key and no network."""
    return Observation(ok=True, result={"query": query, "answer": query})


async def _compress_runs(s: Annotated[str, "the text"], *, timeout_s: float) -> Observation:  # noqa: ARG001 - every tool has one
    """Write each run of a letter as the letter and its count: `aaabbc` becomes `a3b2c1`."""
    return Observation(ok=True, result="".join(f"{letter}{len(list(run))}" for letter, run in groupby(s)))


def _as_tool(name: str, function: Callable[..., Awaitable[Observation]]) -> Tool:
    tool = tool_from_function(function, name=name, hidden=_FILLED_IN)
    return replace(tool, run_alone=name.startswith("exec_"))
