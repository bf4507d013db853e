"""JsonPieces: an answer as JSON that is made while it is sent; a large text is never there a second time as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from liteagent_nb.services.answers import json_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from starlette.types import Receive, Scope, Send

__all__ = ["LARGE_CHARS", "JsonPieces", "json_pieces"]

LARGE_CHARS = 256 << 10
"""From here on an answer is worth being made in pieces."""

_PIECE_CHARS = 64 << 10


class JsonPieces:
    """The response 200 with *content*, which is not changed while it is sent."""

    def __init__(self, content: Mapping[str, object]) -> None:
        self._content = content

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Send it."""
        size = sum(map(len, json_pieces(self._content)))  # made twice: time is cheaper than a client that reads chunks
        headers = [(b"content-type", b"application/json"), (b"content-length", str(size).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for piece in json_pieces(self._content):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def json_pieces(value: object) -> Iterator[bytes]:
    """Return the JSON of *value* in pieces; each long text is cut, all else is one piece for each field."""
    if isinstance(value, str) and len(value) > _PIECE_CHARS:
        yield b'"'
        for start in range(0, len(value), _PIECE_CHARS):
            yield json_bytes(value[start : start + _PIECE_CHARS])[1:-1]
        yield b'"'
    elif isinstance(value, dict):
        for place, (key, inner) in enumerate(value.items()):
            yield (b"," if place else b"{") + json_bytes(str(key)) + b":"
            yield from json_pieces(inner)
        yield b"}" if value else b"{}"
    elif isinstance(value, list | tuple):
        for place, inner in enumerate(value):
            yield b"," if place else b"["
            yield from json_pieces(inner)
        yield b"]" if value else b"[]"
    else:
        yield json_bytes(value)
