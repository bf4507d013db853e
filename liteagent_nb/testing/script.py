"""What a scripted model or provider may be told to answer: the vocabulary, and how a line of it is played."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from liteagent_nb.core.chat import Reply, ToolCall, Transcript, Usage
from liteagent_nb.core.errors import ModelError
from liteagent_nb.core.streaming import CallDelta, Delta
from liteagent_nb.core.tools import Tool

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator, Sequence


__all__ = [
    "Asked",
    "BreaksOff",
    "Endless",
    "Line",
    "Slow",
    "breaks_off",
    "call",
    "calls",
    "endless",
    "play",
    "slow",
]


@dataclass(frozen=True, slots=True)
class Asked:
    """One question that was put to a scripted model."""

    transcript: Transcript
    tools: tuple[Tool, ...]
    settings: Mapping[str, object]

    @property
    def text(self) -> str:
        """The content of the last message, where it is text."""
        content = self.transcript.messages[-1].get("content") if len(self.transcript) else ""
        return content if isinstance(content, str) else ""


@dataclass(frozen=True, slots=True)
class Slow:
    """Wait before *reply*, and where `each_s` is set before each of its pieces."""

    seconds: float
    reply: Line
    each_s: float = 0.0


@dataclass(frozen=True, slots=True)
class BreaksOff:
    """Say *reply*, then break: the stream ends without an end."""

    reply: Line


@dataclass(frozen=True, slots=True)
class Endless:
    """Say *text* again and again, until nobody listens."""

    text: str
    every_s: float = 0.01


Line: TypeAlias = (
    "str | ToolCall | Reply | BaseException | Sequence[Delta] | Slow | BreaksOff | Endless"
    " | Callable[[Asked], Awaitable[Line]]"
)
"""One answer of a script."""


def call(name: str, raw: str | None = None, /, **arguments: object) -> ToolCall:
    """Return a call of the tool *name*; *raw* stands in for the arguments' JSON text, broken text for instance."""
    return ToolCall("", name, json.dumps(arguments, ensure_ascii=False) if raw is None else raw)


def calls(*tool_calls: ToolCall, text: str = "") -> Reply:
    """Return a reply that asks for several tools at once, after saying *text*."""
    return Reply(text=text, tool_calls=tool_calls, finish_reason="tool_calls")


def slow(seconds: float, reply: Line, *, each_s: float = 0.0) -> Slow:
    """Return *reply* after so many seconds, and its pieces so many seconds apart."""
    return Slow(seconds, reply, each_s)


def breaks_off(reply: Line) -> BreaksOff:
    """Return *reply* without its end: the connection breaks after its last piece."""
    return BreaksOff(reply)


def endless(text: str, *, every_s: float = 0.01) -> Endless:
    """Return *text* over and over."""
    return Endless(text, every_s)


async def play(line: Line, asked: Asked, *, number: int, chunk_chars: int | None = None) -> AsyncGenerator[Delta]:
    """Answer *asked* with *line*, piece by piece; *number* (of the question) makes ids of calls unique.

    Raises the line's own exception, and `ModelError` where the line breaks off.
    """
    while callable(line):
        line = await line(asked)
    if isinstance(line, BaseException):
        raise line
    if isinstance(line, Endless):
        pieces = _play_endless(line)
    elif isinstance(line, Slow):
        pieces = _play_slow(line, play(line.reply, asked, number=number, chunk_chars=chunk_chars))
    elif isinstance(line, BreaksOff):
        pieces = _play_broken(play(line.reply, asked, number=number, chunk_chars=chunk_chars))
    else:
        pieces = _play_plain(_pieces(line, number=number, chunk_chars=chunk_chars))
    async with aclosing(pieces):
        async for delta in pieces:
            yield delta


async def _play_endless(line: Endless) -> AsyncGenerator[Delta]:
    while True:
        yield Delta(text=line.text)
        await asyncio.sleep(line.every_s)


async def _play_slow(line: Slow, pieces: AsyncGenerator[Delta]) -> AsyncGenerator[Delta]:
    await asyncio.sleep(line.seconds)
    async with aclosing(pieces):
        async for delta in pieces:
            await asyncio.sleep(line.each_s)
            yield delta


async def _play_broken(pieces: AsyncGenerator[Delta]) -> AsyncGenerator[Delta]:
    async with aclosing(pieces):
        async for delta in pieces:
            if delta.is_content:
                yield replace(delta, finish_reason="")
    raise ModelError("the stream broke off", hint="ask again; what came so far is kept")


async def _play_plain(pieces: Iterable[Delta]) -> AsyncGenerator[Delta]:
    for delta in pieces:
        await asyncio.sleep(0)  # a place to be cancelled at, however long the text
        yield delta


def _pieces(line: str | ToolCall | Reply | Sequence[Delta], *, number: int, chunk_chars: int | None) -> Iterator[Delta]:
    if isinstance(line, str):
        line = Reply(text=line)
    if isinstance(line, ToolCall):
        line = calls(line)
    if not isinstance(line, Reply):
        yield from line
        return
    for piece in _cut(line.reasoning, chunk_chars):
        yield Delta(reasoning=piece)
    for piece in _cut(line.text, chunk_chars):
        yield Delta(text=piece)
    for index, tool_call in enumerate(line.tool_calls):
        yield from _call_pieces(tool_call, index=index, number=number, chunk_chars=chunk_chars)
    usage = None if line.usage == Usage() else line.usage
    yield Delta(usage=usage, finish_reason=line.finish_reason, model=line.model)


def _call_pieces(tool_call: ToolCall, *, index: int, number: int, chunk_chars: int | None) -> Iterator[Delta]:
    first, *rest = _cut(tool_call.arguments, chunk_chars) or [""]
    yield Delta(calls=(CallDelta(index, tool_call.id or f"call_{number}_{index}", tool_call.name, first),))
    for piece in rest:
        yield Delta(calls=(CallDelta(index, arguments=piece),))


def _cut(text: str, chunk_chars: int | None) -> list[str]:
    size = chunk_chars or len(text) or 1
    return [text[start : start + size] for start in range(0, len(text), size)]
