"""Workbench: runs code behind the cells, one execution after the other in each context, and tells a view."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import defaultdict
from typing import TYPE_CHECKING, Protocol

from liteagent_nb.core.errors import LiteAgentError
from liteagent_nb.kernels.variables import variables_of
from liteagent_nb.panels.exec_state import ExecState
from liteagent_nb.panels.pacing import Paced
from liteagent_nb.panels.telling import Teller

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from liteagent_nb.core.execution import ExecResult
    from liteagent_nb.core.portal import Portal
    from liteagent_nb.kernels.protocol import ContextExecutor
    from liteagent_nb.panels.execution_card import Execution

__all__ = ["Screen", "Workbench"]


_KEEP_EVERY_S = 1.0
"""All that ended is drawn anew then."""


class Screen(Protocol):
    """Where executions are seen."""

    def send(self, message: dict[str, object]) -> None:
        """Tell the view."""

    def keep(self, executions: tuple[Execution, ...]) -> None:
        """Show all that ended as an output of the notebook."""


class Workbench:
    """Runs code on the loop of *portal*: what changes it happens there; its methods may be called from any thread."""

    def __init__(
        self,
        executor: ContextExecutor,
        screen: Screen,
        portal: Portal,
        *,
        context: str = "main",
        language: str = "python",
        timeout_s: float = 60.0,
    ) -> None:
        self.state = ExecState(language=language, context=context)
        self.timeout_s = timeout_s
        """How long an execution may take."""
        self.is_idle = threading.Event()
        self.is_idle.set()
        self._main = context
        self._executor = executor
        self._screen = screen
        self._portal = portal
        self._teller = Teller(self.state, screen.send)
        self._keeping = Paced(self._keep, interval_s=_KEEP_EVERY_S)
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._errands: set[asyncio.Task[None]] = set()

    def run(self, code: str, *, language: str = "", context: str | None = None) -> None:
        """Run *code* in the chosen language and context, or others; returns at once."""
        self.is_idle.clear()
        self._portal.call_soon(lambda: self._add(code, language, context))

    def interrupt(self, number: int = 0) -> None:
        """Interrupt one execution; without a number, what runs and waits in the chosen context."""
        self._portal.call_soon(lambda: self._interrupt(number))

    def restart(self) -> None:
        """Give the chosen context a new kernel; its variables are gone."""
        self._soon(self._restart)

    def close_context(self) -> None:
        """Close the chosen context."""
        self._soon(self._close_context)

    def choose(self, *, language: str | None = None, context: str | None = None) -> None:
        """Run in another language or context from now on."""
        self._portal.call_soon(lambda: self._choose(language, context))

    def look(self) -> None:
        """Ask what is open and which variables are there: cells change them, too."""
        self._soon(self._look)

    def change(self, change: Callable[[ExecState], object]) -> None:
        """Change what is shown."""
        self._portal.call_soon(lambda: self._teller.after(lambda: change(self.state)))

    def show_whole(self) -> None:
        """Send all there is to a view that begins."""
        self._portal.call_soon(self._teller.whole)

    def close(self) -> None:
        """Stop what runs and waits here; contexts stay open."""
        self._portal.call_soon(self._stop_all)

    # from here on, on the portal's loop

    def _soon(self, errand: Callable[[], Coroutine[None, None, None]]) -> None:
        self._portal.call_soon(lambda: self._begin(errand()))

    def _begin(self, errand: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(self._told(errand))
        self._errands.add(task)
        task.add_done_callback(self._errands.discard)

    async def _told(self, errand: Coroutine[None, None, None]) -> None:
        try:
            await errand
        except (LiteAgentError, OSError) as error:
            self.state.notice(_line(error))
        self._teller.soon()

    def _add(self, code: str, language: str, context: str | None) -> None:
        language = language or self.state.language
        if context is None:
            context = self.state.context if language == self.state.language else self._context_of(language)
        one = self.state.add(code, language, context)
        self.state.notice("")
        self._tasks[one.number] = asyncio.get_running_loop().create_task(self._work(one))
        self._teller.soon()

    async def _work(self, one: Execution) -> None:
        try:
            turn = self._turns[one.context] if one.context else contextlib.nullcontext()
            async with turn:
                self.state.begin(one, now_s=_now())
                self._teller.soon()
                self.state.end(one, await self._executed(one))
        except asyncio.CancelledError:
            self.state.end(one)
        except LiteAgentError as error:
            self.state.end(one, fault=_line(error))
        except Exception as error:  # noqa: BLE001 - whatever breaks an execution, the next one is run
            self.state.end(one, fault=f"{type(error).__name__}: {error}")
        finally:
            self._over(one)

    async def _executed(self, one: Execution) -> ExecResult:
        if one.context and one.context not in {status.id for status in await self._executor.contexts()}:
            await self._executor.create(one.language, name=one.context)
        return await self._executor.execute(
            one.code,
            language=one.language,
            timeout_s=self.timeout_s,
            context=one.context,
            watch=lambda output: self._teller.after(lambda: self.state.take(one, output)),
        )

    def _over(self, one: Execution) -> None:
        self._tasks.pop(one.number, None)
        self._teller.now()
        self._keeping.soon()
        if not self.state.active():
            self._keeping.now()
            self.is_idle.set()
        if not self.state.active(one.context):
            self._begin(self._look())

    def _keep(self) -> None:
        self._screen.keep(self.state.ended)

    def _interrupt(self, number: int) -> None:
        one = self.state.executions.get(number)
        for each in [one] if one is not None else self.state.active(self.state.context):
            self._stop(each)

    def _stop(self, one: Execution) -> None:
        """Stop it: what runs in a context is interrupted and ends by itself; the rest is given up."""
        if one.stage == "running" and one.context:
            self._begin(self._executor.interrupt(one.context))
        elif one.number in self._tasks:
            self._tasks[one.number].cancel()

    def _stop_all(self) -> None:
        for one in self.state.active():
            self._stop(one)

    async def _restart(self) -> None:
        context = self.state.context
        for one in self.state.active(context):
            if one.stage == "waiting":
                self._stop(one)
        await self._executor.restart(context)
        self.state.notice(f"Context {context} begins anew; its variables are gone.")
        await self._look()

    async def _close_context(self) -> None:
        await self._executor.close(self.state.context)
        self.state.notice(f"Context {self.state.context} is closed.")
        self.state.choose(context=self._context_of(self.state.language))
        await self._look()

    def _choose(self, language: str | None, context: str | None) -> None:
        if language is not None:
            context = self._context_of(language)
        elif context:
            language = next((one.language for one in self.state.contexts if one.id == context), None)
        self.state.choose(language=language, context=context)
        self.state.show_variables(None)
        self._begin(self._look())

    def _context_of(self, language: str) -> str:
        """Return where code of *language* runs when nobody says: python in the panel's own context."""
        if language == "python":
            return self._main
        if not self.state.keeps_state(language):
            return ""
        mark = self._main.removeprefix("main")
        return f"{language}{mark if mark.startswith('-') else ''}"

    async def _look(self) -> None:
        if not self.state.languages:
            self.state.show_languages(await self._executor.languages())
            if self.state.language != "python":  # only now is it known whether it keeps state
                self.state.choose(context=self._context_of(self.state.language))
        contexts = await self._executor.contexts()
        self.state.show_contexts(contexts)
        self._teller.soon()
        here = next((one for one in contexts if one.id == self.state.context), None)
        if here is None or here.language != "python":
            self.state.show_variables([] if here is None else None)
        elif here.state == "idle":
            self.state.show_variables(await variables_of(self._executor, here.id))


def _line(error: Exception) -> str:
    hint = getattr(error, "hint", "")
    return f"{error}{f' · {hint}' if hint else ''}"


def _now() -> float:
    return asyncio.get_running_loop().time()
