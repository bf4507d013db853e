"""The bridge from a running cell to async work: one event loop in a thread of its own, kept."""

from __future__ import annotations

import asyncio
import atexit
import functools
import threading
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    import contextvars
    from collections.abc import Callable, Coroutine

__all__ = ["Portal", "shared_portal"]

T = TypeVar("T")


class Portal:
    """One event loop in another thread; opens at the first wait, stays until closed.

    A loop per call would leak the sockets of pooled clients; and a notebook cell already has a running loop, in which
    an interrupt of an awaited call takes effect only at the loop's next wake-up (ipython/ipykernel#881).
    """

    def __init__(self, *, grace_s: float = 5.0) -> None:
        self._grace_s = grace_s
        self._lock = threading.Lock()
        self._has_opened = threading.Event()
        self._closings = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    @property
    def is_open(self) -> bool:
        """Whether its loop runs."""
        return self._loop is not None

    def wait_for(
        self, work: Coroutine[None, None, T], *, meanwhile: Callable[[threading.Event], object] = threading.Event.wait
    ) -> T:
        """Run *work* to its end and return its result.

        *meanwhile* is what the calling thread does; it is given the event that *work* has ended, and may return sooner.
        An interrupt cancels it and waits up to the grace for its cleanup; a second interrupt does not wait. Raises
        `KeyboardInterrupt` then, and `RuntimeError` when called from the portal's own loop.
        """
        if threading.current_thread() is self._thread:
            work.close()
            raise RuntimeError("the portal cannot wait for itself: await the coroutine instead")
        errand = _Errand(work)
        try:
            loop = self._opened()
            # call_soon_threadsafe copies the context, by which ipykernel knows whose cell the output belongs to.
            loop.call_soon_threadsafe(errand.start, loop)
            meanwhile(errand.ended)
            errand.ended.wait()
        except BaseException as error:  # an interrupt may also have come before the work began, or while it opened
            self._opened().call_soon_threadsafe(errand.cancel)
            errand.ended.wait(self._grace_s)
            if isinstance(error, RuntimeError) and isinstance(error.__context__, KeyboardInterrupt):
                raise KeyboardInterrupt from None  # it came while the event held its own lock, which then complains
            raise
        return errand.result()

    def call_soon(self, function: Callable[[], object], *, context: contextvars.Context | None = None) -> None:
        """Call *function* on the portal's loop, soon; returns at once, from whatever thread."""
        self._opened().call_soon_threadsafe(function, context=context)

    def close(self) -> None:
        """Cancel what still runs and end the thread."""
        with self._lock:
            loop, thread, self._loop, self._thread = self._loop, self._thread, None, None
            self._has_opened.clear()
            self._closings += 1
        if loop is None or thread is None:
            return
        asyncio.run_coroutine_threadsafe(_cancel_everything(), loop)
        thread.join(self._grace_s)

    def _opened(self) -> asyncio.AbstractEventLoop:
        while (loop := self._loop) is None:
            threading.Thread(target=self._serve, args=(self._closings,), name="liteagent", daemon=True).start()
            self._has_opened.wait()
        return loop

    def _serve(self, closings: int) -> None:
        """Open and run the loop, both here: no interrupt reaches this thread, so none can leave half a portal."""
        with self._lock:
            if self._loop is not None or closings != self._closings:  # another was faster, or nobody wants it any more
                return
            loop = self._loop = asyncio.new_event_loop()
            self._thread = threading.current_thread()
            self._has_opened.set()
        asyncio.set_event_loop(loop)
        try:
            while _is_left(loop):
                pass
            loop.run_until_complete(loop.shutdown_asyncgens())
        finally:
            loop.close()


class _Errand(Generic[T]):
    """A coroutine on its way through the portal."""

    def __init__(self, work: Coroutine[None, None, T]) -> None:
        self._work = work
        self._task: asyncio.Task[T] | None = None
        self.ended = threading.Event()

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin, on the portal's loop."""
        self._task = loop.create_task(self._work)
        self._task.add_done_callback(lambda _: self.ended.set())

    def cancel(self) -> None:
        """Ask it to stop, on the portal's loop."""
        if self._task is not None:
            self._task.cancel()
        else:  # it was never begun
            self._work.close()
            self.ended.set()

    def result(self) -> T:
        """Return what came of it; a cancelled errand counts as interrupted."""
        if self._task is None or self._task.cancelled():
            raise KeyboardInterrupt
        return self._task.result()


def _is_left(loop: asyncio.AbstractEventLoop) -> bool:
    """Run *loop* until it is stopped; whether it was an exit inside some work that stopped it, which ends only that."""
    try:
        loop.run_forever()
    except (SystemExit, KeyboardInterrupt):
        return True
    return False


async def _cancel_everything() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    if others:
        await asyncio.wait(others, timeout=1)
    asyncio.get_running_loop().call_soon(asyncio.get_running_loop().stop)


@functools.cache
def shared_portal() -> Portal:
    """Return the process's own portal, closed at exit."""
    portal = Portal()
    atexit.register(portal.close)
    return portal
