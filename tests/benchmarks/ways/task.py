"""What every way is asked to do: one conversation with the server, its tool, and the text that must come out."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

KEY = "sk-test"
PROMPT = "go"


@dataclass(frozen=True)
class Task:
    """One kind of conversation: *turns* that call the tool *calls* times at once, then an answer of *pieces*."""

    server: str
    model: str
    """The bare name; ways over litellm put `openai/` before it."""
    turns: int
    calls: int
    pieces: int
    delay_s: float
    """How long the tool takes."""

    def base_url(self, dialect: str = "plain") -> str:
        return f"{self.server}/{dialect}/{self.turns}/{self.calls}/{self.pieces}/v1"

    @property
    def answer(self) -> str:
        return "".join(f"w{number:04} " for number in range(self.pieces))

    @property
    def most_steps(self) -> int:
        return self.turns + 5

    def tool(self):
        """Return the tool as an async function."""
        delay_s = self.delay_s

        async def echo(text: str) -> str:
            """Say it again.

            Args:
                text: what to say
            """
            if delay_s:
                await asyncio.sleep(delay_s)
            return text

        # Some read the types from the function at run time and want the classes themselves.
        echo.__annotations__ = {"text": str, "return": str}
        return echo

    def sync_tool(self):
        """Return the tool as a plain function, for agents that take no other."""
        delay_s = self.delay_s

        def echo(text: str) -> str:
            """Say it again.

            Args:
                text: what to say
            """
            time.sleep(delay_s)
            return text

        echo.__annotations__ = {"text": str, "return": str}
        return echo


SCHEMA = {
    "type": "function",
    "function": {
        "name": "echo",
        "description": "Say it again.",
        "parameters": {
            "type": "object",
            "properties": {"text": {"type": "string", "description": "what to say"}},
            "required": ["text"],
        },
    },
}
"""The tool as hand loops send it."""


def request(model: str, messages: list) -> dict:
    """Return the body that hand loops send."""
    return {
        "model": model,
        "messages": messages,
        "tools": [SCHEMA],
        "stream": True,
        "stream_options": {"include_usage": True},
    }
