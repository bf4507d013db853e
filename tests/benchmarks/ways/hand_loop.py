"""The loop that one writes by hand: ask, put the pieces together, call what was asked for, until a text comes.

A `stream` takes the messages and yields `(content, calls)`, a call being `(index, id, name, arguments)`.
"""

from __future__ import annotations

import asyncio
import json

from task import PROMPT


def put_together(pieces: list) -> tuple[str, list[dict]]:
    """Return the text and the calls of a reply."""
    text, calls = [], {}
    for content, parts in pieces:
        if content:
            text.append(content)
        for index, call_id, name, arguments in parts:
            call = calls.setdefault(index, {"id": call_id, "name": name, "arguments": ""})
            call["arguments"] += arguments or ""
    return "".join(text), list(calls.values())


def asked(calls: list[dict]) -> dict:
    """Return the assistant's message."""
    entries = [
        {"id": c["id"], "type": "function", "function": {"name": c["name"], "arguments": c["arguments"]}} for c in calls
    ]
    return {"role": "assistant", "content": None, "tool_calls": entries}


async def answered(call: dict, tool) -> dict:
    """Call the tool; return its message."""
    return {"role": "tool", "tool_call_id": call["id"], "content": await tool(**json.loads(call["arguments"]))}


async def hand_loop(stream, tool) -> str:
    messages = [{"role": "user", "content": PROMPT}]
    while True:
        text, calls = put_together([piece async for piece in stream(messages)])
        if not calls:
            return text
        messages += [asked(calls), *await asyncio.gather(*(answered(call, tool) for call in calls))]


def pieces_of_line(line: str):
    """Yield the pieces that one line of a stream of server-sent events holds."""
    if line.startswith("data: {"):
        for choice in json.loads(line[6:])["choices"]:
            delta = choice["delta"]
            yield delta.get("content"), [_part(call) for call in delta.get("tool_calls") or ()]


def _part(call):
    function = call["function"]
    return call["index"], call.get("id"), function.get("name"), function.get("arguments")
