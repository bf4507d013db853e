"""Finding and Verdict: what the trials say of each question, and of all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from liteagent_nb.core.measurement import Figure, Trial
from liteagent_nb.core.parity import Ruling, RulingStatus

__all__ = ["Finding", "Question", "SeedRuling", "Verdict", "worst"]

Question: TypeAlias = Literal["behaviour", "overhead", "live"]
"""Whether both say the same; what the candidate costs on its own; whether it is grossly slower on the real thing."""

_SEVERITY: tuple[RulingStatus, ...] = ("accepted", "undecided", "invalid", "rejected")


def worst(*statuses: RulingStatus) -> RulingStatus:
    """Return the status that counts where several are found: one rejection rejects, all must accept."""
    return max(statuses, key=_SEVERITY.index)


@dataclass(frozen=True, slots=True)
class Finding:
    """The answer to one question."""

    question: Question
    status: RulingStatus
    reason: str
    """Why, in one line."""
    more_pairs: int = 0
    """About how many more pairs an answer would take; 0 where there is one, or nobody can say."""
    margin_pct: float = 0.0
    """What was still acceptable, in percent; of behaviour, by how much the rate of equal texts may fall."""
    rulings: Mapping[Figure, Ruling] = field(default_factory=dict, repr=False)
    """The figures that were judged; of behaviour, none."""


@dataclass(frozen=True, slots=True)
class SeedRuling:
    """What the seed's own rule says: all texts the same, the worst times within the threshold, seven days."""

    status: RulingStatus
    """Undecided where nothing but days are missing."""
    reasons: tuple[str, ...]
    """Why not; empty where it accepts."""

    @property
    def accepted(self) -> bool:
        """Whether the seed would switch."""
        return self.status == "accepted"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a comparison came to; the value of `%parity`."""

    baseline: str
    candidate: str
    status: RulingStatus
    findings: tuple[Finding, ...]
    """One for each question that was asked."""
    trials: tuple[Trial, ...] = field(repr=False)
    seed_rule: SeedRuling
    thresh_pct: float
    run_id: str = ""
    is_stopped: bool = False
    """Whether it was stopped from outside, in the middle; what was measured until then counts."""

    @property
    def accepted(self) -> bool:
        """Whether the candidate may take the baseline's place."""
        return self.status == "accepted"

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why, a line for each question."""
        return tuple(f"{one.question} {one.status}: {one.reason}" for one in self.findings)

    @property
    def more_pairs(self) -> int:
        """About how many more pairs an answer would take; 0 where there is one, or nobody can say."""
        if self.status in {"accepted", "rejected"}:
            return 0
        return max((one.more_pairs for one in self.findings), default=0)

    @property
    def errors(self) -> Mapping[str, int]:
        """How many measurements failed, by arm; the control counts as its own."""
        roles = {"baseline": 0, "candidate": 0, "control": 0}
        for trial in self.trials:
            for role in roles:
                measured = getattr(trial, role)
                roles[role] += bool(measured and measured.error)
        return roles

    def finding(self, question: Question) -> Finding | None:
        """Return the answer to *question*; None where it was not asked."""
        return next((one for one in self.findings if one.question == question), None)
