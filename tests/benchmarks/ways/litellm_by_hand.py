"""A hand loop over litellm, with usage, which it then counts and prices as ours does."""

from __future__ import annotations

import os

os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # or the import asks the network

import litellm
from hand_loop import hand_loop
from openai_by_hand import pieces_of_chunk
from task import KEY, request

litellm.suppress_debug_info = True


def conversation(task):
    # litellm looks for the `mcp` package wherever tools are sent; it need not be there. The rest is as ours asks it.
    how = {"api_base": task.base_url(), "api_key": KEY, "_skip_mcp_handler": True, "max_retries": 0, "caching": False}

    async def stream(messages):
        body = request(task.model, messages) | {"model": f"openai/{task.model}"}
        async for chunk in await litellm.acompletion(**body, **how):
            for piece in pieces_of_chunk(chunk):
                yield piece

    return lambda: hand_loop(stream, task.tool())
