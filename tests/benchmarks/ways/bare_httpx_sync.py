"""Bare httpx, sync: the same bytes sent and received, nothing parsed. The yardstick of every sync way."""

from __future__ import annotations

import httpx
from bare import bodies, read
from task import KEY

IS_SYNC = True
HEADERS = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}


def conversation(task):
    client = httpx.Client(headers=HEADERS)
    url = f"{task.base_url()}/chat/completions"

    def converse():
        last = b""
        for body in bodies(task):
            with client.stream("POST", url, content=body) as response:
                last = b"".join(response.iter_raw())
        return read(task, last)

    return converse
