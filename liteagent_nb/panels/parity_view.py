"""A verdict as HTML: what it is, why, its figures and its plots; and as text that is the same each time."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from liteagent_nb.panels.parity_figures import judged
from liteagent_nb.panels.parity_pictures import pictures_html
from liteagent_nb.panels.parity_table import chip, findings_html, table_html
from liteagent_nb.panels.render import clipped, escaped, varying, visible
from liteagent_nb.panels.style import framed

if TYPE_CHECKING:
    from liteagent_nb.core.parity import RulingStatus
    from liteagent_nb.core.verdict import Verdict
    from liteagent_nb.parity.summary import Summary

__all__ = ["summary_bundle", "verdict_bundle", "verdict_html", "verdict_plain"]

_MAX_CHARS = 2_000
_MAX_FAILURES = 3


def verdict_bundle(verdict: Verdict) -> dict[str, str]:
    """Return a verdict for a notebook: HTML for readers, and plain text that is the same each time."""
    html = _head(verdict, verdict.status) + verdict_html(verdict)
    return {"text/html": framed(html, "parity.css"), "text/plain": verdict_plain(verdict)}


def verdict_html(verdict: Verdict) -> str:
    """Return what stands below a verdict's first line, without stylesheets. Drawing its plots takes a second."""
    return _stopped(verdict) + _body(verdict)


def verdict_plain(verdict: Verdict) -> str:
    """Return a verdict as text that is the same each time."""
    return _text(verdict, verdict.status)


def summary_bundle(summary: Summary) -> dict[str, str]:
    """Return what journals come to: their verdict, and why it does not count where they are empty, broken or mixed."""
    told = f"{summary.rows:,} rows · days covered: {summary.days_covered:,}"
    why = [reason for reason in summary.reasons if summary.status != summary.verdict.status]
    html = [
        _head(summary.verdict, summary.status),
        *(f'<div class="la-notice la-warn">{escaped(clipped(reason, _MAX_CHARS))}</div>' for reason in why),
        f'<div class="la-notice">{escaped(told)}</div>',
        _body(summary.verdict),
    ]
    text = "\n".join([_text(summary.verdict, summary.status), *(f"  {visible(line)}" for line in [told, *why])])
    return {"text/html": framed("".join(html), "parity.css"), "text/plain": text}


def _text(verdict: Verdict, status: RulingStatus) -> str:
    lines = [f"{status}: {verdict.candidate} against {verdict.baseline}"]
    lines += [f"  {finding.question} {finding.status}" for finding in verdict.findings]
    return visible("\n".join([*lines, *(["[stopped]"] if verdict.is_stopped else [])]))


def _head(verdict: Verdict, status: RulingStatus) -> str:
    arms = (
        f'<span><span class="la-b">B</span> <b>{escaped(verdict.candidate)}</b> against '
        f'<span class="la-a">A</span> <b>{escaped(verdict.baseline)}</b></span>'
    )
    return f'<div class="la-verdict">{chip(status)} {arms}</div>'


def _stopped(verdict: Verdict) -> str:
    if not verdict.is_stopped:
        return ""
    measured = varying(f"{len(verdict.trials):,} trials were measured until then")
    return f'<div class="la-notice la-warn">Stopped by you; {measured}</div>'


def _body(verdict: Verdict) -> str:
    figures = list(judged(verdict))
    return "".join(
        [findings_html(verdict), _failures(verdict), table_html(figures), pictures_html(figures), _seed_rule(verdict)]
    )


def _failures(verdict: Verdict) -> str:
    """Return what went wrong, and how often: the most frequent errors of each arm."""
    counts = Counter(
        (name, one.error)
        for trial in verdict.trials
        for name, one in (("A", trial.baseline), ("A", trial.control), ("B", trial.candidate))
        if one is not None and one.error
    )
    told = [f"{name} failed {number:,} times: {error}" for (name, error), number in counts.most_common(_MAX_FAILURES)]
    return "".join(f'<div class="la-notice la-bad">{varying(clipped(line, _MAX_CHARS))}</div>' for line in told)


def _seed_rule(verdict: Verdict) -> str:
    """Return what the seed's own rule says, for those who look for it."""
    said = "accepts" if verdict.seed_rule.accepted else "does not accept"
    reasons = "".join(f"<li>{varying(clipped(reason, _MAX_CHARS))}</li>" for reason in verdict.seed_rule.reasons)
    summary = f"the seed's rule (every round within {verdict.thresh_pct:g} %, for a week) {said}"
    return f'<details class="la-more-of-it"><summary>{escaped(summary)}</summary><ul>{reasons}</ul></details>'
