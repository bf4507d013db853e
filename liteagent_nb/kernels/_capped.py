"""Output that is capped while it is read: its head, its tail and its size."""

from __future__ import annotations

import codecs
from collections import deque

__all__ = ["CappedOutput"]


class CappedOutput:
    """Keeps the first and the last bytes of what it is fed, *cap* in all, and drops the rest at once."""

    def __init__(self, cap: int) -> None:
        self._head_room = cap * 2 // 3
        self._tail_room = cap - self._head_room
        self._head = bytearray()
        self._tail: deque[bytes] = deque()
        self._tail_size = 0
        self.size = 0
        """How many bytes came in all."""
        self._text: str | None = None

    def feed(self, piece: bytes) -> None:
        """Take in what was read."""
        self.size += len(piece)
        room = self._head_room - len(self._head)
        self._head += piece[:room]
        if rest := piece[room:]:
            self._tail.append(rest)
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
        return self._made() if self._text is None else self._text

    def finish(self) -> str:
        """Return the text, and keep nothing else: a large one is never there twice. Nothing more can be fed."""
        if self._text is None:
            self._text = self._made(and_forget=True)
        return self._text

    def _made(self, *, and_forget: bool = False) -> str:
        tail = b"".join(self._tail)
        # The cuts may have gone through a character.
        decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        parts = [decode(self._head, final=not (tail or self.is_truncated))]
        if and_forget:
            self._head.clear()
            self._tail.clear()
        if not self.is_truncated:
            parts.append(decode(tail, final=True))
        else:
            tail = tail[-self._tail_room :].lstrip(bytes(range(0x80, 0xC0)))
            parts += [f"\n… [{self.size} bytes, middle left out] …\n", tail.decode("utf-8", "replace")]
        del tail
        return "".join(parts)
