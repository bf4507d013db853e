"""Short tables and notes: the conversation, models, tools, status."""

from __future__ import annotations

from typing import TYPE_CHECKING

from liteagent_nb.panels.render import clipped, escaped, visible
from liteagent_nb.panels.style import framed

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["note_bundle", "rows_bundle"]

_MAX_CHARS = 600


def note_bundle(text: str) -> dict[str, str]:
    """Return one line of plain words."""
    html = framed(f'<div class="la-notice">{escaped(text)}</div>')
    return {"text/html": html, "text/plain": visible(text)}


def rows_bundle(title: str, rows: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Return a titled list of names with what there is to say about them."""
    drawn = "".join(f"<dt>{escaped(name)}</dt><dd>{escaped(clipped(text, _MAX_CHARS))}</dd>" for name, text in rows)
    html = framed(f'<div class="la-title">{escaped(title)}</div><dl>{drawn}</dl>')
    width = max((len(name) for name, _ in rows), default=0)
    lines = [f"{name:<{width}}  {clipped(text, _MAX_CHARS)}" for name, text in rows]
    return {"text/html": html, "text/plain": visible("\n".join([title, *lines]))}
