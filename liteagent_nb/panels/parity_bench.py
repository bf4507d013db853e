"""ParityBench: measures behind the cells, one comparison after the other, and tells a view."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from liteagent_nb.core.errors import LiteAgentError
from liteagent_nb.core.threads import Thread
from liteagent_nb.core.verdict import Verdict
from liteagent_nb.panels.parity_state import ParityState
from liteagent_nb.panels.parity_view import verdict_html
from liteagent_nb.panels.telling import Teller
from liteagent_nb.parity.events import ParityWatcher

if TYPE_CHECKING:
    from collections.abc import Iterable

    from liteagent_nb.core.portal import Portal
    from liteagent_nb.panels.comparison_card import Comparison, Request

__all__ = ["Measure", "ParityBench", "Screen"]

Measure: TypeAlias = Callable[["Request", ParityWatcher], Coroutine[Any, Any, Verdict]]
"""Measures what is asked for, and tells how far it is. Raises `LiteAgentError` where it cannot be measured."""


class Screen(Protocol):
    """Where comparisons are seen."""

    def send(self, message: dict[str, object]) -> None:
        """Tell the view."""

    def keep(self, comparisons: tuple[Comparison, ...]) -> None:
        """Show all that ended as an output of the notebook."""


class ParityBench:
    """Measures on the loop of *portal*: what changes it happens there; its methods may be called from any thread.

    Two at once would slow each other down, so that the second waits.
    """

    def __init__(
        self, measure: Measure, screen: Screen, portal: Portal, *, request: Request, arms: Iterable[str] = ()
    ) -> None:
        self.state = ParityState(request, arms=arms)
        self.is_idle = threading.Event()
        self.is_idle.set()
        self._measure = measure
        self._screen = screen
        self._portal = portal
        self._teller = Teller(self.state, screen.send)
        self._turn = asyncio.Lock()
        self._tasks: dict[int, asyncio.Task[None]] = {}

    def run(self, request: Request) -> None:
        """Measure when those before it are measured; returns at once."""
        self.is_idle.clear()
        self._portal.call_soon(lambda: self._add(request))

    def stop(self, number: int = 0) -> None:
        """Stop one comparison, or all that go on and wait; what was measured is kept and judged."""
        self._portal.call_soon(lambda: self._stop(number))

    def change(self, change: Callable[[ParityState], object]) -> None:
        """Change what is shown."""
        self._portal.call_soon(lambda: self._teller.after(lambda: change(self.state)))

    def show_whole(self) -> None:
        """Send all there is to a view that begins."""
        self._portal.call_soon(self._teller.whole)

    # from here on, on the portal's loop

    def _add(self, request: Request) -> None:
        one = self.state.add(request)
        self.state.notice("")
        self._tasks[one.number] = asyncio.get_running_loop().create_task(self._work(one))
        self._teller.soon()

    async def _work(self, one: Comparison) -> None:
        try:
            async with self._turn:
                self._teller.after(lambda: self.state.begin(one, now_s=asyncio.get_running_loop().time()))
                fault = await self._measured(one)
                html = await self._drawn(one)
            self.state.end(one, html=html, fault=fault)
        except asyncio.CancelledError:  # while it waited
            self.state.end(one)
        except Exception as error:  # noqa: BLE001 - whatever breaks a comparison, the next one is measured
            self.state.end(one, fault=f"{type(error).__name__}: {error}")
        self._tasks.pop(one.number, None)
        self._teller.now()
        self._screen.keep(self.state.ended)
        if not self._tasks:
            self.is_idle.set()

    async def _measured(self, one: Comparison) -> str:
        """Measure; return why that was not possible, if it was not."""
        try:
            await self._measure(one.request, lambda event: self._teller.after(lambda: self.state.take(one, event)))
        except asyncio.CancelledError:
            return ""  # what was measured until then was told
        except LiteAgentError as error:
            return f"{error}{f' · {error.hint}' if error.hint else ''}"
        return ""

    async def _drawn(self, one: Comparison) -> str:
        """Draw what was found, beside the loop where other work goes on, but before the next one is measured."""
        if (verdict := one.verdict) is None or not verdict.trials:
            return ""
        self._teller.after(lambda: self.state.draw(one))
        return await Thread(lambda: verdict_html(verdict), name="liteagent-drawing").start().outcome

    def _stop(self, number: int) -> None:
        found = self.state.comparisons.get(number)
        for one in [found] if found is not None else self.state.active:
            if one.stage in {"waiting", "running"}:
                self._tasks[one.number].cancel()
