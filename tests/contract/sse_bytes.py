"""The bytes of OpenAI's streams, event by event, as tests of what reads them write them down."""

from __future__ import annotations

import json

DONE = b"data: [DONE]\n\n"
TOLD = {"prompt_tokens": 700, "completion_tokens": 30, "total_tokens": 730}


def event(body: object) -> bytes:
    return b"data: " + json.dumps(body, ensure_ascii=False).encode() + b"\n\n"


def chunk(delta: object = None, reason: str | None = None, *, index: int = 0, **more: object) -> bytes:
    """Return a `chat.completion.chunk`; *more* replaces or adds to its fields, `in_choice` those of its choice."""
    choice = {"index": index, "delta": delta or {}, "finish_reason": reason, **more.pop("in_choice", {})}
    head = {"id": "chatcmpl-told", "object": "chat.completion.chunk", "created": 1_700_000_000, "model": "gpt-4o-mini"}
    return event(head | {"choices": [choice]} | more)


def say(text: str, **more: object) -> bytes:
    return chunk({"content": text}, **more)


def call(index: int, arguments: str, **first: str) -> bytes:
    """Return a piece of a call; its first one has an *id* and a *name*."""
    function = {"arguments": arguments} | ({"name": first["name"]} if "name" in first else {})
    head = {"id": first["id"], "type": "function"} if "id" in first else {}
    return chunk({"tool_calls": [{"index": index, **head, "function": function}]})


ROLE = chunk({"role": "assistant", "content": ""})
STOP = chunk({}, "stop")
CALLED = chunk({}, "tool_calls")
USAGE = chunk(choices=[], usage=TOLD)
