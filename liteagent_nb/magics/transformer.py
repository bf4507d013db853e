"""Lets a line that ends in a question mark reach its magic: IPython reads a last `?` as a wish for help."""

from __future__ import annotations

import re

__all__ = ["keep_questions"]

_QUESTION = re.compile(r"^(\s*(?:[\w.,\s\[\]'\"]+=\s*)?)%(agent|exec|parity)[ \t]+(\S.*\?)\s*$")
_HELP = re.compile(r"^%%(?:agent|exec|parity)[ \t]+.*--help\b")


def keep_questions(lines: list[str]) -> list[str]:
    """Return *lines* with each `%agent … ?` (`%exec`, `%parity`) written as the call that IPython would make.

    `%agent?` alone stays help. Bodies of `%%` cells and lines inside a triple-quoted string are left alone.
    """
    if lines and lines[0].startswith("%%"):
        is_bare = not "".join(lines[1:]).strip()
        return [lines[0][1:]] if is_bare and _HELP.match(lines[0]) else lines
    return [
        _call(found) if (found := _QUESTION.match(line)) and not _is_in_string(lines[:number]) else line
        for number, line in enumerate(lines)
    ]


def _call(found: re.Match[str]) -> str:
    return f"{found[1]}get_ipython().run_line_magic({found[2]!r}, {found[3]!r})\n"


def _is_in_string(before: list[str]) -> bool:
    """Whether a triple-quoted string is open: an odd number of its marks came before."""
    text = "".join(before)
    return text.count('"""') % 2 == 1 or text.count("'''") % 2 == 1
