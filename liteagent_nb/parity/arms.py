"""Arm and Prompt: what is compared, and what it is asked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias

from liteagent_nb.core.chat import Transcript

__all__ = ["Answer", "Arm", "Ask", "Prompt"]

Answer: TypeAlias = AsyncIterator[object] | Iterable[object] | Awaitable[object] | str
"""What an arm brings: text, or pieces of it (text, a `Delta`, or a chunk in OpenAI's shape), now or to be awaited."""
Ask: TypeAlias = Callable[["Prompt"], Answer]


@dataclass(frozen=True, slots=True)
class Prompt:
    """What is asked, under a short name."""

    id: str
    transcript: Transcript

    @property
    def text(self) -> str:
        """The last message, where it is text."""
        content = self.transcript.messages[-1].get("content") if len(self.transcript) else ""
        return content if isinstance(content, str) else ""


@dataclass(frozen=True, slots=True)
class Arm:
    """One side of a comparison."""

    name: str
    ask: Ask
    is_exact: bool = False
    """Whether it must say the same each time: recorded bytes."""
    is_live: bool = False
    """Whether others answer, over a network: only gross differences can be told then."""
