"""Teller: tells the view of a panel what is new in its state."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Protocol

from liteagent_nb.panels.pacing import Paced

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Teller"]


class PanelState(Protocol):
    """All that a panel shows."""

    def patch(self, *, now_s: float) -> dict[str, object] | None:
        """Return what is new since the last time; None where nothing is."""

    def whole(self, *, now_s: float) -> dict[str, object]:
        """Return all there is to show."""


class Teller:
    """Sends the news of *state* as numbered messages, as often as a kernel can bear; lives on one event loop."""

    def __init__(self, state: PanelState, send: Callable[[dict[str, object]], object]) -> None:
        self._state = state
        self._send = send
        self._paced = Paced(self._tell_news)
        self._sent = 0

    def soon(self) -> None:
        """Tell it at once, or a little later together with more."""
        self._paced.soon()

    def now(self) -> None:
        """Tell it at once."""
        self._paced.now()

    def after(self, change: Callable[[], object]) -> None:
        """Make a change and tell it soon."""
        change()
        self.soon()

    def whole(self) -> None:
        """Tell all there is, to a view that begins."""
        self._tell(self._state.whole(now_s=_now()))

    def _tell_news(self) -> None:
        if (patch := self._state.patch(now_s=_now())) is not None:
            self._tell(patch)

    def _tell(self, message: dict[str, object]) -> None:
        self._sent += 1
        with contextlib.suppress(OSError):  # a closed socket: the kernel ends
            self._send({**message, "seq": self._sent})


def _now() -> float:
    return asyncio.get_running_loop().time()
