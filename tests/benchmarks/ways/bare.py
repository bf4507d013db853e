"""What both bare ways ask: the same requests as a hand loop, known beforehand, so that no reply is parsed."""

from __future__ import annotations

import json

from hand_loop import asked
from task import PROMPT, request

PIECE = b'"content":"w'


def bodies(task):
    """Yield the body of every request of the conversation."""
    messages = [{"role": "user", "content": PROMPT}]
    for turn in range(task.turns + 1):
        yield json.dumps(request(task.model, messages)).encode()
        texts = [f"turn {turn} call {number}" for number in range(task.calls)]
        calls = [
            {"id": f"call_{turn}_{n}", "name": "echo", "arguments": json.dumps({"text": text})}
            for n, text in enumerate(texts)
        ]
        results = [{"role": "tool", "tool_call_id": c["id"], "content": t} for c, t in zip(calls, texts, strict=True)]
        messages = [*messages, asked(calls), *results]


def read(task, last: bytes) -> str:
    """Return the answer if the bytes of the last response hold all its pieces; what came otherwise."""
    return task.answer if last.count(PIECE) == task.pieces else last.decode()
