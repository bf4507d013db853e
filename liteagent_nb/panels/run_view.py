"""A finished run as HTML."""

from __future__ import annotations

from typing import TYPE_CHECKING

from liteagent_nb.panels.cards import MAX_OUTPUT_CHARS, card_html, duration
from liteagent_nb.panels.plain import run_text
from liteagent_nb.panels.render import answer_html, clipped, escaped, varying, visible
from liteagent_nb.panels.style import framed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from liteagent_nb.core.chat import Usage
    from liteagent_nb.core.steps import Run, Step

__all__ = ["line_bundle", "money", "run_bundle", "run_html", "run_parts", "tokens"]

_MAX_CARDS = 200
_ALL_OUTPUT_CHARS = 400_000

_STOPPED = {
    "max_iterations": "Stopped: out of steps",
    "budget": "Stopped: the budget is spent",
    "stagnation": "Stopped: it went round in circles",
    "cancelled": "Stopped by you; what came so far is kept",
    "error": "Failed",
}


def run_bundle(run: Run) -> dict[str, str]:
    """Return a run for a notebook: HTML for readers, and plain text that is the same each time."""
    return {"text/html": run_html(run), "text/plain": run_text(run)}


def line_bundle(name: str, why: str) -> dict[str, str]:
    """Return the line that says which model answers, and why it was chosen."""
    line = f'<div class="la-from"><b>{escaped(name)}</b> · {escaped(why)}</div>'
    return {"text/html": framed(line), "text/plain": visible(f"{name} · {why}")}


def run_html(run: Run) -> str:
    """Return a run as HTML: what was said, tool cards, the answer, and a footer with what it took."""
    return framed(run_parts(run))


def run_parts(run: Run) -> str:
    """Return the HTML of a run without the frame that brings its stylesheet."""
    return "".join([*_steps_html(run), _answer(run), _notice(run), _footer(run)])


def money(cost_usd: float | None) -> str:
    """Return a cost as people read it: `free`, `$0.0012`, `price unknown`."""
    if cost_usd is None:
        return "price unknown"
    if cost_usd == 0:
        return "free"
    return f"${cost_usd:.2f}" if cost_usd >= 1 else f"${cost_usd:.4f}" if cost_usd >= 0.0001 else "< $0.0001"  # noqa: PLR2004 (cents)


def _steps_html(run: Run) -> Iterator[str]:
    room = max(2_000, min(MAX_OUTPUT_CHARS, _ALL_OUTPUT_CHARS // max(1, len(run.tool_invocations))))
    drawn = 0
    for step in run.steps:
        yield from _said(step, run)
        for invocation in step.tool_invocations[: max(0, _MAX_CARDS - drawn)]:
            yield card_html(invocation, max_output_chars=room)
        drawn += len(step.tool_invocations)
    if drawn > _MAX_CARDS:
        yield f'<div class="la-notice">… {drawn - _MAX_CARDS} more calls are not drawn; the Run has them all</div>'


def _said(step: Step, run: Run) -> Iterator[str]:
    if step.reply.reasoning.strip():
        thought = escaped(clipped(step.reply.reasoning.strip(), MAX_OUTPUT_CHARS))
        yield f'<details class="la-thought"><summary>thought</summary><pre class="la-text">{thought}</pre></details>'
    text = step.reply.text.strip()
    if text and text != run.final_answer.strip():
        yield answer_html(text)


def _answer(run: Run) -> str:
    if not run.final_answer.strip():
        return ""
    if run.final_answer_source == "tool":
        text = escaped(clipped(run.final_answer.strip(), MAX_OUTPUT_CHARS))
        note = "The last tool's output stands in for an answer:"
        return f'<div class="la-notice">{note}</div><pre class="la-text">{text}</pre>'
    return answer_html(run.final_answer)


def _notice(run: Run) -> str:
    if run.stopped_reason == "success":
        return ""
    detail = "" if run.stopped_reason == "cancelled" else run.stop_detail or (str(run.error) if run.error else "")
    more = f": {varying(clipped(detail, 1_000))}" if detail else ""
    level = "bad" if run.stopped_reason == "error" else "warn"
    return f'<div class="la-notice la-{level}">{_STOPPED[run.stopped_reason]}{more}</div>'


def _footer(run: Run) -> str:
    model = f"<span>{escaped(run.used_model or 'no model')}{' (escalated)' if run.escalated else ''}</span>"
    figures = [varying(figure) for figure in [*_figures(run), *_origin(run)]]
    return f'<div class="la-foot">{"".join([model, *figures])}</div>'


def _figures(run: Run) -> Iterator[str]:
    usage = run.usage
    if usage.total_tokens:
        yield f"{tokens(usage)} · {money(usage.cost_usd)}"
    if run.ttft_ms is not None:
        yield f"first token {duration(run.ttft_ms)}"
    yield f"total {duration(run.ttotal_ms)}"


def _origin(run: Run) -> Iterator[str]:
    """Tell where answers come from, where that is not the model."""
    cached = sum(step.reply.is_cached for step in run.steps)
    if cached:
        which = "from the cache" if cached == len(run.steps) else f"{cached} of {len(run.steps)} answers from the cache"
        yield f"{which}, nothing paid for {'it' if cached == 1 else 'them'}"
    elif run.is_replayed:
        yield "replayed"


def tokens(usage: Usage) -> str:
    """Return how many tokens were used, and whether that is an estimate."""
    about = "≈ " if usage.is_estimate else ""
    return f"{about}{usage.prompt_tokens:,} + {usage.completion_tokens:,} tokens"
