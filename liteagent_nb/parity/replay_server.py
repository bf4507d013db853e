"""A server process that plays recorded bytes in OpenAI's shape, and notes when; standard library only, run as a script.

It is asked by the last message: `replay text 200`, `replay letters 50`, `replay calls 3`; anything else gets text. It
prints its port and serves until its standard input closes. `GET /times` tells of the last answer when the request was
there, and when the first piece and the last bytes went out, on the clock that the processes of a machine share.
"""

from __future__ import annotations

import asyncio
import functools
import json
import re
import sys
import time

_HEAD_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_ASKED = re.compile(rb"replay (text|letters|calls) (\d{1,6})")
_LETTERS = "äßéñ漢字かな한국어😀👩‍🚀 "
_STREAM_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
_USAGE = {"prompt_tokens": 10, "completion_tokens": 50, "total_tokens": 60}


class _Connection(asyncio.Protocol):
    """One kept connection."""

    times: dict[str, float] = {}  # noqa: RUF012 - of the last answer, whichever connection it went over

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport, self._received = transport, b""

    def data_received(self, data: bytes) -> None:
        self._received += data
        while _HEAD_END in self._received:
            head, _, rest = self._received.partition(_HEAD_END)
            length = _LENGTH.search(head)
            size = int(length[1]) if length else 0
            if len(rest) < size:
                return
            self._received = rest[size:]
            self._answer(head, rest[:size])

    def _answer(self, head: bytes, body: bytes) -> None:
        if head.startswith(b"GET"):
            told = json.dumps(_Connection.times).encode()
            self._transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(told), told))
            return
        received_s = time.perf_counter()
        asked = _ASKED.search(body)
        kind, number = (asked[1].decode(), int(asked[2])) if asked else ("text", 200)
        first, middle, last = recorded(kind, number, has_usage=b"include_usage" in body)
        first_s = time.perf_counter()
        self._transport.write(_STREAM_HEAD + first)
        self._transport.write(middle)
        _Connection.times = {"received_s": received_s, "first_s": first_s, "last_s": time.perf_counter()}
        self._transport.write(last)


@functools.cache
def recorded(kind: str, number: int, *, has_usage: bool) -> tuple[bytes, bytes, bytes]:
    """Return the bytes of an answer: up to the first piece of content, those after it, and the end."""
    deltas = _calls(number) if kind == "calls" else _words(kind, number)
    choices: list[dict[str, object]] = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
    choices.append({"index": 0, "delta": {}, "finish_reason": "tool_calls" if kind == "calls" else "stop"})
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1700000000, "model": "replayed"}
    events = [json.dumps({**head, "choices": [choice]}, ensure_ascii=False) for choice in choices]
    if has_usage:
        events.append(json.dumps({**head, "choices": [], "usage": _USAGE}))
    pieces = [f"data: {event}\n\n".encode() for event in events]
    end = _chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n"
    return b"".join(map(_chunk, pieces[:2])), b"".join(map(_chunk, pieces[2:])), end


def _chunk(piece: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(piece), piece)


def _words(kind: str, number: int) -> list[dict[str, object]]:
    words = [f"w{place:04} " if kind == "text" else _LETTERS[place % len(_LETTERS) :] for place in range(number)]
    deltas: list[dict[str, object]] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": word} for word in words]
    return deltas


def _calls(number: int) -> list[dict[str, object]]:
    deltas: list[dict[str, object]] = [{"role": "assistant", "content": None}, {"content": "Let me look. "}]
    for place in range(number):
        start = {"name": "look", "arguments": ""}
        deltas.append({"tool_calls": [{"index": place, "id": f"call_{place}", "type": "function", "function": start}]})
        parts = ('{"place": ', f'"{place}"}}')
        deltas += [{"tool_calls": [{"index": place, "function": {"arguments": part}}]} for part in parts]
    return deltas


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(_Connection, "127.0.0.1", 0, backlog=512)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    with asyncio.Runner() as runner:
        runner.run(_serve())
