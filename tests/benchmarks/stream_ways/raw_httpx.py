"""Raw httpx: the same bytes, nothing parsed but the pieces found by their pattern."""

from __future__ import annotations

import re

import httpx
from stream_task import KEY, MODEL, REQUEST, Reading

PIECE = re.compile(rb'"content":"(w\d+ )"')


def reader(task):
    limits = httpx.Limits(max_connections=None)
    client = httpx.AsyncClient(headers={"authorization": f"Bearer {KEY}"}, limits=limits, timeout=60)

    async def read():
        reading = Reading()
        async with client.stream(
            "POST", f"{task.base_url}/chat/completions", json={"model": MODEL, **REQUEST}
        ) as response:
            rest = b""
            async for block in response.aiter_raw():
                *events, rest = (rest + block).split(b"\n\n")
                reading.take(b"".join(PIECE.findall(b"".join(events))).decode())
        return reading.end(task.text)

    return read
