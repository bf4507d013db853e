"""OutputBlocks: what one execution shows, as blocks of safe HTML, and what of it a view has not seen yet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeAlias

from liteagent_nb.core.text import printed
from liteagent_nb.panels.pictures import outputs_html
from liteagent_nb.panels.render import clipped
from liteagent_nb.panels.terminal import TerminalText, coloured

if TYPE_CHECKING:
    from liteagent_nb.core.execution import Output

__all__ = ["Change", "OutputBlocks"]

Change: TypeAlias = "list[object]"
"""`[block, "set", html]`, `[block, "add", html of ended lines, html of the last line, kind]` or `[0, "clear"]`."""

_MOST_CHARS = 200_000
_MOST_BLOCKS = 400
"""Beyond this, a browser lays out more than anybody reads."""


class OutputBlocks:
    """Takes in outputs while they come. Text is escaped, HTML reduced to tables, pictures are data; nothing else."""

    def __init__(self) -> None:
        self._blocks: dict[int, str | TerminalText] = {}
        self._kinds: dict[int, str] = {}
        self._by_id: dict[object, int] = {}
        self._news: dict[int, None] = {}
        self._made = 0
        self._is_cleared = False
        self._is_cleared_by_next = False

    def take(self, output: Output) -> None:
        """Take in one output, as an executor tells it."""
        kind = output.get("output_type")
        if kind == "clear_output":
            self._is_cleared_by_next = bool(output.get("wait"))
            if not output.get("wait"):
                self._clear()
            return
        if self._is_cleared_by_next:
            self._clear()
        if kind == "stream":
            self._write(str(output.get("name")), str(output.get("text", "")))
        elif kind == "error":
            self._put(self._new(), f'<pre class="la-err">{coloured(_traceback(output))}</pre>')
        else:
            self._display(output, is_update=kind == "update_display_data")

    def say(self, text: str) -> None:
        """Add a line of our own: why nothing ran, for instance."""
        self._put(self._new(), f'<pre class="la-err">{coloured(text)}</pre>')

    def changes(self) -> list[Change]:
        """Return what is new since the last time."""
        news, self._news = self._news, {}
        cleared: list[Change] = [[0, "clear"]] if self._is_cleared else []
        self._is_cleared = False
        return [*cleared, *(self._change(block) for block in news)]

    def all(self) -> list[Change]:
        """Return all there is; nothing is new afterwards."""
        self._news, self._is_cleared = {}, False
        return [self._whole(block) for block in self._blocks]

    @property
    def html(self) -> str:
        """It as HTML that stands by itself, long texts without their middle."""
        return "".join(
            block if isinstance(block, str) else f'<pre class="la-{self._kinds[number]}">{block.brief}</pre>'
            for number, block in self._blocks.items()
        )

    def _write(self, name: str, text: str) -> None:
        kind = "stderr" if name == "stderr" else "out"
        last = self._blocks.get(self._made)
        if not isinstance(last, TerminalText) or self._kinds[self._made] != kind:
            last = TerminalText()
            number = self._new()
            self._blocks[number], self._kinds[number] = last, kind
        last.feed(text)
        self._news[self._made] = None

    def _display(self, output: Output, *, is_update: bool) -> None:
        transient = output.get("transient")
        named = transient.get("display_id") if isinstance(transient, Mapping) else None
        number = self._by_id.get(named) if named else None
        if number is None and is_update:
            return
        number = self._new() if number is None or not is_update else number
        self._put(number, _display_html(output))
        if named:
            self._by_id[named] = number

    def _new(self) -> int:
        self._made += 1
        if len(self._blocks) >= _MOST_BLOCKS:
            self._clear()
            self._put(self._made, '<div class="la-none">what came before is not drawn; the result has it</div>')
            self._made += 1
        return self._made

    def _put(self, number: int, html: str) -> None:
        self._blocks[number] = html
        self._news[number] = None

    def _clear(self) -> None:
        self._blocks.clear()
        self._news.clear()
        self._by_id.clear()
        self._is_cleared, self._is_cleared_by_next = True, False

    def _change(self, number: int) -> Change:
        block = self._blocks[number]
        if isinstance(block, str):
            return [number, "set", block]
        return [number, "add", block.news(), block.tail, self._kinds[number]]

    def _whole(self, number: int) -> Change:
        block = self._blocks[number]
        if isinstance(block, TerminalText):
            block.news()
            return [number, "add", block.done, block.tail, self._kinds[number]]
        return [number, "set", block]


def _display_html(output: Output) -> str:
    data = output.get("data")
    if html := outputs_html([output]):
        return html
    text = data.get("text/plain") if isinstance(data, Mapping) else None
    return f'<pre class="la-out">{coloured(clipped(printed(text or ""), _MOST_CHARS))}</pre>'


def _traceback(output: Output) -> str:
    lines = output.get("traceback")
    if isinstance(lines, (list, tuple)) and lines:
        return clipped("\n".join(str(line) for line in lines), _MOST_CHARS)
    return f"{output.get('ename')}: {output.get('evalue')}"
