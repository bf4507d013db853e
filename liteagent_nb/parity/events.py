"""What a comparison tells while it runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from liteagent_nb.core.judging import Terms
from liteagent_nb.core.measurement import Trial
from liteagent_nb.core.verdict import Verdict

__all__ = ["Looked", "ParityDone", "ParityEvent", "ParityStarted", "ParityWatcher", "TrialDone"]


@dataclass(frozen=True, slots=True)
class ParityStarted:
    """The arms are warm; the trials begin."""

    terms: Terms
    planned: int
    """How many trials there are at the most: rounds times prompts."""


@dataclass(frozen=True, slots=True)
class TrialDone:
    """One block was measured, and is in the journal."""

    trial: Trial
    number: int
    planned: int


@dataclass(frozen=True, slots=True)
class Looked:
    """So many trials were looked at; a clear answer ends the comparison."""

    verdict: Verdict
    number: int


@dataclass(frozen=True, slots=True)
class ParityDone:
    """It ended; also told when it was stopped from outside, with what was measured until then."""

    verdict: Verdict


ParityEvent: TypeAlias = ParityStarted | TrialDone | Looked | ParityDone

ParityWatcher: TypeAlias = Callable[[ParityEvent], None]
"""Is told events, on the comparison's own event loop; must not block."""
