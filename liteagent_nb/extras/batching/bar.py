"""The progress bar of a batch: tqdm's, as a widget in a notebook and as text in a terminal."""

from __future__ import annotations

from collections.abc import Sized
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from types import TracebackType

    from liteagent_nb.extras.batching.records import Record

__all__ = ["Bar", "length_of"]


class Bar:
    """Counts records; opened and closed by `with`, in the thread of the cell. Not drawn where *is_shown* is false."""

    def __init__(self, total: int | None, *, is_shown: bool = True) -> None:
        self._total = total
        self._is_shown = is_shown
        self._bar: Any = None
        self._failed = 0
        self._cost_usd: float | None = 0.0

    def __enter__(self) -> Self:
        """Draw it, empty."""
        if self._is_shown:
            from tqdm.auto import tqdm  # noqa: PLC0415 - where it is drawn

            self._bar = tqdm(total=self._total, unit="task", dynamic_ncols=True)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        """Leave it as it is now."""
        if self._bar is not None:
            self._bar.close()

    def __call__(self, record: Record) -> None:
        """Go on by one."""
        if self._bar is None:
            return
        self._failed += not record.ok
        if not record.is_resumed:
            known = self._cost_usd is not None and record.cost_usd is not None
            self._cost_usd = (self._cost_usd or 0) + (record.cost_usd or 0) if known else None
        self._bar.set_postfix_str(self._told(), refresh=False)
        self._bar.update(1)

    def _told(self) -> str:
        failed = f"{self._failed} failed" if self._failed else ""
        cost = f"${self._cost_usd:.4f}" if self._cost_usd else ""
        return ", ".join(part for part in (failed, cost) if part)


def length_of(things: object) -> int | None:
    """Return how many there are; None where only an end would tell."""
    return len(things) if isinstance(things, Sized) else None
