"""pydantic-ai with its OpenAI chat model and a handler that is told every event."""

from __future__ import annotations

from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider
from task import KEY, PROMPT


async def listen(_context, events):
    async for _ in events:
        pass


def conversation(task):
    model = OpenAIChatModel(task.model, provider=OpenAIProvider(base_url=task.base_url(), api_key=KEY))
    agent = Agent(model, tools=[task.tool()])

    async def converse():
        return (await agent.run(PROMPT, event_stream_handler=listen)).output

    return converse
