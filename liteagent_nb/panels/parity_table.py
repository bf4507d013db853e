"""What a comparison found, as tables: the answer to each question, and the figures that it was found from."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from liteagent_nb.panels.parity_figures import between, milliseconds, percent
from liteagent_nb.panels.render import clipped, escaped, varying

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from liteagent_nb.core.parity import RulingStatus
    from liteagent_nb.core.verdict import Finding, Verdict
    from liteagent_nb.panels.parity_figures import Judged

__all__ = ["chip", "findings_html", "table_html"]

_MAX_REASON_CHARS = 2_000

_SIGNS: dict[RulingStatus, str] = {"accepted": "✓", "rejected": "✗", "undecided": "?", "invalid": "!"}
_HEAD = ("figure", "status", "A", "B", "B against A", "A against A", "pairs")


def chip(status: RulingStatus) -> str:
    """Return a status as a word in its colour."""
    return f'<span class="la-chip la-is-{status}"><span aria-hidden="true">{_SIGNS[status]}</span> {status}</span>'


def findings_html(verdict: Verdict) -> str:
    """Return the answer to each question, with its reason."""
    return f'<div class="la-findings">{"".join(map(_finding, verdict.findings))}</div>'


def table_html(figures: Sequence[Judged]) -> str:
    """Return the judged figures, a row each; nothing where there are none."""
    if not figures:
        return ""
    head = "".join(f'<th scope="col">{escaped(name)}</th>' for name in _HEAD)
    rows = "".join(map(_row, figures))
    return f'<div class="la-figures"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'


def _finding(finding: Finding) -> str:
    more = f"; about {finding.more_pairs:,} more pairs would tell" if finding.more_pairs else ""
    reason = varying(clipped(finding.reason + more, _MAX_REASON_CHARS))
    words = f'<span class="la-name">{finding.question}</span> {chip(finding.status)} <span>{reason}</span>'
    return f'<div class="la-finding">{words}</div>'


def _row(one: Judged) -> str:
    cells = "".join(f"<td>{varying(cell)}</td>" for cell in _cells(one))
    return f'<tr><th scope="row">{escaped(one.name)}</th><td>{chip(one.ruling.status)}</td>{cells}</tr>'


def _cells(one: Judged) -> Iterator[str]:
    yield milliseconds(median(pair.baseline for pair in one.pairs))
    yield milliseconds(median(pair.candidate for pair in one.pairs))
    yield f"{percent(one.ruling.change_pct.estimate)} ({between(one.ruling.change_pct)})"
    yield between(one.ruling.control_pct)
    yield str(one.ruling.pairs)
