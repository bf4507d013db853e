"""What a cell of `%exec` does: open its context, take variables along, run, bring variables back."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from liteagent_nb.core.errors import ConfigError, ExecError
from liteagent_nb.core.execution import ExecResult
from liteagent_nb.kernels.crossing import Packed, fetch, packed, send
from liteagent_nb.kernels.protocol import LanguageStatus
from liteagent_nb.magics.references import find_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from liteagent_nb.core.execution import OutputWatcher
    from liteagent_nb.kernels.protocol import ContextExecutor
    from liteagent_nb.magics.options import Settings

__all__ = ["ExecCell", "Outcome"]

_PYTHON = LanguageStatus("python", is_installed=True, keeps_state=True, aliases=("", "py", "python3"))
_STOPPING_S = 3.5
"""Interrupted code has two seconds before its kernel is killed; the portal waits five."""
_MAX_SECONDS = 7 * 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a cell."""

    result: ExecResult
    brought: tuple[Packed, ...] = ()
    """Variables that came back."""
    fault: ExecError | None = None
    """Why one did not."""


@dataclass(frozen=True, slots=True)
class ExecCell:
    """A piece of code, and where and how it is to be run."""

    code: str
    language: str
    """As it was named; empty where none was."""
    context: str | None
    """The context that was named; None for that of the language, empty for a fresh one."""
    default: str
    """The context of the notebook's Python cells."""
    mark: str
    """What the names of contexts that nobody named end in."""
    timeout_s: float
    incoming: tuple[Packed, ...] = ()
    outgoing: tuple[str, ...] = ()

    @classmethod
    def of(cls, code: str, wanted: Settings, names: Mapping[str, object], *, mark: str) -> ExecCell:
        """Return what the line asks for. Raises `ConfigError` where it makes no sense, or a variable cannot cross."""
        if wanted.fresh and wanted.context:
            raise ConfigError("--fresh and --context exclude one another", hint="leave one of them out")
        if not 0 < wanted.timeout <= _MAX_SECONDS:
            raise ConfigError(f"the time limit is {wanted.timeout:g} s", hint="write --timeout S with S above 0")
        return cls(
            code=code,
            language=wanted.lang.strip().lower(),
            context="" if wanted.fresh else wanted.context,
            default=wanted.main + mark,
            mark=mark,
            timeout_s=wanted.timeout,
            incoming=tuple(packed(_name(name), find_name(name, names)) for name in wanted.incoming or ()),
            outgoing=tuple(_name(name) for name in wanted.outgoing or ()),
        )

    async def placed(self, executor: ContextExecutor) -> ExecCell:
        """Return it with its language and context known: programs keep no state, so they need no context."""
        language = await _language(executor, self.language)
        if (self.incoming or self.outgoing) and language.name != "python":
            raise ConfigError(f"variables cross to and from python only, not {language.name}", hint="use files")
        context = self._default(language) if self.context is None else self.context
        return replace(self, language=language.name if self.language else "", context=context)

    def _default(self, language: LanguageStatus) -> str:
        if language.name == _PYTHON.name:
            return self.default
        return f"{language.name}{self.mark}" if language.keeps_state else ""

    async def run(self, executor: ContextExecutor, watch: OutputWatcher | None) -> Outcome:
        """Run a placed cell. Being cancelled interrupts the code; the context survives."""
        if self.context or not (self.incoming or self.outgoing):
            return await self._run(executor, watch)
        # Variables cross by executions of their own, so they need a context.
        fresh = await executor.create(self.language or _PYTHON.name)
        try:
            return await replace(self, context=fresh.id)._run(executor, watch)  # noqa: SLF001 - its own kind
        finally:
            await executor.close(fresh.id)

    async def _run(self, executor: ContextExecutor, watch: OutputWatcher | None) -> Outcome:
        async def execute(code: str, watch: OutputWatcher | None = None) -> ExecResult:
            return await self._stoppable(executor, code, watch)

        if self.context:
            await self._open(executor)
        for variable in self.incoming:
            await send(variable, execute)
        result = await execute(self.code, watch)
        if not result.ok:
            return Outcome(result)
        try:
            return Outcome(result, tuple([await fetch(name, execute) for name in self.outgoing]))
        except ExecError as fault:
            return Outcome(result, fault=fault)

    async def _stoppable(self, executor: ContextExecutor, code: str, watch: OutputWatcher | None) -> ExecResult:
        """Execute *code*; being cancelled interrupts it and waits for its end, which says if its variables survived."""
        running = asyncio.ensure_future(
            executor.execute(
                code,
                language=self.language or _PYTHON.name,
                timeout_s=self.timeout_s,
                context=self.context or "",
                watch=watch,
            )
        )
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            if self.context:
                await executor.interrupt(self.context)
                await asyncio.wait({running}, timeout=_STOPPING_S)
            if running.cancel():
                raise
            return running.result()

    async def _open(self, executor: ContextExecutor) -> None:
        """Open the context where it is not open. Raises `ConfigError` where it speaks another language."""
        for status in await executor.contexts():
            if status.id == self.context and self.language not in {"", status.language}:
                hint = "name another --context, or leave out --lang"
                raise ConfigError(f"context {status.id} runs {status.language}, not {self.language}", hint=hint)
            if status.id == self.context:
                return
        await executor.create(self.language or _PYTHON.name, name=self.context or "")


async def _language(executor: ContextExecutor, named: str) -> LanguageStatus:
    if named == _PYTHON.name or named in _PYTHON.aliases:
        return _PYTHON
    for known in await executor.languages():
        if named == known.name or named in known.aliases:
            return known
    return LanguageStatus(named, is_installed=False)  # the executor says what is wrong with it


def _name(name: str) -> str:
    if not name.isidentifier():
        raise ConfigError(f"{name!r} is no name for a variable", hint="name a variable: --in NAME, --out NAME")
    return name
