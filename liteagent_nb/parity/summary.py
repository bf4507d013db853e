"""summarize: what journals say, together; never accepted where one is empty or broken."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from liteagent_nb.core.errors import ConfigError
from liteagent_nb.core.judging import LIVE_THRESH_PCT, Terms, judge
from liteagent_nb.core.parity import RulingStatus
from liteagent_nb.core.seed_rule import days_covered, worst_of
from liteagent_nb.core.verdict import Verdict, worst
from liteagent_nb.parity.journal import Broken, read_journal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from liteagent_nb.core.measurement import Trial
    from liteagent_nb.parity.rows import Row

__all__ = ["RULES", "Rule", "Summary", "percentile", "summarize"]

Rule: TypeAlias = Literal["paired", "seed"]
"""Whose acceptance counts: the judge's, or the seed's own."""
RULES: tuple[Rule, ...] = ("paired", "seed")


@dataclass(frozen=True, slots=True)
class Summary:
    """What the rows of all files come to."""

    rows: int
    days_covered: int
    same_text_all: bool
    mismatches: int
    worst_ttft_pct: float | None
    worst_total_pct: float | None
    p50_ttft_pct: float | None
    p50_total_pct: float | None
    p95_ttft_pct: float | None
    p95_total_pct: float | None
    errors: int
    thresh_pct: float
    rule: Rule
    status: RulingStatus
    reasons: tuple[str, ...]
    """Why not; of an accepted one, why."""
    broken: tuple[Broken, ...]
    """The lines that are no rows."""
    verdict: Verdict = field(repr=False)
    """What the judge says of all trials at once."""

    @property
    def accepted(self) -> bool:
        """Whether the candidate may take the baseline's place, by the rule that was chosen."""
        return self.status == "accepted"

    def to_json(self) -> dict[str, object]:
        """Return it as JSON."""
        plain = {name: getattr(self, name) for name in self.__slots__ if name not in {"verdict", "broken", "reasons"}}
        return {
            **plain,
            "accepted": self.accepted,
            "reasons": list(self.reasons),
            "broken": [str(line) for line in self.broken],
            "baseline": self.verdict.baseline,
            "candidate": self.verdict.candidate,
            "findings": [
                {"question": one.question, "status": one.status, "reason": one.reason, "more_pairs": one.more_pairs}
                for one in self.verdict.findings
            ],
            "seed_rule": {**asdict(self.verdict.seed_rule), "accepted": self.verdict.seed_rule.accepted},
        }


def summarize(paths: Iterable[Path | str], *, thresh_pct: float | None = None, rule: Rule = "paired") -> Summary:
    """Return what the journals at *paths* say together, each read once.

    Without *thresh_pct* it is what the rows were measured for, the smallest where they differ. By the *rule* `seed`, a
    week of equal texts is accepted whose worst times are within it. Raises `ConfigError` for a file that is not there.
    """
    if thresh_pct is not None and not 0 < thresh_pct < math.inf:
        raise ConfigError(f"a threshold of {thresh_pct:g} % answers nothing", hint="take one above zero: --thresh 3")
    rows: list[Row] = []
    broken: list[Broken] = []
    for path in dict.fromkeys(Path(path).resolve() for path in paths):
        found, cut = read_journal(path)
        rows += found
        broken += cut
    terms = _terms(rows, thresh_pct)
    trials = [row.trial for row in rows]
    verdict = judge(trials, terms, at=(len(trials),))
    status, reasons = _ruled(verdict, rule)
    spoiled = _spoiled(rows, broken)
    return Summary(
        rows=len(rows),
        days_covered=days_covered(trials),
        same_text_all=bool(trials) and all(trial.same_text for trial in trials),
        mismatches=sum(not trial.same_text for trial in trials),
        **_spread(trials),
        errors=sum(bool(one.error) for trial in trials for one in trial.measurements),
        thresh_pct=terms.thresh_pct,
        rule=rule,
        status=worst(status, "invalid") if spoiled else status,
        reasons=(*spoiled, *reasons),
        broken=tuple(broken),
        verdict=verdict,
    )


def _terms(rows: Sequence[Row], thresh_pct: float | None) -> Terms:
    """Return the strictest terms of all rows."""
    thresh_pct = thresh_pct or min((row.terms.thresh_pct for row in rows), default=3.0)
    first = rows[0].terms if rows else Terms("baseline", "candidate")
    live_thresh_pct = min((row.terms.live_thresh_pct for row in rows), default=LIVE_THRESH_PCT)
    return replace(first, thresh_pct=thresh_pct, live_thresh_pct=live_thresh_pct, run_id="")


def _spoiled(rows: Sequence[Row], broken: Sequence[Broken]) -> tuple[str, ...]:
    """Return what no number of good rows makes up for."""
    comparisons = {replace(row.terms, thresh_pct=1.0, live_thresh_pct=1.0, run_id="") for row in rows}
    return (
        *(["there are no rows"] if not rows else []),
        *([f"{len(broken)} lines are broken, first {broken[0]}"] if broken else []),
        *([f"{len(comparisons)} comparisons are mixed: summarize them apart"] if len(comparisons) > 1 else []),
    )


def _ruled(verdict: Verdict, rule: Rule) -> tuple[RulingStatus, tuple[str, ...]]:
    if rule == "paired":
        return verdict.status, verdict.reasons
    return verdict.seed_rule.status, verdict.seed_rule.reasons


def _spread(trials: Sequence[Trial]) -> dict[str, float | None]:
    deltas = {
        "ttft": sorted(one for trial in trials if (one := trial.ttft_delta_pct) is not None),
        "total": sorted(one for trial in trials if (one := trial.total_delta_pct) is not None),
    }
    found = {f"worst_{name}_pct": worst_of(trials, name) for name in deltas}
    for share in (50, 95):
        found |= {f"p{share}_{name}_pct": percentile(values, share / 100) for name, values in deltas.items()}
    return {name: None if value is None else round(value, 3) for name, value in found.items()}


def percentile(ordered: Sequence[float], share: float) -> float | None:
    """Return the value below which that *share* of *ordered* lies, between two neighbours in proportion."""
    if not ordered:
        return None
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)
