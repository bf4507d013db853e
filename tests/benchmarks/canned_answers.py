"""The bytes that the benchmark's server answers with: an OpenAI-compatible chat, made once and kept.

A conversation is turns that call a tool and an answer of so many pieces. Agents that end by a tool call of their own
get their answer in that call's arguments; the text is the same.
"""

from __future__ import annotations

import functools
import json
from typing import NamedTuple

USAGE = {"prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150}


class Script(NamedTuple):
    """What is asked of the server; it stands in the address, so that the server keeps nothing."""

    dialect: str
    turns: int
    calls: int
    """How many tools one turn calls."""
    pieces: int

    @classmethod
    def from_path(cls, path: str) -> Script:
        dialect, turns, calls, pieces = path.strip("/").split("/")[:4]
        return cls(dialect, int(turns), int(calls), int(pieces))


def _text(pieces):
    return [f"w{number:04} " for number in range(pieces)]


def _echo(turn, number):
    return "echo", {"text": f"turn {turn} call {number}"}


def _bash(turn, number):
    return "bash", {"command": f"turn {turn} call {number}"}


TOOL = {"plain": _echo, "smolagents": _echo, "mini-swe-agent": _bash}
"""The tool that a turn calls, by dialect."""
LAST_CALL = {"smolagents": ("final_answer", "answer"), "mini-swe-agent": ("bash", "command")}
"""The tool and its argument that carries the answer, where an agent ends by a call."""


def _call_id(turn, number):
    return f"call_{turn}_{number}"


def _calls(script, turn):
    """Return the calls of a turn: (id, name, pieces of the arguments)."""
    if turn < script.turns:
        named = [TOOL[script.dialect](turn, number) for number in range(script.calls)]
        halves = [(name, json.dumps(arguments)) for name, arguments in named]
        return [(_call_id(turn, n), name, [text[:12], text[12:]]) for n, (name, text) in enumerate(halves)]
    if script.dialect in LAST_CALL:
        name, argument = LAST_CALL[script.dialect]
        return [(_call_id(turn, 0), name, [f'{{"{argument}": "', *_text(script.pieces), '"}'])]
    return []


def _deltas(script, turn):
    """Yield the pieces of a reply as a provider streams them."""
    yield {"role": "assistant", "content": None}
    calls = _calls(script, turn)
    for index, (call_id, name, pieces) in enumerate(calls):
        start = {"name": name, "arguments": ""}
        yield {"tool_calls": [{"index": index, "id": call_id, "type": "function", "function": start}]}
        for piece in pieces:
            yield {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}
    if not calls:
        for piece in _text(script.pieces):
            yield {"content": piece}


def _head(kind):
    return {"id": "chatcmpl-1", "object": kind, "created": 1700000000, "model": "test-model"}


def _events(script, turn):
    """Yield the objects of the stream, the end and the usage with them."""
    head = _head("chat.completion.chunk")
    for delta in _deltas(script, turn):
        yield head | {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
    reason = "tool_calls" if _calls(script, turn) else "stop"
    yield head | {"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]}
    yield head | {"choices": [], "usage": USAGE}


@functools.cache
def streamed_parts(script: Script, turn: int) -> tuple[bytes, ...]:
    """Return a whole reply as HTTP/1.1, one chunk an event, as servers send it: the head, the chunks, the end."""
    datas = [json.dumps(event, separators=(",", ":")) for event in _events(script, turn)]
    events = [f"data: {data}\n\n".encode() for data in [*datas, "[DONE]"]]
    chunks = [b"%x\r\n%b\r\n" % (len(event), event) for event in events]
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    return (head, *chunks, b"0\r\n\r\n")


@functools.cache
def streamed(script: Script, turn: int) -> bytes:
    """Return the same in one."""
    return b"".join(streamed_parts(script, turn))


@functools.cache
def at_once(script: Script, turn: int) -> bytes:
    """Return a whole reply for agents that do not stream."""
    calls = [
        {"id": call_id, "type": "function", "function": {"name": name, "arguments": "".join(pieces)}}
        for call_id, name, pieces in _calls(script, turn)
    ]
    text = None if calls else "".join(_text(script.pieces))
    message = {"role": "assistant", "content": text} | ({"tool_calls": calls} if calls else {})
    reason = "tool_calls" if calls else "stop"
    whole = _head("chat.completion") | {
        "choices": [{"index": 0, "message": message, "finish_reason": reason}],
        "usage": USAGE,
    }
    body = json.dumps(whole).encode()
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)
