"""openai-agents with its chat completions model, streamed; its tracing, which would ask the network, is off."""

from __future__ import annotations

from agents import Agent, OpenAIChatCompletionsModel, Runner, function_tool, set_tracing_disabled
from openai import AsyncOpenAI
from task import KEY, PROMPT

set_tracing_disabled(disabled=True)


def conversation(task):
    client = AsyncOpenAI(base_url=task.base_url(), api_key=KEY, max_retries=0)
    model = OpenAIChatCompletionsModel(model=task.model, openai_client=client)
    agent = Agent(name="bench", model=model, tools=[function_tool(task.tool())])

    async def converse():
        result = Runner.run_streamed(agent, PROMPT, max_turns=task.most_steps)
        async for _ in result.stream_events():
            pass
        return result.final_output

    return converse
