"""Server-sent events out of bytes, in bulk: whatever the bytes are cut into, an event comes out whole."""

from __future__ import annotations

__all__ = ["BlockReader", "EventReader"]

_BOM = b"\xef\xbb\xbf"


class BlockReader:
    """Reads events as they stand, without the blank line that closes them; LF, CRLF and CR end a line, LF is given."""

    def __init__(self) -> None:
        self._held: list[bytes] = []

    def feed(self, block: bytes) -> list[bytes]:
        """Return the events that *block* closes."""
        if b"\n" not in block and b"\r" not in block and not self._ends_with_return():
            self._held.append(block)  # a long line is joined once, not with every block of it
            return []
        text = b"".join((*self._held, block))
        if b"\r" in text:
            # The LF of a last CR may still be on its way.
            text, held = (text[:-1], b"\r") if text.endswith(b"\r") else (text, b"")
            text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
            return self._closed(text, held)
        return self._closed(text, b"")

    def close(self) -> list[bytes]:
        """Return the event that only a last CR closes."""
        return self._closed(self.rest()[:-1] + b"\n", b"") if self._ends_with_return() else []

    def rest(self) -> bytes:
        """Return what no blank line has closed."""
        return b"".join(self._held)

    def _ends_with_return(self) -> bool:
        return bool(self._held) and self._held[-1].endswith(b"\r")

    def _closed(self, text: bytes, held: bytes) -> list[bytes]:
        *events, rest = text.split(b"\n\n")
        self._held = [part for part in (rest, held) if part]
        return events


class EventReader:
    """Reads the `data` of events as the standard says (https://html.spec.whatwg.org/multipage/server-sent-events.html).

    LF, CRLF and CR end a line; comments, other fields and events without data are passed over; an event that its
    blank line has not closed is none.
    """

    def __init__(self) -> None:
        self._blocks = BlockReader()
        self._is_first = True

    def feed(self, block: bytes) -> list[bytes]:
        """Return the data of the events that *block* completes, several lines of one joined by LF."""
        return self._data_of(self._blocks.feed(block))

    def close(self) -> list[bytes]:
        """Return the data of an event that only a last CR closes; what else is left is no event."""
        return self._data_of(self._blocks.close())

    def _data_of(self, events: list[bytes]) -> list[bytes]:
        if self._is_first and events:
            events[0], self._is_first = events[0].removeprefix(_BOM), False
        return [data for event in events if (data := _data_of(event)) is not None]


def _data_of(event: bytes) -> bytes | None:
    """Return the data of one event; None where it has none."""
    if event.startswith(b"data: ") and b"\n" not in event:
        return event[6:]
    fields = (line.partition(b":") for line in event.split(b"\n"))
    data = [value.removeprefix(b" ") for name, _, value in fields if name == b"data"]
    return b"\n".join(data) if data else None
