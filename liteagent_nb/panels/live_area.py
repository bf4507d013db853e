"""An output that is redrawn while something goes on, seldom enough for the kernel, and ends as empty as it began."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING, Protocol, Self
from uuid import uuid4

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

__all__ = ["LiveArea", "Publish"]

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


class LiveArea:
    """A context manager whose beginning and end are the same empty output; between them it shows what *look* returns.

    nbval compares the first state of an output, nbclient and JupyterLab keep the last. What is to stay is an output of
    its own. With `publish=None` nothing is drawn.
    """

    def __init__(self, publish: Publish | None, look: Callable[[], dict[str, str]]) -> None:
        self._publish = publish
        self._look = look
        self._transient = {"display_id": uuid4().hex}
        self._next_s = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._is_open = False
        self._lock = threading.Lock()  # what goes on may still be ending on its loop while the cell closes the area

    def __enter__(self) -> Self:
        """Open the area."""
        self._is_open = self._publish is not None
        self._send(_EMPTY, update=False)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        """Empty the area; whatever changes afterwards is not drawn."""
        with self._lock:
            self._send(_EMPTY, update=True)
            self._is_open = False

    def draw_soon(self) -> None:
        """Draw now if the last time is long enough ago; else once, later, so that the tail is always sent."""
        wait_s = self._next_s - time.monotonic()
        if wait_s <= 0:
            self.draw()
        elif self._timer is None and self._is_open:
            self._timer = asyncio.get_running_loop().call_later(wait_s, self.draw)

    def draw(self) -> None:
        """Draw now."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._is_open:
            return
        bundle = self._look()
        with self._lock:
            self._send(bundle, update=True)
        size_kb = len(bundle.get("text/html", "")) / 1024
        self._next_s = time.monotonic() + max(_MIN_INTERVAL_S, _INTERVAL_S_PER_KB * size_kb)

    def _send(self, bundle: dict[str, str], *, update: bool) -> None:
        if self._is_open and self._publish is not None:
            self._publish(dict(bundle), None, transient=self._transient, update=update)
