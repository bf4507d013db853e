"""Blocking work in a daemon thread of its own, so that nothing that hangs can hold up the loop or the exit.

The default executor will not do: the interpreter joins its threads when it exits.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import ctypes
import threading
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Thread", "ThreadStopped"]

T = TypeVar("T")
Outcome = TypeVar("Outcome")


class ThreadStopped(SystemExit):
    """Raised inside a thread that shall stop. A SystemExit: no thread's hook complains about that one."""


class Thread(Generic[T]):
    """Runs *work* with the caller's context variables; `outcome` is its result, on the caller's event loop."""

    def __init__(self, work: Callable[[], T], *, name: str) -> None:
        self._loop = asyncio.get_running_loop()
        self.outcome: asyncio.Future[T] = self._loop.create_future()
        self.outcome.add_done_callback(_retrieve)
        self._context = contextvars.copy_context()
        self._work = work
        self._lock = threading.Lock()
        self._is_over = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> Thread[T]:
        """Begin; returns itself."""
        self._thread.start()
        return self

    def _run(self) -> None:
        try:
            value = self._context.run(self._work)
        except BaseException as error:  # noqa: BLE001 - whatever it raises is its outcome
            self._end(self._fail, error)
        else:
            self._end(self._succeed, value)

    def _end(self, tell: Callable[[Outcome], None], outcome: Outcome) -> None:
        with self._lock:
            self._is_over = True
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(tell, outcome)

    def _succeed(self, value: T) -> None:
        if not self.outcome.done():
            self.outcome.set_result(value)

    def _fail(self, error: BaseException) -> None:
        if self.outcome.done():
            return
        if isinstance(error, Exception) and not isinstance(error, StopIteration):
            self.outcome.set_exception(error)
        else:  # a future takes no StopIteration, and an interrupt in it would end the loop that reads it
            self.outcome.cancel()

    def stop(self) -> None:
        """Raise `ThreadStopped` in the thread. Python code ends at its next instruction, C code when it returns."""
        with self._lock:
            if not self._is_over and self._thread.ident is not None:
                ident = ctypes.c_ulong(self._thread.ident)
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ident, ctypes.py_object(ThreadStopped))


def _retrieve(outcome: asyncio.Future[T]) -> None:
    """Look at the outcome, so that asyncio does not complain where nobody waited for it."""
    if not outcome.cancelled():
        outcome.exception()
