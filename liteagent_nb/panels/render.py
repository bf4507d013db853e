"""Text to safe HTML: what a model, a tool or a user wrote never becomes code in the page."""

from __future__ import annotations

import re
from functools import cache
from html import escape
from typing import TYPE_CHECKING

import nh3
from markdown_it import MarkdownIt

from liteagent_nb.core.text import without_colours
from liteagent_nb.panels.highlight import CLASSES, highlighted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markdown_it.rules_core import StateCore
    from markdown_it.token import Token

__all__ = ["answer_html", "clipped", "escaped", "safe_html", "varying", "visible"]

_TAGS = nh3.ALLOWED_TAGS - {"img", "map", "area"}
_ATTRIBUTES = {
    "a": {"href", "title"},
    "code": {"class"},
    "th": {"align"},
    "td": {"align"},
    "ol": {"start"},
}
_LINKS = ("http://", "https://", "mailto:")
_MAX_MARKDOWN_CHARS = 100_000
"""Markdown costs 5 ms a kilobyte: beyond this the text is shown as it is."""
_MAX_CHARS = 400_000
"""What a browser is given of one text; all of it stays in the Run."""

_PRICE = re.compile(r"\$(?=\d)(?![^<]*>)")
_UNSEEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


@cache
def _markdown() -> MarkdownIt:
    options = {"html": False, "linkify": False, "highlight": lambda code, language, _: highlighted(code, language)}
    markdown = MarkdownIt("commonmark", options).enable(["table", "strikethrough"])
    markdown.add_render_rule("image", _image_as_link)
    markdown.core.ruler.push("tame", _tame)
    return markdown


def _tame(state: StateCore) -> None:
    """Write a column's alignment as `align`, since styles are cleaned away, and drop links into the server itself."""
    for token in state.tokens:
        if token.type in {"th_open", "td_open"} and (style := token.attrs.pop("style", "")):
            token.attrSet("align", str(style).removeprefix("text-align:"))
        for child in token.children or ():
            for name in {"href", "src"} & child.attrs.keys():
                if not str(child.attrs[name]).startswith(_LINKS):
                    del child.attrs[name]


def _image_as_link(_: object, tokens: Sequence[Token], index: int, *__: object) -> str:
    """Fetching a picture would tell another host that somebody reads this; a link waits for a click."""
    token = tokens[index]
    label = f"[image: {escape(token.content)}]"
    return f'<a href="{escape(str(token.attrs["src"]))}">{label}</a>' if "src" in token.attrs else label


def safe_html(markdown: str) -> str:
    """Return *markdown* as HTML without scripts, handlers, images or styles.

    Two locks: the parser knows no HTML, and what it writes is cleaned again by a real HTML parser. Images are out since
    fetching one tells another host that, and what, somebody reads.
    """
    return nh3.clean(
        _markdown().render(visible(markdown)),
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        allowed_classes={"span": set(CLASSES)},
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
    )


def answer_html(text: str) -> str:
    """Return an answer: Markdown, or where it is very long, the text itself."""
    if len(text) <= _MAX_MARKDOWN_CHARS:
        return f'<div class="la-answer mathjax_process">{_with_prices(safe_html(text))}</div>'
    return f'<pre class="la-text">{escaped(clipped(text, _MAX_CHARS))}</pre>'


def _with_prices(html: str) -> str:
    """Return *html* with the `$` of `$5` apart: JupyterLab makes a formula of what stands between two prices."""
    return _PRICE.sub("<span>$</span>", html)


def escaped(text: str) -> str:
    """Return *text* for HTML, quotes included, with colour codes removed and control characters shown."""
    return escape(visible(text))


def visible(text: str) -> str:
    """Return *text* without terminal colours, and with characters that hide or reorder others made visible."""
    return _UNSEEN.sub(lambda found: f"⟨U+{ord(found[0]):04X}⟩", without_colours(text))


def clipped(text: str, max_chars: int) -> str:
    """Return the head and tail of *text*, with a note between them that says how much is not drawn."""
    if len(text) <= max_chars:
        return text
    tail = max_chars // 3
    head = max_chars - tail
    note = f"… {len(text) - max_chars:,} characters are not drawn; the Run has them all …"
    return f"{text[:head]}\n\n{note}\n\n{text[-tail:]}"


def varying(text: str) -> str:
    """Return a figure that differs from run to run, marked so that a comparison of notebooks can leave it out."""
    return f'<span class="la-vary">{escaped(text)}</span>'
