"""A verdict and a summary as text and as JSON."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from liteagent_nb.core.timing import NAMES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from liteagent_nb.core.ranks import Interval
    from liteagent_nb.core.verdict import Finding, Verdict
    from liteagent_nb.parity.summary import Summary

__all__ = ["summary_text", "verdict_json", "verdict_text"]


_NOTHING_LEFT_PCT = -100.0


def verdict_text(verdict: Verdict) -> str:
    """Return what a comparison came to, for a terminal."""
    stopped = ", stopped" if verdict.is_stopped else ""
    arms, trials = f"{verdict.candidate} against {verdict.baseline}", f"{len(verdict.trials)} trials{stopped}"
    more = [f"  about {verdict.more_pairs} more pairs would answer"] if verdict.more_pairs else []
    lines = [f"{arms}: {verdict.status.upper()} after {trials}", *_findings(verdict), *more]
    return "\n".join([*lines, f"  the seed's rule: {_seed(verdict)}"])


def _findings(verdict: Verdict) -> Iterator[str]:
    for finding in verdict.findings:
        yield f"  {finding.question:<9} {finding.status:<9} {finding.reason}"
        yield from _figures(finding)


def _figures(finding: Finding) -> Iterator[str]:
    for figure, ruling in finding.rulings.items():
        spans = f"{_span(ruling.change_pct)}, the baseline against itself {_span(ruling.control_pct)}"
        yield f"    {NAMES[figure]}: {spans} ({ruling.pairs} pairs, {ruling.status})"


def _span(found: Interval) -> str:
    return f"{found.estimate:+.1f} % ({found.lower:+.1f} to {found.upper:+.1f})"


def _seed(verdict: Verdict) -> str:
    return "; ".join([verdict.seed_rule.status, *verdict.seed_rule.reasons])


def verdict_json(verdict: Verdict) -> dict[str, object]:
    """Return what a comparison came to as JSON, without its trials."""
    return {
        "baseline": verdict.baseline,
        "candidate": verdict.candidate,
        "status": verdict.status,
        "accepted": verdict.accepted,
        "trials": len(verdict.trials),
        "errors": dict(verdict.errors),
        "more_pairs": verdict.more_pairs,
        "thresh_pct": verdict.thresh_pct,
        "run_id": verdict.run_id,
        "is_stopped": verdict.is_stopped,
        "findings": [_finding_json(finding) for finding in verdict.findings],
        "seed_rule": {"status": verdict.seed_rule.status, "reasons": list(verdict.seed_rule.reasons)},
    }


def _finding_json(finding: Finding) -> dict[str, object]:
    rulings = {
        figure: {
            "status": ruling.status,
            "pairs": ruling.pairs,
            "change_pct": _finite(ruling.change_pct),
            "control_pct": _finite(ruling.control_pct),
        }
        for figure, ruling in finding.rulings.items()
    }
    plain = {name: getattr(finding, name) for name in ("question", "status", "reason", "more_pairs", "margin_pct")}
    return {**plain, "figures": rulings}


def _finite(found: Interval) -> list[float | None]:
    """Return lower bound, estimate and upper bound; None where there is no bound."""
    ends = (found.lower, found.estimate, found.upper)
    return [round(end, 3) if _NOTHING_LEFT_PCT < end < math.inf else None for end in ends]


def summary_text(summary: Summary) -> str:
    """Return what journals come to, for a terminal."""
    verdict = summary.verdict
    rows = f"{summary.rows} rows on {summary.days_covered} days, {summary.errors} errors"
    texts = "all texts the same" if summary.same_text_all else f"{summary.mismatches} texts differ"
    return "\n".join(
        [
            f"{verdict.candidate} against {verdict.baseline}: {summary.status.upper()} by the {summary.rule} rule",
            f"  {rows}, {texts}",
            f"  ttft  {_deltas(summary, 'ttft')}",
            f"  total {_deltas(summary, 'total')}",
            *(f"  {reason}" for reason in summary.reasons),
        ]
    )


def _deltas(summary: Summary, name: str) -> str:
    found = {word: getattr(summary, f"{word}_{name}_pct") for word in ("p50", "p95", "worst")}
    return ", ".join(f"{word} {'unknown' if one is None else f'{one:+.1f} %'}" for word, one in found.items())
