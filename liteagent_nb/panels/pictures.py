"""Pictures and tables that code showed, as HTML that can do nothing but be looked at."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import nh3

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from liteagent_nb.core.execution import Output

__all__ = ["outputs_html"]

_KINDS = ("image/png", "image/jpeg", "image/webp", "image/gif")
"""What a browser decodes without running anything; SVG is a program."""
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")
_TABLE_TAGS = frozenset(
    "table thead tbody tfoot tr th td caption div p b i em strong span br ul ol li code pre sup sub".split()
)
_TABLE_ATTRIBUTES = {"th": {"colspan", "rowspan"}, "td": {"colspan", "rowspan"}}
_MOST_CHARS = 4_000_000
"""What is drawn of all outputs of one call, at the most."""


def outputs_html(outputs: Sequence[Output], *, max_chars: int = _MOST_CHARS) -> str:
    """Return what code showed: pictures whole, HTML reduced to tables and text; nothing is fetched, nothing runs."""
    drawn: list[str] = []
    for html in filter(None, (_html_of(output) for output in outputs)):
        max_chars -= len(html)
        if max_chars < 0:
            drawn.append('<div class="la-none">more was shown; the Run has it all</div>')
            break
        drawn.append(html)
    return "".join(drawn)


def _html_of(output: Output) -> str:
    data: Any = output.get("data")
    if not isinstance(data, dict):
        return ""
    return _picture(data) or _table(data)


def _picture(data: Mapping[str, Any]) -> str:
    for kind in _KINDS:
        text = re.sub(r"\s", "", data[kind]) if isinstance(data.get(kind), str) else ""
        if text and _BASE64.fullmatch(text):
            return f'<img class="la-picture" alt="a picture that the code showed" src="data:{kind};base64,{text}">'
    return ""


def _table(data: Mapping[str, Any]) -> str:
    html = data.get("text/html")
    if not isinstance(html, str):
        return ""
    cleaned = nh3.clean(html, tags=set(_TABLE_TAGS), attributes=_TABLE_ATTRIBUTES)
    return f'<div class="la-table">{cleaned}</div>' if cleaned.strip() else ""
