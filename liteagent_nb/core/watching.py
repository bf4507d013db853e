"""Watchers that cannot break a run."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, TypeVar

from liteagent_nb.core.steps import RunDone

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["guarded"]


Told = TypeVar("Told")


def guarded(watch: Callable[[Told], None], *, last: type = RunDone) -> Callable[[Told], None]:
    """Return a watcher that goes silent, with one warning, once *watch* has failed: looks never cost the work.

    It is silent after the *last* event, too, whatever work that was left behind still tells.
    """
    is_silent = False

    def told(event: Told) -> None:
        nonlocal is_silent
        if is_silent:
            return
        is_silent = isinstance(event, last)
        try:
            watch(event)
        except Exception as error:  # noqa: BLE001 - somebody else's drawing must not lose the run
            is_silent = True
            warnings.warn(f"a watcher failed and is told no more: {error!r}", RuntimeWarning, stacklevel=2)

    return told
