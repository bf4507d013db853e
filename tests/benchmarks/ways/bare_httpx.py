"""Bare httpx, async: the same bytes sent and received, nothing parsed. The yardstick of every async way."""

from __future__ import annotations

import httpx
from bare import bodies, read
from task import KEY

HEADERS = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}


def conversation(task):
    client = httpx.AsyncClient(headers=HEADERS)
    url = f"{task.base_url()}/chat/completions"

    async def converse():
        last = b""
        for body in bodies(task):
            async with client.stream("POST", url, content=body) as response:
                last = b"".join([piece async for piece in response.aiter_raw()])
        return read(task, last)

    return converse
