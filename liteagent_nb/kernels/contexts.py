"""Contexts: the near ContextExecutor. Code runs in kernels of this machine, fresh or with its state kept."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self

from liteagent_nb.core.errors import ConfigError, ExecBusy, UnknownContext
from liteagent_nb.kernels.languages import LANGUAGES, find_language, run_code
from liteagent_nb.kernels.local_starter import LocalStarter
from liteagent_nb.kernels.protocol import ContextState, ContextStatus, LanguageStatus
from liteagent_nb.kernels.sidecar import SidecarKernel
from liteagent_nb.kernels.versions import version_of
from liteagent_nb.kernels.warm_pool import WarmPool

if TYPE_CHECKING:
    from collections.abc import Sequence

    from liteagent_nb.core.execution import ExecResult, Output, OutputWatcher
    from liteagent_nb.kernels.connection import KernelStarter
    from liteagent_nb.kernels.languages import Language, Wall

__all__ = ["Contexts"]


@dataclass(slots=True)
class _Context:
    id: str
    language: str
    kernel: SidecarKernel
    created_at: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    is_starting: bool = False


class Contexts:
    """Runs code in contexts that keep their state, or each time in a fresh kernel out of a warm pool.

    Opens nothing until it is asked for something; `aclose` (or `async with`) leaves no process behind. At most
    *most_contexts* are open and *most_fresh* fresh executions run at once; *most_waiting* may wait for their turn.
    A context that nobody used for *close_idle_s* is closed. Where the *starter* starts kernels elsewhere, no program
    runs here. *wall* isolates programs; kernels are the *starter*'s to isolate.
    """

    def __init__(
        self,
        starter: KernelStarter | None = None,
        *,
        wall: Wall | None = None,
        warm: int = 1,
        most_contexts: int = 32,
        most_fresh: int = 8,
        most_waiting: int = 64,
        close_idle_s: float | None = None,
    ) -> None:
        self._starter = starter or LocalStarter()
        self._pool = WarmPool(self._starter, size=warm)
        self._runs_programs = isinstance(self._starter, LocalStarter)
        self._wall = wall
        self._contexts: dict[str, _Context] = {}
        self._most_contexts = most_contexts
        self._most_waiting = most_waiting
        self._fresh = asyncio.Semaphore(most_fresh)
        self._waiting = 0
        self._close_idle_s = close_idle_s
        self._sweeping: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.aclose()

    async def execute(
        self,
        code: str,
        *,
        language: str = "python",
        timeout_s: float = 10.0,
        context: str = "",
        watch: OutputWatcher | None = None,
    ) -> ExecResult:
        """Run *code*, in *context* where one is named; its language counts then. See `ContextExecutor`."""
        if context:
            kernel = self._known(context).kernel
            return replace(await kernel.execute(code, timeout_s=timeout_s, watch=watch), context=context)
        if self._waiting >= self._most_waiting:
            raise ExecBusy(f"{self._waiting} executions wait already", hint="try again later")
        self._waiting += 1
        try:
            await self._fresh.acquire()
        finally:
            self._waiting -= 1
        try:
            program = self._program(language)
            if program is not None:
                result = await run_code(program, code, timeout_s=timeout_s, wall=self._wall, watch=watch)
                return replace(result, outputs=_streams(result))
            return await self._execute_fresh(code, language, timeout_s, watch)
        finally:
            self._fresh.release()

    async def _execute_fresh(
        self, code: str, language: str, timeout_s: float, watch: OutputWatcher | None
    ) -> ExecResult:
        kernel = SidecarKernel(lambda: self._pool.take(_kernel_name(language)))
        try:
            result = await kernel.execute(code, timeout_s=timeout_s, watch=watch)
        finally:
            await kernel.close()
        return replace(result, state_lost=False)  # it had none to lose

    async def create(self, language: str = "python", *, name: str = "") -> ContextStatus:
        """Open a context, under *name* or an id of its own, its kernel ready."""
        if name in self._contexts:
            raise ConfigError(f"there is a context {name!r} already", hint="choose another name, or restart that one")
        if len(self._contexts) >= self._most_contexts:
            raise ExecBusy(f"{len(self._contexts)} contexts are open", hint="close one first")
        if self._program(language) is not None:
            raise ConfigError(f"{language} keeps no state between executions", hint="run it without a context")
        context_id = name or secrets.token_hex(4)
        kernel = SidecarKernel(lambda: self._pool.take(_kernel_name(language)))
        self._contexts[context_id] = context = _Context(context_id, language, kernel, is_starting=True)
        try:
            await kernel.open()
        except BaseException:
            self._contexts.pop(context_id, None)
            await kernel.close()
            raise
        context.is_starting = False
        if self._close_idle_s is not None and self._sweeping is None:
            self._sweeping = asyncio.get_running_loop().create_task(self._sweep(self._close_idle_s))
        return _status(context)

    async def contexts(self) -> Sequence[ContextStatus]:
        """Return all open contexts."""
        return [_status(context) for context in self._contexts.values()]

    async def interrupt(self, context: str) -> None:
        """Interrupt what runs in *context*."""
        await self._known(context).kernel.interrupt()

    async def restart(self, context: str) -> ContextStatus:
        """Give *context* a new kernel; its state is gone."""
        known = self._known(context)
        await known.kernel.restart()
        return _status(known)

    async def close(self, context: str) -> None:
        """Close *context* and end its kernel."""
        self._known(context)
        await self._contexts.pop(context).kernel.close()

    async def languages(self) -> Sequence[LanguageStatus]:
        """Return the languages that are known, and which of them can be run."""
        kernels = list(await self._starter.languages())
        names = {kernel.name for kernel in kernels}
        programs = [language for language in LANGUAGES if self._runs_programs and language.name not in names]
        return kernels + list(await asyncio.gather(*(_program_status(language) for language in programs)))

    async def aclose(self) -> None:
        """Close all contexts; no kernel is left."""
        if self._sweeping is not None:
            self._sweeping.cancel()
        contexts = list(self._contexts.values())
        self._contexts.clear()
        await asyncio.gather(*(context.kernel.close() for context in contexts), return_exceptions=True)
        await self._pool.aclose()
        await self._starter.aclose()

    async def _sweep(self, idle_s: float) -> None:
        """Close what is no longer used: clients go away without a word."""
        while True:
            await asyncio.sleep(idle_s / 4)
            for status in await self.contexts():
                if status.state == "idle" and status.idle_s > idle_s:
                    await self.close(status.id)

    def _program(self, language: str) -> Language | None:
        """Return the language if it is run as a program: every one we know but Python, which has a kernel of ours."""
        found = find_language(language) if self._runs_programs else None
        return found if found is not None and found.name != "python" else None

    def _known(self, context: str) -> _Context:
        try:
            return self._contexts[context]
        except KeyError:
            names = ", ".join(self._contexts) or "none"
            raise UnknownContext(f"there is no context {context!r}", hint=f"open ones: {names}") from None


def _streams(result: ExecResult) -> tuple[Output, ...]:
    """Return what a program printed as outputs."""
    printed = {"stdout": result.stdout, "stderr": result.stderr}
    return tuple({"output_type": "stream", "name": name, "text": text} for name, text in printed.items() if text)


def _kernel_name(language: str) -> str:
    """Return the name by which a starter knows *language*."""
    found = find_language(language)
    return found.name if found is not None else language


async def _program_status(language: Language) -> LanguageStatus:
    version = await version_of(language)
    return LanguageStatus(language.name, version is not None, version or "", aliases=language.aliases)


def _status(context: _Context) -> ContextStatus:
    kernel = context.kernel
    return ContextStatus(
        context.id,
        context.language,
        _state(context),
        pid=kernel.pid,
        created_at=context.created_at,
        executions=kernel.executions,
        queued=kernel.queued,
        idle_s=0.0 if kernel.is_busy else round(asyncio.get_running_loop().time() - kernel.ended_s, 1),
    )


def _state(context: _Context) -> ContextState:
    if context.is_starting:
        return "starting"
    if context.kernel.is_busy:
        return "busy"
    return "idle" if context.kernel.is_alive else "dead"
