"""SidecarKernel: an Executor whose variables are kept; one execution after another, in a process of its own."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from liteagent_nb.core.errors import DeadKernel, ExecBusy
from liteagent_nb.core.execution import ExecResult
from liteagent_nb.kernels._supervised import TIME_LIMIT
from liteagent_nb.kernels.outputs import Outputs

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from liteagent_nb.core.execution import ExecStatus, OutputWatcher
    from liteagent_nb.kernels.dialogue import Dialogue, Exchange

__all__ = ["KERNEL_DIED", "SidecarKernel"]

KERNEL_DIED = -3
"""The exit code of code whose kernel went away under it."""
_INTERRUPTED = 130
_GRACE_S = 2.0
"""How long interrupted code may take to end before its kernel is killed."""
_ASK_EVERY_S = 0.4


class SidecarKernel:
    """A kernel that keeps its state, is interrupted first and killed only then, and is replaced when it dies.

    *connect* gives a kernel that is ready. Executions wait for each other in the order they came; more than
    *max_queued* of them are refused.
    """

    def __init__(
        self, connect: Callable[[], Awaitable[Dialogue]], *, max_queued: int = 64, grace_s: float = _GRACE_S
    ) -> None:
        self._connect = connect
        self._max_queued = max_queued
        self._grace_s = grace_s
        self._turn = asyncio.Lock()
        self._dialogue: Dialogue | None = None
        self._running: _Execution | None = None
        self._coming: asyncio.Task[Dialogue] | None = None
        self._is_closed = False
        self._is_state_lost = False
        """Whether a kernel died while nothing ran: the next result has to say so."""
        self._loop = asyncio.get_running_loop()
        self.ended_s = self._loop.time()
        """When the last execution ended, or the kernel was ready, on the event loop's clock."""
        self.executions = 0
        self.queued = 0

    @property
    def pid(self) -> int | None:
        """The kernel's process, where it is on this machine."""
        return self._dialogue.pid if self._dialogue else None

    @property
    def is_alive(self) -> bool:
        """Whether it has a kernel, or will have one at the next execution."""
        return not self._is_closed

    @property
    def is_busy(self) -> bool:
        """Whether something runs."""
        return self._running is not None

    async def open(self) -> SidecarKernel:
        """Start the kernel now. Raises `ExecError` where it does not start."""
        async with self._turn:
            await self._living()
            self.ended_s = self._loop.time()
        return self

    async def execute(
        self,
        code: str,
        *,
        language: str = "python",  # noqa: ARG002 - every Executor takes one
        timeout_s: float = 10.0,
        watch: OutputWatcher | None = None,
    ) -> ExecResult:
        """Run *code* after what came before it. Its *language* is the kernel's.

        Raises `ExecBusy` where too many wait, `ExecError` where no kernel starts, `DeadKernel` after `close`. Being
        cancelled interrupts the code; the kernel survives if that ends it.
        """
        if self.queued >= self._max_queued:
            raise ExecBusy(f"{self.queued} executions wait already", hint="try again later, or use another context")
        self.queued += 1
        try:
            await self._turn.acquire()
        finally:
            self.queued -= 1
        life = self._loop.create_task(self._run(code, timeout_s, watch))
        life.add_done_callback(lambda _: self._turn.release())
        try:
            return await asyncio.shield(life)
        except asyncio.CancelledError:
            if self._running is not None:  # it goes on ending in its own time; who cancelled need not wait
                self._running.stop("interrupted")
            else:
                life.cancel()
            raise

    async def interrupt(self) -> None:
        """Interrupt what runs; does nothing where nothing runs."""
        if self._running is not None:
            self._running.stop("interrupted")

    async def restart(self) -> None:
        """Replace the kernel; its state is gone, what runs is ended."""
        if self._running is not None:
            self._running.stop("interrupted", at_once=True)
        async with self._turn:
            await self._end_kernel()
            await self._living()
            self._is_state_lost = False  # as was asked for

    async def close(self) -> None:
        """End the kernel and what runs in it."""
        self._is_closed = True
        if self._running is not None:
            self._running.stop("interrupted", at_once=True)
        await self._end_kernel()
        if self._coming is not None:  # whoever waited for it has gone
            await asyncio.wait({self._coming})
            if not self._coming.cancelled() and self._coming.exception() is None:
                await self._coming.result().close()

    async def _run(self, code: str, timeout_s: float, watch: OutputWatcher | None) -> ExecResult:
        dialogue = await self._living()
        was_lost, self._is_state_lost = self._is_state_lost, False
        self._running = execution = _Execution(dialogue, Outputs(watch), timeout_s=timeout_s, grace_s=self._grace_s)
        try:
            result = await execution.run(code)
        finally:
            self._running = None
            self.executions += 1
            self.ended_s = self._loop.time()
        if result.state_lost:
            await self._end_kernel()
            self._connecting()
        return replace(result, state_lost=result.state_lost or was_lost)

    async def _living(self) -> Dialogue:
        """Return the kernel, a new one where there is none or it has died meanwhile."""
        if self._is_closed:
            raise DeadKernel("the context is closed", hint="open another one")
        if self._dialogue is not None and self._dialogue.died.done():
            self._is_state_lost = True
            await self._end_kernel()
        if self._dialogue is None:
            coming = self._connecting()
            try:
                self._dialogue = await asyncio.shield(coming)
            finally:
                if coming.done():  # one that failed is tried anew by whoever comes next
                    self._coming = None
        return self._dialogue

    def _connecting(self) -> asyncio.Task[Dialogue]:
        """Have a kernel made, also while nobody waits for it."""
        if self._coming is None:
            self._coming = self._loop.create_task(_as_task(self._connect()))
            self._coming.add_done_callback(_retrieve)
        return self._coming

    async def _end_kernel(self) -> None:
        dialogue, self._dialogue = self._dialogue, None
        if dialogue is not None:
            await dialogue.close()


class _Execution:
    """One execution, from its request to its result, however it ends."""

    def __init__(self, dialogue: Dialogue, outputs: Outputs, *, timeout_s: float, grace_s: float) -> None:
        self._dialogue = dialogue
        self._outputs = outputs
        self._timeout_s = timeout_s
        self._grace_s = grace_s
        self._loop = asyncio.get_running_loop()
        self._stopped: asyncio.Future[ExecStatus] = self._loop.create_future()

    def stop(self, status: ExecStatus, *, at_once: bool = False) -> None:
        """Interrupt the code; *at_once* gives it no time to end by itself."""
        if at_once:
            self._grace_s = 0.0
        if not self._stopped.done():
            self._stopped.set_result(status)

    async def run(self, code: str) -> ExecResult:
        """Run it and return what it brought back."""
        started_s = self._loop.time()
        asked = {"code": code, "silent": False, "store_history": True, "allow_stdin": False, "stop_on_error": False}
        exchange = await self._dialogue.request(
            "execute_request", asked | {"user_expressions": {}}, told=self._outputs.take_in
        )
        ends: set[asyncio.Future[Any]] = {exchange.done, self._dialogue.died, self._stopped}
        await asyncio.wait(ends, timeout=self._timeout_s, return_when="FIRST_COMPLETED")
        status: ExecStatus | None = None
        if not exchange.done.done() and not self._dialogue.died.done():
            status = self._stopped.result() if self._stopped.done() else "timeout"
            await self._interrupt(exchange)
        return self._result(exchange, status, (self._loop.time() - started_s) * 1000)

    async def _interrupt(self, exchange: Exchange) -> None:
        """Interrupt until it ends or the grace is over: a bare `except` may swallow the first one."""
        until_s = self._loop.time() + self._grace_s
        while (left_s := until_s - self._loop.time()) > 0 and not self._dialogue.died.done():
            await self._dialogue.interrupt()
            ends: set[asyncio.Future[Any]] = {exchange.done, self._dialogue.died}
            await asyncio.wait(ends, timeout=min(left_s, _ASK_EVERY_S), return_when="FIRST_COMPLETED")
            if exchange.done.done():
                return

    def _result(self, exchange: Exchange, status: ExecStatus | None, t_ms: float) -> ExecResult:
        outputs, is_done = self._outputs, exchange.done.done() and not exchange.done.cancelled()
        reply: Mapping[str, Any] = exchange.done.result() if is_done else {}
        told = status or ("died" if not is_done else _status_of(reply))
        rc, error = self._ending(told, reply)
        return ExecResult(
            ok=told == "ok",
            rc=rc,
            stdout=outputs.text("stdout"),
            stderr=outputs.text("stderr"),
            error=error,
            t_ms=t_ms,
            truncated=outputs.is_truncated,
            status=told,
            result=outputs.result,
            outputs=outputs.all,
            exception=outputs.exception,
            execution_count=reply.get("execution_count"),
            state_lost=not is_done,
        )

    def _ending(self, status: ExecStatus, reply: Mapping[str, Any]) -> tuple[int, str | None]:
        if status == "ok":
            return 0, None
        if status == "timeout":
            return TIME_LIMIT, f"timeout after {self._timeout_s:g}s"
        if status == "interrupted":
            return _INTERRUPTED, "interrupted"
        if status == "died":
            died = self._dialogue.died
            return KERNEL_DIED, died.result() if died.done() else "the kernel was ended"
        return _exit_code(reply), self._outputs.error_line or f"{reply.get('ename')}: {reply.get('evalue')}"


def _status_of(reply: Mapping[str, Any]) -> ExecStatus:
    if reply.get("status") == "ok" or (reply.get("ename") == "SystemExit" and reply.get("evalue") in {"0", "None", ""}):
        return "ok"
    return "interrupted" if reply.get("ename") == "KeyboardInterrupt" else "error"


def _exit_code(reply: Mapping[str, Any]) -> int:
    evalue = str(reply.get("evalue", ""))
    return int(evalue) if reply.get("ename") == "SystemExit" and evalue.isdigit() else 1


async def _as_task(work: Awaitable[Dialogue]) -> Dialogue:
    return await work


def _retrieve(task: asyncio.Task[Dialogue]) -> None:
    """Look at the outcome, so that asyncio does not complain where nobody asks for the kernel any more."""
    if not task.cancelled():
        task.exception()
