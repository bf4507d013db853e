"""A hand loop over httpx: lines read, parsed, put together."""

from __future__ import annotations

import httpx
from hand_loop import hand_loop, pieces_of_line
from task import KEY, request


def conversation(task):
    client = httpx.AsyncClient(headers={"authorization": f"Bearer {KEY}"})
    url = f"{task.base_url()}/chat/completions"

    async def stream(messages):
        async with client.stream("POST", url, json=request(task.model, messages)) as response:
            async for line in response.aiter_lines():
                for piece in pieces_of_line(line):
                    yield piece

    return lambda: hand_loop(stream, task.tool())
