"""smolagents' tool calling agent over its OpenAI model, streamed. It ends by a tool call that carries the answer."""

from __future__ import annotations

from rich.console import Console
from smolagents import AgentLogger, LogLevel, OpenAIModel, Tool, ToolCallingAgent
from task import KEY, PROMPT

IS_SYNC = True


class Echo(Tool):
    name = "echo"
    description = "Say it again."
    inputs = {"text": {"type": "string", "description": "what to say"}}  # noqa: RUF012 - as smolagents wants it
    output_type = "string"

    def __init__(self, echo):
        super().__init__()
        self._echo = echo

    def forward(self, text):
        return self._echo(text)


def conversation(task):
    model = OpenAIModel(task.model, api_base=task.base_url("smolagents"), api_key=KEY)
    tools = [Echo(task.sync_tool())]

    def converse():
        """Run an agent of its own: it keeps its memory."""
        logger = AgentLogger(level=LogLevel.OFF, console=Console(quiet=True))  # streaming draws whatever the level
        agent = ToolCallingAgent(tools, model, max_steps=task.most_steps, stream_outputs=True, logger=logger)
        *_, last = agent.run(PROMPT, stream=True)
        return last.output

    return converse
