"""A run drawn while it happens, in a live area that ends as empty as it began."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Self

from liteagent_nb.core.steps import RunDone
from liteagent_nb.panels.live_area import LiveArea
from liteagent_nb.panels.live_view import LiveView

if TYPE_CHECKING:
    from types import TracebackType

    from liteagent_nb.core.steps import Event, Run
    from liteagent_nb.panels.live_area import Publish

__all__ = ["LiveRun"]


class LiveRun:
    """A Watcher that draws a run while it happens; a context manager, whose end leaves the area empty.

    The finished Run is an output of its own. With `publish=None` nothing is drawn.
    """

    def __init__(self, publish: Publish | None) -> None:
        self.run: Run | None = None
        """The finished run, as soon as there is one; also after an interrupt."""
        self._view = LiveView()
        self._area = LiveArea(publish, self._look)

    def __enter__(self) -> Self:
        """Open the live area."""
        self._area.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        """Empty the live area; whatever is told afterwards is not drawn."""
        self._area.__exit__(kind, error, tb)

    def say(self, status: str) -> None:
        """Show that something else than the run goes on, a model being loaded for instance."""
        self._view.say(status, now_s=time.monotonic())
        self._area.draw()

    def __call__(self, event: Event) -> None:
        """Take in an event, on the run's own loop."""
        if isinstance(event, RunDone):
            self.run = event.run
        self._view.take(event, now_s=time.monotonic())
        self._area.draw_soon()

    def _look(self) -> dict[str, str]:
        return {"text/plain": self._view.text(), "text/html": self._view.html(now_s=time.monotonic())}
