"""Output that is capped while it is read: its head, its tail and its size."""

from __future__ import annotations

import codecs
from collections import deque
from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["CappedOutput"]

_CHUNK_BYTES = 1 << 15
"""Small pieces are kept together: an object for each would be larger than what is in it."""
_INSIDE_A_CHARACTER = bytes(range(0x80, 0xC0))


class CappedOutput:
    """Keeps the first and the last bytes of what it is fed, *cap* in all, and drops the rest at once."""

    def __init__(self, cap: int) -> None:
        self._head_room = cap * 2 // 3
        self._tail_room = cap - self._head_room
        self._head: deque[bytearray] = deque()
        self._tail: deque[bytearray] = deque()
        self._tail_size = 0
        self.size = 0
        """How many bytes came in all."""
        self._text: str | None = None

    def feed(self, piece: bytes) -> None:
        """Take in what was read."""
        room = max(self._head_room - self.size, 0)
        self.size += len(piece)
        _append(self._head, piece[:room])
        rest = piece[room:]
        _append(self._tail, rest)
        self._tail_size += len(rest)
        while self._tail and self._tail_size - len(self._tail[0]) >= self._tail_room:
            self._tail_size -= len(self._tail.popleft())

    @property
    def room(self) -> int:
        """How many bytes more can be kept whole."""
        return max(self._head_room + self._tail_room - self.size, 0)

    @property
    def is_truncated(self) -> bool:
        """Whether something was dropped."""
        return self.size > self._head_room + self._tail_room

    @property
    def text(self) -> str:
        """What was kept, with the original size where something was dropped."""
        return self._made(self._head.copy(), self._tail.copy()) if self._text is None else self._text

    def finish(self) -> str:
        """Return the text, and keep nothing else: a large one is never there twice. Nothing more can be fed."""
        if self._text is None:
            self._text = self._made(self._head, self._tail)
        return self._text

    def _made(self, head: deque[bytearray], tail: deque[bytearray]) -> str:
        """Return the text of both, which are empty then: what has been decoded is let go of."""
        if not self.is_truncated:
            return "".join(_decoded(chain(_taken(head), _taken(tail)), is_cut=False))
        _cut_to(self._tail_room, tail)
        note = f"\n... [{self.size} bytes, middle left out] ...\n"  # ASCII: one wide letter doubles all of a text
        return "".join(chain(_decoded(_taken(head), is_cut=True), [note], _decoded(_taken(tail), is_cut=False)))


def _append(chunks: deque[bytearray], piece: bytes) -> None:
    if not piece:
        return
    if chunks and len(chunks[-1]) + len(piece) <= _CHUNK_BYTES:
        chunks[-1] += piece
    else:
        chunks.append(bytearray(piece))


def _taken(chunks: deque[bytearray]) -> Iterator[bytearray]:
    while chunks:
        yield chunks.popleft()


def _cut_to(size: int, chunks: deque[bytearray]) -> None:
    """Leave the last *size* bytes, from the first whole character on."""
    too_many = sum(map(len, chunks)) - size
    while chunks and too_many >= len(chunks[0]):
        too_many -= len(chunks.popleft())
    if chunks:
        chunks[0] = chunks[0][too_many:].lstrip(_INSIDE_A_CHARACTER)  # a copy: the chunks may still be fed


def _decoded(chunks: Iterable[bytearray], *, is_cut: bool) -> Iterator[str]:
    """Yield the text; a character that the end goes through is left out where it *is_cut*, else marked as broken."""
    decode = codecs.getincrementaldecoder("utf-8")("replace").decode
    for chunk in chunks:
        yield decode(chunk)
    yield "" if is_cut else decode(b"", final=True)
