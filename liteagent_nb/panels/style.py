"""The stylesheet of every output, as one element."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

__all__ = ["framed", "style_tag"]


@cache
def style_tag() -> str:
    """Return the stylesheet as a `<style>` element on one line, so that a notebook's diff and nbval can skip it."""
    css = (files(__package__) / "static" / "agent.css").read_text(encoding="utf-8")
    css = re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)
    css = re.sub(r"\s+", " ", css)
    css = re.sub(r" ?([{};,]) ?", r"\1", css).strip()
    return f"<style>{css}</style>"


def framed(html: str) -> str:
    """Return one of our outputs: *html* with the stylesheet. A `$` in it is money, not the start of a formula."""
    return f'<div class="la-run mathjax_ignore">{style_tag()}{html}</div>'
