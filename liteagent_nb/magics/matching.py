"""Tab completion for the line of a magic: where it stands, and what is offered."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from IPython.core.completer import SimpleCompletion, context_matcher

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from IPython.core.completer import CompletionContext, MatcherAPIv2, SimpleMatcherResult
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["line_before", "matcher", "offered", "public_names"]


def matcher(match: Callable[[CompletionContext], SimpleMatcherResult]) -> MatcherAPIv2:
    """Return *match* as a matcher for the shell's completer."""
    return context_matcher()(match)  # type: ignore[no-any-return]  # IPython's own is untyped


def line_before(context: CompletionContext, name: str) -> tuple[list[str], str] | None:
    """Return the words before the cursor on the line of the magic *name*, and the one that is being written."""
    line = re.match(rf"^\s*(?:[\w.,\s]+=\s*)?%{{1,2}}{name}\s+(.*)$", context.text_until_cursor)
    if line is None or (context.full_text.lstrip().startswith("%%") and context.cursor_line):
        return None
    *before, fragment = re.split(r"\s+", line[1])
    return before, fragment


def offered(fragment: str, candidates: Iterable[str]) -> SimpleMatcherResult:
    """Return those *candidates* that begin with what is written."""
    found = [SimpleCompletion(text, type="magic") for text in candidates if text.startswith(fragment)]
    return {"completions": found, "matched_fragment": fragment, "suppress": bool(found)}


def public_names(shell: InteractiveShell, suits: Callable[[object], bool] = lambda _: True) -> list[str]:
    """Return the notebook's own names whose values suit."""
    return [
        name
        for name, value in shell.user_ns.items()
        if not name.startswith("_") and name not in shell.user_ns_hidden and suits(value)
    ]
