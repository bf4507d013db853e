"""Question and Turn: one exchange of a chat, as an output of the notebook that needs neither kernel nor scripts."""

from __future__ import annotations

from dataclasses import dataclass, field

from liteagent_nb.core.chat import Transcript
from liteagent_nb.core.steps import Run
from liteagent_nb.panels.plain import run_text
from liteagent_nb.panels.render import clipped, escaped, visible
from liteagent_nb.panels.run_view import run_parts
from liteagent_nb.panels.style import framed

__all__ = ["Question", "Turn", "question_html", "turn_bundle", "turn_html"]

_MAX_QUESTION_CHARS = 20_000


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, what goes with it, and what was said before."""

    text: str
    model: str = ""
    """The name of the model that is to answer; empty: the panel's."""
    names: tuple[str, ...] = ()
    """Variables of the notebook that go with it."""
    pictures: tuple[bytes, ...] = ()
    """Pictures that were pasted or picked."""
    replaces: int = 0
    """The turn that it is asked in the place of; 0: none."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A question and the run that answered it."""

    number: int
    question: Question
    run: Run
    before: Transcript = field(default_factory=Transcript)
    is_replaced: bool = False
    """Whether the conversation went another way: it was edited, or asked again."""


def turn_bundle(turn: Turn) -> dict[str, str]:
    """Return a turn for a notebook: HTML for readers, and plain text that is the same each time."""
    html = framed(turn_html(turn), classes=f"la-turn la-turn-{turn.number}")
    return {"text/html": html, "text/plain": _turn_text(turn)}


def turn_html(turn: Turn) -> str:
    """Return a turn as HTML, without the frame that brings its stylesheet."""
    html = question_html(turn.question) + run_parts(turn.run)
    if not turn.is_replaced:
        return html
    title = escaped(clipped(" ".join(turn.question.text.split()), 80))
    return f'<details class="la-replaced"><summary>asked again: {title}</summary>{html}</details>'


def question_html(question: Question) -> str:
    """Return what was asked, with what went with it."""
    text = escaped(clipped(question.text.strip(), _MAX_QUESTION_CHARS))
    beside = [*question.names, *(["a picture"] * len(question.pictures))]
    chips = "".join(f'<span class="la-chip">{escaped(name)}</span>' for name in beside)
    return f'<div class="la-you"><pre class="la-text">{text}</pre>{chips}</div>'


def _turn_text(turn: Turn) -> str:
    lines = visible(clipped(turn.question.text.strip(), _MAX_QUESTION_CHARS)).splitlines()
    asked = "\n".join(f"> {line}" for line in lines)
    return f"{asked}\n{run_text(turn.run)}" + ("\n[asked again]" if turn.is_replaced else "")
