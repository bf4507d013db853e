"""A run drawn while it happens, in a live area that ends as empty as it began."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING, Protocol, Self
from uuid import uuid4

from liteagent_nb.core.steps import RunDone
from liteagent_nb.panels.live_view import LiveView

if TYPE_CHECKING:
    from types import TracebackType

    from liteagent_nb.core.steps import Event, Run

__all__ = ["LiveRun", "Publish"]

_MIN_INTERVAL_S = 1 / 15
"""Faster, and the kernel's socket drops messages without a word, `idle` among them."""
_INTERVAL_S_PER_KB = 0.002
_EMPTY = {"text/plain": ""}


class Publish(Protocol):
    """How an output is shown and updated: IPython's `display_pub.publish`."""

    def __call__(
        self, data: dict[str, str], metadata: dict[str, object] | None, /, *, transient: dict[str, str], update: bool
    ) -> object:
        """Show *data*, or update what was shown under the same `display_id`."""


class LiveRun:
    """A Watcher that draws a run while it happens; a context manager, whose end leaves the area empty.

    The area is first and last the same empty output: nbval compares the first state of an output, nbclient and
    JupyterLab keep the last. The finished Run is an output of its own. With `publish=None` nothing is drawn.
    """

    def __init__(self, publish: Publish | None) -> None:
        self.run: Run | None = None
        """The finished run, as soon as there is one; also after an interrupt."""
        self._publish = publish
        self._view = LiveView()
        self._transient = {"display_id": uuid4().hex}
        self._next_s = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._is_open = False
        self._lock = threading.Lock()  # the run may still be ending on its loop while the cell closes the area

    def __enter__(self) -> Self:
        """Open the live area."""
        self._is_open = self._publish is not None
        self._send(_EMPTY, update=False)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        """Empty the live area; whatever is told afterwards is not drawn."""
        with self._lock:
            self._send(_EMPTY, update=True)
            self._is_open = False

    def say(self, status: str) -> None:
        """Show that something else than the run goes on, a model being loaded for instance."""
        self._view.say(status, now_s=time.monotonic())
        self._draw()

    def __call__(self, event: Event) -> None:
        """Take in an event, on the run's own loop."""
        if isinstance(event, RunDone):
            self.run = event.run
        self._view.take(event, now_s=time.monotonic())
        self._draw_soon()

    def _draw_soon(self) -> None:
        """Draw now if the last time is long enough ago; else once, later, so that the tail is always sent."""
        wait_s = self._next_s - time.monotonic()
        if wait_s <= 0:
            self._draw()
        elif self._timer is None and self._is_open:
            self._timer = asyncio.get_running_loop().call_later(wait_s, self._draw)

    def _draw(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._is_open:
            return
        html = self._view.html(now_s=time.monotonic())
        with self._lock:
            self._send({"text/plain": self._view.text(), "text/html": html}, update=True)
        self._next_s = time.monotonic() + max(_MIN_INTERVAL_S, _INTERVAL_S_PER_KB * len(html) / 1024)

    def _send(self, bundle: dict[str, str], *, update: bool) -> None:
        if self._is_open and self._publish is not None:
            self._publish(dict(bundle), None, transient=self._transient, update=update)
