"""judge: from trials to a verdict; the same trials get the same one, whoever looked at them before."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from liteagent_nb.core.sameness import exact_behaviour, rate_of_same
from liteagent_nb.core.seed_rule import seed_rule
from liteagent_nb.core.timing import timing
from liteagent_nb.core.verdict import Finding, Verdict, worst

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from liteagent_nb.core.measurement import Trial
    from liteagent_nb.core.verdict import Question

__all__ = ["LIVE_THRESH_PCT", "THRESH_PCT", "Terms", "judge"]

THRESH_PCT = 3.0
LIVE_THRESH_PCT = 50.0
"""Between live answers of the same model lie tens of percent: smaller margins answer nothing there."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What was agreed before anything was measured."""

    baseline: str
    candidate: str
    thresh_pct: float = THRESH_PCT
    live_thresh_pct: float = LIVE_THRESH_PCT
    is_exact: bool = False
    """Whether both arms answer from the same recorded bytes: every text must be the same."""
    is_timed: bool = True
    """Whether times say anything: those of replays do not, and only behaviour is asked about."""
    is_live: bool = False
    """Whether an arm's answers come from others, over a network."""
    run_id: str = ""

    @property
    def margin_pct(self) -> float:
        """By how much times may be worse: far more where others answer."""
        return self.live_thresh_pct if self.is_live else self.thresh_pct


def judge(trials: Sequence[Trial], terms: Terms, *, is_stopped: bool = False, at: Iterable[int] = ()) -> Verdict:
    """Return what *trials* say under *terms*; looks are at growing numbers of trials, or *at*."""
    findings = tuple(_findings(trials, terms, tuple(at))) if trials else (_NOTHING,)
    return Verdict(
        baseline=terms.baseline,
        candidate=terms.candidate,
        status=worst(*(finding.status for finding in findings)),
        findings=findings,
        trials=tuple(trials),
        seed_rule=seed_rule(trials, thresh_pct=terms.thresh_pct),
        thresh_pct=terms.thresh_pct,
        run_id=terms.run_id,
        is_stopped=is_stopped,
    )


_NOTHING = Finding("behaviour", "undecided", "nothing was measured")


def _findings(trials: Sequence[Trial], terms: Terms, at: tuple[int, ...]) -> Iterable[Finding]:
    findings = [exact_behaviour(trials) if terms.is_exact else rate_of_same(trials, at=at)]
    if terms.is_timed:
        question: Question = "live" if terms.is_live else "overhead"
        findings.append(timing(question, trials, margin_pct=terms.margin_pct, at=at))
    return (_with_errors(finding, trials) for finding in findings)


def _with_errors(finding: Finding, trials: Sequence[Trial]) -> Finding:
    """Say how often answers failed; where the candidate's did, nothing is accepted."""
    counts = {
        "candidate": sum(bool(trial.candidate.error) for trial in trials),
        "baseline": sum(bool(trial.baseline.error or (trial.control and trial.control.error)) for trial in trials),
    }
    if not any(counts.values()):
        return finding
    told = " and ".join(f"the {name} failed in {count}" for name, count in counts.items() if count)
    is_spoiled = counts["candidate"] and finding.status == "accepted"
    status = "undecided" if is_spoiled else finding.status
    return replace(finding, status=status, reason=f"{finding.reason}; {told} of {len(trials)} trials")
