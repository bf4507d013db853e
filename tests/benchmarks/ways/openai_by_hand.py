"""A hand loop over the openai client."""

from __future__ import annotations

import openai
from hand_loop import hand_loop
from task import KEY, request


def pieces_of_chunk(chunk):
    """Yield the pieces of one chunk: the openai client's, or litellm's, which has the same shape."""
    for choice in chunk.choices:
        delta = choice.delta
        calls = [(c.index, c.id, c.function.name, c.function.arguments) for c in delta.tool_calls or ()]
        yield delta.content, calls


def conversation(task):
    client = openai.AsyncOpenAI(base_url=task.base_url(), api_key=KEY)

    async def stream(messages):
        async for chunk in await client.chat.completions.create(**request(task.model, messages)):
            for piece in pieces_of_chunk(chunk):
                yield piece

    return lambda: hand_loop(stream, task.tool())
