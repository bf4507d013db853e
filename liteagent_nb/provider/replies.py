"""From an agent's answer to litellm's objects: a whole reply, or its pieces."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx

from liteagent_nb.models.direct.chunks import BrokenStream, check_chunk
from liteagent_nb.models.direct.errors import json_of, message_of
from liteagent_nb.models.direct.sse import EventReader
from liteagent_nb.models.quiet_litellm import litellm
from liteagent_nb.provider.refusals import Refused, no_reply

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Pieces", "whole"]

_DONE = b"[DONE]"


def whole(body: bytes, *, url: str) -> Any:
    """Return litellm's object for a whole reply. Raises `Refused` for what is none."""
    told = json_of(body)
    if not isinstance(told, dict) or not told.get("choices"):
        raise no_reply(message_of(told) or "there is no choice in it", url=url)
    return _made(litellm.ModelResponse, told, url=url)


class Pieces:
    """Reads a stream into litellm's pieces."""

    def __init__(self, *, url: str) -> None:
        self._url = url
        self._events = EventReader()
        self._end: Any = None
        self.is_done = False
        """Whether the stream has said that it is at its end."""

    def feed(self, block: bytes) -> Iterator[Any]:
        """Yield the pieces that *block* completes. Raises `Refused` for what is none."""
        return self._pieces(self._events.feed(block))

    def close(self) -> Iterator[Any]:
        """Yield the last pieces. Raises httpx's error where the stream broke off: litellm would make up an end."""
        if self._end is None:
            raise httpx.RemoteProtocolError("the stream ended before its end")
        yield self._end

    def _pieces(self, events: Iterable[bytes]) -> Iterator[Any]:
        for data in events:
            self.is_done = self.is_done or data.startswith(_DONE)
            if not self.is_done:
                yield from self._piece(self._chunk(data))

    def _chunk(self, data: bytes) -> dict[str, Any]:
        try:
            chunk = json.loads(data)
            if not isinstance(chunk, dict):
                raise no_reply(f"a piece of it is {type(chunk).__name__}, not an object", url=self._url)
            check_chunk(chunk)
        except BrokenStream as error:
            raise Refused(500, str(error)) from None
        except ValueError as error:
            raise no_reply(f"a piece of it is no JSON: {error}", url=self._url) from None
        return chunk

    def _piece(self, chunk: dict[str, Any]) -> Iterator[Any]:
        """Yield what a chunk holds. Its end is kept for the last: litellm reads nothing behind it, usage neither."""
        choices, usage = chunk.get("choices") or [], chunk.pop("usage", None)
        reason = choices[0].get("finish_reason") if choices else None
        if reason:
            end = {"index": choices[0].get("index", 0), "delta": {}, "finish_reason": reason}
            self._end = self._stream({**chunk, "choices": [end]})
            choices[0]["finish_reason"] = None
        if choices and (not reason or choices[0].get("delta")):
            yield self._stream(chunk)
        if usage:
            yield self._stream({**chunk, "choices": [], "usage": usage})

    def _stream(self, chunk: dict[str, Any]) -> Any:
        return _made(litellm.ModelResponseStream, chunk, url=self._url)


def _made(kind: Any, told: dict[str, Any], *, url: str) -> Any:
    try:
        return kind(**told)
    except Exception as error:  # noqa: BLE001 - litellm's objects raise anything for fields of a wrong shape
        raise no_reply(f"{type(error).__name__}: {error}", url=url) from None
