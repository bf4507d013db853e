"""langgraph's ready-made agent over langchain-openai, its messages streamed."""

from __future__ import annotations

import os
import warnings

os.environ["LANGSMITH_TRACING"] = "false"

from langchain_core.messages import AIMessageChunk
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from langgraph.prebuilt import create_react_agent
from task import KEY, PROMPT


def conversation(task):
    warnings.simplefilter("ignore")  # it points from its own agent to the one of another package
    model = ChatOpenAI(
        model=task.model, base_url=task.base_url(), api_key=KEY, streaming=True, stream_usage=True, max_retries=0
    )
    agent = create_react_agent(model, [tool(task.tool())])
    limits = {"recursion_limit": 2 * task.most_steps}

    async def converse():
        texts = []
        asked = {"messages": [("user", PROMPT)]}
        async for message, _ in agent.astream(asked, limits, stream_mode="messages"):
            if isinstance(message, AIMessageChunk) and message.content:
                texts.append(message.content)
        return "".join(texts)

    return converse
