"""litellm as translator only: it makes address, headers and body; httpx carries, and the stream is read by hand."""

from __future__ import annotations

import os

os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # or the import asks the network

import httpx
from hand_loop import hand_loop, pieces_of_line
from litellm.types.utils import LlmProviders
from litellm.utils import ProviderConfigManager
from task import KEY, request


def translated(translator, task, messages):
    """Return address, headers and body of a request."""
    asked = request(task.model, messages)
    model, messages = asked.pop("model"), asked.pop("messages")
    options = translator.map_openai_params(asked, {}, model, drop_params=False)
    known = {"api_key": KEY, "api_base": task.base_url()}
    headers = translator.validate_environment({}, model, messages, options, {}, **known)
    url = translator.get_complete_url(**known, model=model, optional_params=options, litellm_params={}, stream=True)
    return url, headers, translator.transform_request(model, messages, options, {}, headers)


def conversation(task):
    client = httpx.AsyncClient()
    translator = ProviderConfigManager.get_provider_chat_config(task.model, LlmProviders.OPENAI)

    async def stream(messages):
        url, headers, body = translated(translator, task, messages)
        async with client.stream("POST", url, headers=headers, json=body) as response:
            async for line in response.aiter_lines():
                for piece in pieces_of_line(line):
                    yield piece

    return lambda: hand_loop(stream, task.tool())
