"""Calculator: a model for checks, which has code computed and repeats what that printed, the same each time."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

from liteagent_nb.core.chat import Price
from liteagent_nb.testing.script import Asked, call, play

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence

    from liteagent_nb.core.chat import Transcript
    from liteagent_nb.core.streaming import Delta
    from liteagent_nb.core.tools import Tool
    from liteagent_nb.testing.script import Line

__all__ = ["PRODUCT", "TASK", "Calculator"]

TASK = "What is 1234 * 5678?"
PRODUCT = "7006652"


class Calculator:
    """Asks for `exec_python` where that is on offer, then answers with the number; nothing is guessed."""

    name = "calculator"
    price: Price | None = Price(0.0, 0.0)

    async def stream(
        self, transcript: Transcript, tools: Sequence[Tool], settings: Mapping[str, object]
    ) -> AsyncGenerator[Delta]:
        """Answer the next question."""
        asked = Asked(transcript, tuple(tools), dict(settings))
        async with aclosing(play(_line(asked), asked, number=len(transcript), chunk_chars=4)) as deltas:
            async for delta in deltas:
                yield delta


def _line(asked: Asked) -> Line:
    results = [message for message in asked.transcript if message["role"] == "tool"]
    if not results and any(tool.name == "exec_python" for tool in asked.tools):
        return call("exec_python", code="print(1234 * 5678)")
    return f"It is {PRODUCT}." if not results or PRODUCT in str(results[-1]["content"]) else "The code did not say."
