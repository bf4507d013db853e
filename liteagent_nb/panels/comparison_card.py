"""Comparison: two arms that a panel measures, and how it is drawn: while it goes on, and in the notebook."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from liteagent_nb.core.judging import Terms
from liteagent_nb.core.timing import NAMES, figures_of, pairs_of
from liteagent_nb.core.verdict import Verdict
from liteagent_nb.panels.cards import clock_html, duration
from liteagent_nb.panels.parity_figures import judged
from liteagent_nb.panels.parity_table import chip, findings_html, table_html
from liteagent_nb.panels.parity_view import verdict_plain
from liteagent_nb.panels.render import clipped, escaped, visible
from liteagent_nb.panels.style import framed
from liteagent_nb.parity.events import Looked, ParityDone, ParityEvent, ParityStarted, TrialDone

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from liteagent_nb.core.measurement import Trial

__all__ = ["Comparison", "Point", "Request", "body_html", "kept_bundle", "summary_html"]

Stage: TypeAlias = Literal["waiting", "running", "drawing", "ended"]
Point: TypeAlias = tuple[str, float, float]
"""A figure's name, and of one pair its change and that of the control, in percent."""

_MOST_CHARS = 2_000
_MOST_KEPT = 20


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be compared, as it was asked for; empty or None where nobody said."""

    baseline: str
    candidate: str
    prompts: str = ""
    rounds: int | None = None
    thresh_pct: float | None = None

    @property
    def form(self) -> dict[str, object]:
        """What the fields of the panel say."""
        return {
            "a": self.baseline,
            "b": self.candidate,
            "prompts": self.prompts,
            "rounds": "" if self.rounds is None else self.rounds,
            "thresh": "" if self.thresh_pct is None else self.thresh_pct,
        }

    @property
    def cell(self) -> str:
        """The cell that asks for the same."""
        rounds = "" if self.rounds is None else f" --rounds {self.rounds}"
        thresh = "" if self.thresh_pct is None else f" --thresh {self.thresh_pct:g}"
        line = f"%parity {self.baseline} {self.candidate}{rounds}{thresh}"
        return f"%{line}\n{self.prompts.strip()}" if self.prompts.strip() else line


@dataclass(slots=True)
class Comparison:
    """Two arms, how far they are measured, and what came of it so far."""

    number: int
    request: Request
    stage: Stage = "waiting"
    since_s: float = 0.0
    """When it began, on the event loop's clock."""
    measured: int = 0
    planned: int = 0
    """How many trials there are at the most; 0 while the arms warm up."""
    terms: Terms | None = None
    """What was agreed, as soon as the arms are warm."""
    points: list[Point] = field(default_factory=list)
    found: str = ""
    """What the last look said, as HTML; of one that ended the verdict, with its plots."""
    verdict: Verdict | None = None
    fault: str = ""
    """Why it could not be measured."""

    def take(self, event: ParityEvent) -> None:
        """Take in what happens."""
        match event:
            case ParityStarted(terms=terms, planned=planned):
                self.planned, self.terms = planned, terms
            case TrialDone(trial=trial, number=number):
                self.measured = number
                self.points += _points(trial, self.terms)
            case Looked(verdict=verdict):
                self.found = findings_html(verdict) + table_html(list(judged(verdict)))
            case ParityDone(verdict=verdict):
                self.verdict = verdict

    @property
    def look(self) -> str:
        """The class that it is drawn in."""
        if self.stage != "ended":
            return "running"
        return "ok" if self.verdict is not None and not self.fault else "failed"

    @property
    def outcome(self) -> str:
        """What it came to, in a word or two."""
        if self.fault or self.verdict is None or not self.verdict.trials:
            return "stopped" if not self.fault else "not measured"
        return f"{self.verdict.status}{', stopped' if self.verdict.is_stopped else ''}"


def _points(trial: Trial, terms: Terms | None) -> Iterator[Point]:
    if terms is None or not terms.is_timed:
        return
    for figure in figures_of((trial,), is_live=terms.is_live):
        for pair in pairs_of((trial,), figure):
            change, control = pair.candidate / pair.baseline, pair.control / pair.baseline
            yield NAMES[figure], (change - 1) * 100, (control - 1) * 100


def summary_html(one: Comparison, *, now_s: float) -> str:
    """Return the one line that is seen when it is closed."""
    arms = (
        f'<span class="la-brief la-pair"><span class="la-b">B</span> {escaped(one.request.candidate)} against '
        f'<span class="la-a">A</span> {escaped(one.request.baseline)}</span>'
    )
    return f"{_sign(one)}{arms}{_progress(one, now_s)}"


def body_html(one: Comparison) -> str:
    """Return what is seen when it is open."""
    fault = f'<div class="la-notice la-bad">{escaped(clipped(one.fault, _MOST_CHARS))}</div>' if one.fault else ""
    return fault + one.found


def kept_bundle(comparisons: Sequence[Comparison]) -> dict[str, str]:
    """Return comparisons for a saved notebook: HTML for readers, and plain text that is the same each time."""
    kept = comparisons[-_MOST_KEPT:]
    html = framed("".join(map(_card_html, kept)), "parity.css", classes="la-kept")
    return {"text/html": html, "text/plain": "\n".join(map(_text, kept))}


def _card_html(one: Comparison) -> str:
    """Return it as a card that needs neither kernel nor scripts."""
    return (
        f'<details class="la-card la-{one.look}" open><summary>{summary_html(one, now_s=0)}</summary>'
        f'<div class="la-body"><div class="la-outs">{body_html(one)}</div></div></details>'
    )


def _text(one: Comparison) -> str:
    if one.verdict is not None and not one.fault:
        return verdict_plain(one.verdict)
    return visible(f"{one.outcome}: {one.request.candidate} against {one.request.baseline}\n{one.fault}".rstrip())


def _sign(one: Comparison) -> str:
    if one.stage in {"running", "drawing"}:
        return '<span class="la-spin"></span>'
    if one.stage == "ended" and one.look == "ok" and one.verdict is not None:
        return chip(one.verdict.status)
    return f'<span class="la-sign" title="{one.stage}">{"…" if one.stage == "waiting" else "✗"}</span>'


def _progress(one: Comparison, now_s: float) -> str:
    if one.stage == "waiting":
        return '<span class="la-time">waits</span>'
    if one.stage == "drawing":
        return '<span class="la-time">drawing</span>'
    if one.stage == "ended":
        stopped = "stopped · " if one.verdict is not None and one.verdict.is_stopped else ""
        told = f"{stopped}{one.measured:,} trials" if one.measured else one.outcome
        return f'<span class="la-time"><span class="la-vary">{told}</span></span>'
    passed_s = now_s - one.since_s
    if not one.planned:
        return f'<span class="la-time">warming up · {clock_html(passed_s)}</span>'
    share = 100 * one.measured / one.planned
    bar = f'<span class="la-bar"><span style="width:{share:.1f}%"></span></span>'
    told = f"{one.measured:,} of at most {one.planned:,}{_left(one, passed_s)} · {clock_html(passed_s)}"
    return f'{bar}<span class="la-time">{told}</span>'


def _left(one: Comparison, passed_s: float) -> str:
    if not 0 < one.measured < one.planned:
        return ""
    return f" · at most {duration(passed_s / one.measured * (one.planned - one.measured) * 1000)} to go"
