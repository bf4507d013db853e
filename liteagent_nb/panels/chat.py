"""Chat: a conversation that goes on behind the cells. It runs one question after the other, and tells a view."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Protocol, TypeAlias

from liteagent_nb.core.chat import Transcript
from liteagent_nb.core.errors import LiteAgentError
from liteagent_nb.core.steps import RunDone
from liteagent_nb.core.threads import Thread
from liteagent_nb.panels.chat_state import ChatState
from liteagent_nb.panels.telling import Teller

if TYPE_CHECKING:
    import contextvars
    from collections.abc import Callable, Coroutine, Mapping

    from liteagent_nb.core.portal import Portal
    from liteagent_nb.core.steps import Event, Run, Watcher
    from liteagent_nb.panels.chat_turns import Question, Turn
    from liteagent_nb.tools.approving import Ask

    Work: TypeAlias = Coroutine[None, None, Run]

__all__ = ["Backing", "Chat", "Screen"]

_REFUSED = "the user did not allow this call"


class Backing(Protocol):
    """What answers a chat's questions."""

    def prepare(self, question: Question, before: Transcript) -> Callable[[Watcher, Ask], Work]:
        """Return what runs *question*; may take seconds. Raises `LiteAgentError` where it cannot be run."""

    def keep(self, turn: Turn) -> None:
        """Keep what came of it."""


class Screen(Protocol):
    """Where a chat is seen."""

    def send(self, message: dict[str, object]) -> None:
        """Tell the view."""

    def publish(self, turn: Turn) -> None:
        """Show a finished turn as an output of the notebook, or show it anew where it is there already."""


class Chat:
    """A chat on the loop of *portal*: all that changes it happens there; its methods may be called from any thread."""

    def __init__(self, backing: Backing, screen: Screen, portal: Portal) -> None:
        self.state = ChatState()
        self._backing = backing
        self._screen = screen
        self._portal = portal
        self._teller = Teller(self.state, screen.send)
        self._worker: asyncio.Task[None] | None = None
        self._running: asyncio.Task[Run] | None = None
        self._leaves: dict[int, asyncio.Future[str]] = {}
        self._allowed: set[str] = set()
        self.is_idle = threading.Event()
        self.is_idle.set()

    def ask(self, question: Question, *, context: contextvars.Context | None = None) -> None:
        """Answer *question* when those before it are answered; what it shows belongs to the cell of *context*."""
        self.is_idle.clear()
        self._portal.call_soon(lambda: self._ask(question, context), context=context)

    def stop(self) -> None:
        """Stop the run that goes on; what came so far is kept, and what waits comes next."""
        self._portal.call_soon(self._stop)

    def decide(self, number: int, *, is_allowed: bool, is_for_all: bool = False) -> None:
        """Allow or refuse a call that is asked for; *is_for_all*: this tool is not asked for again."""
        self._portal.call_soon(lambda: self._decide(number, is_allowed=is_allowed, is_for_all=is_for_all))

    def drop(self, place: int) -> None:
        """Take back a question that waits."""
        self._portal.call_soon(lambda: self._teller.after(lambda: self.state.drop(place)))

    def set(self, **fields: object) -> None:
        """Show what comes from outside."""
        self._portal.call_soon(lambda: self._teller.after(lambda: self.state.set(**fields)))

    def show_whole(self) -> None:
        """Send all there is to a view that begins."""
        self._portal.call_soon(self._teller.whole)

    def close(self) -> None:
        """Stop, and forget what waits."""
        self._portal.call_soon(self._close)

    # from here on, on the portal's loop

    def _ask(self, question: Question, context: contextvars.Context | None) -> None:
        self.state.add(question)
        self._teller.soon()
        if self._worker is None or self._worker.done():
            self._worker = asyncio.get_running_loop().create_task(self._work(), context=context)

    async def _work(self) -> None:
        try:
            while self.state.queue:
                await self._answer(self.state.next())
        finally:
            self._teller.now()
            self.is_idle.set()

    async def _answer(self, question: Question) -> None:
        before = self.state.transcript(question.replaces, Transcript())
        self.state.begin(question, now_s=_now())
        self._teller.soon()
        self._running = asyncio.get_running_loop().create_task(self._run(question, before))
        try:
            run = await self._running
        except asyncio.CancelledError:
            if not self._running.done():  # it is the chat that ends
                self._running.cancel()
                raise
            self.state.fail("Stopped before anything had come.")
        except LiteAgentError as error:
            self.state.fail(f"{error}{f' · {error.hint}' if error.hint else ''}")
        except Exception as error:  # noqa: BLE001 - whatever breaks a question, the next one is answered
            self.state.fail(f"{type(error).__name__}: {error}")
        else:
            self._keep(question, run, before)
        self._teller.now()

    async def _run(self, question: Question, before: Transcript) -> Run:
        """Run *question*; a stop gives what came so far."""
        ended: list[Run] = []

        def watch(event: Event) -> None:
            if isinstance(event, RunDone):
                ended.append(event.run)
            self._teller.after(lambda: self.state.take(event, now_s=_now()))

        thread = Thread(lambda: self._backing.prepare(question, before), name="liteagent-panel").start()
        start = await thread.outcome
        try:
            return await start(watch, self._ask_leave)
        except asyncio.CancelledError:
            if ended:
                return ended[-1]
            raise

    def _keep(self, question: Question, run: Run, before: Transcript) -> None:
        turn, replaced = self.state.end(question, run, before)
        self._backing.keep(turn)
        for one in (*replaced, turn):
            self._screen.publish(one)

    async def _ask_leave(self, name: str, arguments: Mapping[str, object]) -> str:
        if name in self._allowed:
            return ""
        number = self.state.ask_leave(name, arguments)
        self._leaves[number] = asyncio.get_running_loop().create_future()
        self._teller.soon()
        try:
            return await self._leaves[number]
        finally:
            del self._leaves[number]
            self._teller.after(lambda: self.state.decided(number, now_s=_now()))

    def _decide(self, number: int, *, is_allowed: bool, is_for_all: bool) -> None:
        leave = self._leaves.get(number)
        if leave is None or leave.done():
            return
        if is_allowed and is_for_all:
            self._allowed.add(self.state.asked_name(number))
        leave.set_result("" if is_allowed else _REFUSED)

    def _stop(self) -> None:
        if self._running is not None:
            self._running.cancel()

    def _close(self) -> None:
        self.state.queue.clear()
        self._stop()


def _now() -> float:
    return asyncio.get_running_loop().time()
