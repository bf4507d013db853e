"""The stylesheets: of every output, as one element; of a widget, as text."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

__all__ = ["framed", "static_text", "style_tag", "widget_css", "widget_esm"]


@cache
def static_text(name: str) -> str:
    """Return the front-end file *name*."""
    return (files(__package__) / "static" / name).read_text(encoding="utf-8")


@cache
def style_tag(*also: str) -> str:
    """Return the stylesheet as a `<style>` element on one line, so that a notebook's diff and nbval can skip it.

    *also* has the files of what only some outputs need.
    """
    css = "".join(static_text(file) for file in ("theme.css", "agent.css", *also))
    css = re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)
    css = re.sub(r"\s+", " ", css)
    css = re.sub(r" ?([{};,]) ?", r"\1", css).strip()
    return f"<style>{css}</style>"


def widget_css(*names: str) -> str:
    """Return the stylesheet of the widget whose own rules are in the files *names*: it draws what outputs draw, too."""
    return "\n".join(static_text(file) for file in ("theme.css", "agent.css", "controls.css", *names))


def widget_esm(name: str) -> str:
    """Return the ES module of the widget whose own code is in *name*; what widgets share comes before it."""
    return f"{static_text('kit.js')}\n{static_text(name)}"


def framed(html: str, *also: str, classes: str = "") -> str:
    """Return one of our outputs: *html* with the stylesheet. A `$` in it is money, not the start of a formula."""
    return f'<div class="{f"la-run {classes}".strip()} mathjax_ignore">{style_tag(*also)}{html}</div>'
