"""A comparison drawn while it is measured."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Self

from liteagent_nb.panels.cards import clock_html, duration
from liteagent_nb.panels.live_area import LiveArea
from liteagent_nb.panels.parity_figures import judged
from liteagent_nb.panels.parity_table import findings_html, table_html
from liteagent_nb.panels.render import escaped
from liteagent_nb.panels.style import framed
from liteagent_nb.parity.events import Looked, ParityDone, ParityStarted, TrialDone

if TYPE_CHECKING:
    from types import TracebackType

    from liteagent_nb.core.verdict import Verdict
    from liteagent_nb.panels.live_area import Publish
    from liteagent_nb.parity.events import ParityEvent

__all__ = ["ParityProgress"]


class ParityProgress:
    """A watcher that shows how far it is, and what the last look said; a context manager that leaves nothing behind."""

    def __init__(self, publish: Publish | None) -> None:
        self.verdict: Verdict | None = None
        """What it came to, as soon as that is known; also after an interrupt."""
        self._area = LiveArea(publish, self._look)
        self._began_s = time.monotonic()
        self._measured = self._planned = 0
        self._found = ""
        """What the last look said."""

    def __enter__(self) -> Self:
        """Open the live area."""
        self._area.__enter__()
        self._area.draw()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        """Empty it."""
        self._area.__exit__(kind, error, tb)

    def __call__(self, event: ParityEvent) -> None:
        """Take in an event, on the comparison's own loop."""
        match event:
            case ParityStarted(planned=planned):
                self._planned, self._began_s = planned, time.monotonic()
            case TrialDone(number=number):
                self._measured = number
            case Looked(verdict=verdict):
                self._found = findings_html(verdict) + table_html(list(judged(verdict)))
            case ParityDone(verdict=verdict):
                self.verdict = verdict
        self._area.draw_soon()

    def _look(self) -> dict[str, str]:
        passed_s = time.monotonic() - self._began_s
        status = f"{self._told} {clock_html(passed_s)}{self._left(passed_s)}"
        line = f'<div class="la-status"><span class="la-spin"></span>{self._bar}<span>{status}</span></div>'
        return {"text/html": framed(line + self._found, "parity.css"), "text/plain": self._told}

    @property
    def _told(self) -> str:
        return f"{self._measured:,} of at most {self._planned:,} measured" if self._planned else "warming up"

    @property
    def _bar(self) -> str:
        if not self._planned:
            return ""
        share = 100 * self._measured / self._planned
        return f'<span class="la-bar"><span style="width:{share:.1f}%"></span></span>'

    def _left(self, passed_s: float) -> str:
        if not 0 < self._measured < self._planned:
            return ""
        left_s = passed_s / self._measured * (self._planned - self._measured)
        return f" · at most {escaped(duration(left_s * 1000))} to go"
