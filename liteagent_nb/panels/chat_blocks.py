"""Blocks: what a run shows while it goes on, and what of it a view has not seen yet."""

from __future__ import annotations

from typing import TypeAlias

__all__ = ["Blocks", "Change"]

Change: TypeAlias = "list[object]"
"""`[run, block, "add", text]` (text at its end) or `[run, block, "set", html]`; a block that is new comes last."""

_MOST_CHARS = 400_000
"""What a browser is given of one text; all of it stays in the Run."""
_MORE = "\n\n… more comes, and is not drawn; the Run has it all …"


class Blocks:
    """The blocks of one run: texts that grow, and HTML that is set."""

    def __init__(self, run: int) -> None:
        self._run = run
        self._texts: dict[str, list[str]] = {}
        self._html: dict[str, str] = {}
        self._order: list[str] = []
        self._news: dict[str, list[str] | None] = {}
        """What is new: pieces of a text, or None for HTML that was set."""
        self._writing = ""
        self._chars = 0

    @property
    def text(self) -> str:
        """The text that is being written."""
        return "".join(self._texts.get(self._writing, ()))

    def write(self, piece: str) -> None:
        """Add *piece* to the text that is being written, or begin one."""
        if not self._writing:
            self._writing, self._chars = self._new(f"t{len(self._order)}"), 0
            self._texts[self._writing] = []
        if self._chars > _MOST_CHARS:
            return
        self._chars += len(piece)
        shown = piece if self._chars <= _MOST_CHARS else _MORE
        self._texts[self._writing].append(shown)
        news = self._news.setdefault(self._writing, [])
        if news is not None:
            news.append(shown)

    def end_text(self, html: str) -> None:
        """End the text that is being written; *html* takes its place."""
        if self._writing:
            del self._texts[self._writing]
            self.put(self._writing, html)
            self._writing = ""

    def put(self, block: str, html: str) -> None:
        """Set the HTML of *block*."""
        if block not in self._html and block not in self._order:
            self._new(block)
        self._html[block] = html
        self._news[block] = None

    def _new(self, block: str) -> str:
        self._order.append(block)
        return block

    def changes(self) -> list[Change]:
        """Return what is new since the last time."""
        news, self._news = self._news, {}
        return [self._change(block, pieces) for block, pieces in news.items()]

    def all(self) -> list[Change]:
        """Return all there is; nothing is new afterwards."""
        self._news = {}
        return [self._change(block, self._texts.get(block)) for block in self._order]

    def _change(self, block: str, pieces: list[str] | None) -> Change:
        if pieces is None:
            return [self._run, block, "set", self._html[block]]
        return [self._run, block, "add", "".join(pieces)]
