"""lisette's async chat with its tool loop, streamed."""

from __future__ import annotations

import os

os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # or the import asks the network

import litellm
from lisette import AsyncChat
from task import KEY, PROMPT

litellm.suppress_debug_info = True


def conversation(task):
    # litellm looks for the `mcp` package wherever tools are sent; it need not be there.
    how = {"api_base": task.base_url(), "api_key": KEY, "callkw": {"_skip_mcp_handler": True}}
    tool = task.tool()

    async def converse():
        """Hold a chat of its own: it keeps its history."""
        chat = AsyncChat(f"openai/{task.model}", tools=[tool], **how)
        async for _ in await chat(PROMPT, stream=True, max_steps=task.most_steps):
            pass
        return chat.hist[-1].content

    return converse
