"""Server-sent events out of bytes, in bulk: whatever the bytes are cut into, an event comes out whole."""

from __future__ import annotations

__all__ = ["BlockReader", "EventReader"]

_BOM = b"\xef\xbb\xbf"


class BlockReader:
    """Reads events as they stand, without the blank line that closes them; LF, CRLF and CR end a line, LF is given."""

    def __init__(self) -> None:
        self._held: list[bytes] = []
        self._skips_lf = False
        """Whether a line has ended with a CR, whose LF may still be on its way."""

    def feed(self, block: bytes) -> list[bytes]:
        """Return the events that *block* closes."""
        if self._skips_lf and block:
            block, self._skips_lf = block.removeprefix(b"\n"), False
        if b"\r" in block:
            self._skips_lf = block.endswith(b"\r")
            block = block.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        if b"\n" not in block:
            self._held.append(block)  # a long line is joined once, not with every block of it
            return []
        *events, rest = b"".join((*self._held, block)).split(b"\n\n")
        self._held = [rest]
        return events

    def rest(self) -> bytes:
        """Return what no blank line has closed."""
        return b"".join(self._held)


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
        events = self._blocks.feed(block)
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
