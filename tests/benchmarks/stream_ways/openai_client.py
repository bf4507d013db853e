"""The openai client, without litellm."""

from __future__ import annotations

import functools

import openai
from stream_task import KEY, MODEL, REQUEST, read_chunks


def reader(task):
    client = openai.AsyncOpenAI(base_url=task.base_url, api_key=KEY, max_retries=0)
    return functools.partial(
        read_chunks, task, functools.partial(client.chat.completions.create, model=MODEL, **REQUEST)
    )
