"""A hand loop over aiohttp: lines read, parsed, put together."""

from __future__ import annotations

import aiohttp
from hand_loop import hand_loop, pieces_of_line
from task import KEY, request


def conversation(task):
    sessions = []
    url = f"{task.base_url()}/chat/completions"

    def session():
        """Return the one session; it can only be made where a loop runs."""
        if not sessions:
            sessions.append(aiohttp.ClientSession(headers={"authorization": f"Bearer {KEY}"}))
        return sessions[0]

    async def stream(messages):
        async with session().post(url, json=request(task.model, messages)) as response:
            async for line in response.content:
                for piece in pieces_of_line(line.decode()):
                    yield piece

    return lambda: hand_loop(stream, task.tool())
