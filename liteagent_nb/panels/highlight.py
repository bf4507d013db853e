"""Colours for code: source text to escaped HTML with a few classes."""

from __future__ import annotations

from functools import cache
from html import escape
from typing import TYPE_CHECKING

from pygments.lexers import get_lexer_by_name
from pygments.token import Comment, Keyword, Literal, Name, Number, Operator, String, Token

if TYPE_CHECKING:
    from pygments.lexer import Lexer

__all__ = ["CLASSES", "highlighted"]

_MAX_CHARS = 12_000
"""Longer code is not coloured: a lexer is a pile of regular expressions, and a model chooses its input."""

_LANGUAGES = frozenset(
    "bash c cpp css diff go html java javascript js json julia python py r rust sh shell sql toml ts typescript xml "
    "yaml".split()
)
"""A closed list: looking any other name up would import plugins."""

_KINDS = (
    (Comment, "la-c"),
    (Keyword.Constant, "la-n"),
    (Keyword, "la-k"),
    (String, "la-s"),
    (Number, "la-n"),
    (Literal, "la-s"),
    (Name.Function, "la-f"),
    (Name.Class, "la-f"),
    (Name.Tag, "la-k"),
    (Name.Builtin, "la-b"),
    (Name.Decorator, "la-b"),
    (Operator.Word, "la-k"),
)

CLASSES = frozenset(css_class for _, css_class in _KINDS)
"""The classes that `highlighted` writes."""


def highlighted(code: str, language: str) -> str:
    """Return *code* as escaped HTML, coloured where the language is known."""
    language = language.strip().lower()
    if language not in _LANGUAGES or len(code) > _MAX_CHARS:
        return escape(code)
    return "".join(_span(kind, text) for kind, text in _lexer(language).get_tokens(code))


@cache
def _lexer(language: str) -> Lexer:
    return get_lexer_by_name(language, stripnl=False, ensurenl=False)


def _span(kind: type[Token] | object, text: str) -> str:
    css_class = next((name for parent, name in _KINDS if kind in parent), "")
    return f'<span class="{css_class}">{escape(text)}</span>' if css_class else escape(text)
