"""Text as a terminal shows it, as safe HTML: colours, and lines that are written over."""

from __future__ import annotations

import copy
import re

from liteagent_nb.panels.render import escaped

__all__ = ["Ink", "TerminalText", "coloured"]

_SGR = re.compile(r"\x1b\[([0-9;:]*)m")
_COLOURS = 8
_MOST_CHARS = 1_000_000
"""What a browser is given of one text; all of it stays in the result."""
_HEAD_LINES, _TAIL_LINES = 400, 200
"""What a saved notebook keeps of one text."""
_LONG_LINE = 4_000
"""A line is drawn anew while it grows; a longer one is cut in two."""
_MORE = "\n… more is not drawn; the result has it …"


def coloured(text: str) -> str:
    """Return *text* as HTML with its colours; everything else that is meant for a terminal is left out."""
    drawn = TerminalText()
    drawn.feed(text)
    return drawn.html


class Ink:
    """The colour that a terminal writes in, from one piece of text to the next."""

    def __init__(self) -> None:
        self._colour = ""
        self._weight = ""

    def html(self, text: str) -> str:
        """Return *text* as HTML, and take over the colour it ends in."""
        drawn, begin = [], 0
        for found in _SGR.finditer(text):
            drawn.append(self._drawn(text[begin : found.start()]))
            self._take([int(code) for code in re.findall(r"\d+", found[1][:60])] or [0])
            begin = found.end()
        return "".join([*drawn, self._drawn(text[begin:])])

    def _drawn(self, text: str) -> str:
        classes = f"{self._colour} {self._weight}".strip()
        html = escaped(text)
        return f'<span class="{classes}">{html}</span>' if classes and html else html

    def _take(self, codes: list[int]) -> None:
        if codes[0] in {38, 48}:  # a palette of its own: the theme's colours are kept instead
            return
        for code in codes:
            if code == 0:
                self._colour = self._weight = ""
            elif code in {1, 22}:
                self._weight = "la-bold" if code == 1 else ""
            elif code == 39:  # noqa: PLR2004 (the default colour)
                self._colour = ""
            elif (named := code - 90 if code >= 90 else code - 30) in range(_COLOURS):  # noqa: PLR2004 (bright ones)
                self._colour = f"la-ansi{named}"


class TerminalText:
    """A text that grows: `news` is what was added, `tail` its last line, which may still be written over."""

    def __init__(self) -> None:
        self._ink = Ink()
        self._line = ""
        self._done: list[str] = []
        self._seen = 0
        self._chars = 0

    def feed(self, text: str) -> None:
        """Add a piece."""
        if self._chars > _MOST_CHARS:
            return
        self._chars += len(text)
        *lines, self._line = (self._line + text).split("\n")
        self._done += [f"{self._ink.html(_written_over(line))}\n" for line in lines]
        self._line = _last_writing(self._line)
        if len(self._line) > _LONG_LINE:
            self._done.append(self._ink.html(self._line))
            self._line = ""
        if self._chars > _MOST_CHARS:
            self._line += _MORE

    def news(self) -> str:
        """Return the HTML of the lines that ended since the last time."""
        seen, self._seen = self._seen, len(self._done)
        return "".join(self._done[seen:])

    @property
    def tail(self) -> str:
        """The HTML of the line that has not ended."""
        return copy.copy(self._ink).html(_written_over(self._line))

    @property
    def done(self) -> str:
        """The HTML of the lines that ended."""
        return "".join(self._done)

    @property
    def brief(self) -> str:
        """All of it, or its first and last lines where there are very many."""
        left_out = len(self._done) - _HEAD_LINES - _TAIL_LINES
        if left_out <= 0:
            return self.html
        note = f"… {left_out:,} lines are left out here …\n"
        return "".join([*self._done[:_HEAD_LINES], note, *self._done[-_TAIL_LINES:], self.tail])

    @property
    def html(self) -> str:
        """All of it."""
        return self.done + self.tail


def _written_over(line: str) -> str:
    """Return what is left of *line* where a carriage return lets it be written over, as progress bars do."""
    return line.rstrip("\r").rpartition("\r")[2]


def _last_writing(line: str) -> str:
    return _written_over(line) + ("\r" if line.endswith("\r") else "")
