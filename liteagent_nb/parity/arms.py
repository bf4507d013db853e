"""Arm and Prompt: what is compared, and what it is asked."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias

from liteagent_nb.core.chat import Transcript

__all__ = ["Answer", "Arm", "Ask", "Prompt", "ServerTimes"]

Answer: TypeAlias = AsyncIterator[object] | Iterable[object] | Awaitable[object] | str
"""What an arm brings: text, or pieces of it (text, a `Delta`, or a chunk in OpenAI's shape), now or to be awaited."""
Ask: TypeAlias = Callable[["Prompt"], Answer]


@dataclass(frozen=True, slots=True)
class Prompt:
    """What is asked, under a short name."""

    id: str
    transcript: Transcript

    @classmethod
    def of(cls, messages: str | Iterable[object] | Prompt | Transcript) -> Prompt:
        """Return a prompt of text or chat messages, named by its fingerprint."""
        if isinstance(messages, Prompt):
            return messages
        transcript = Transcript.of(messages)
        written = json.dumps(transcript.messages, sort_keys=True, ensure_ascii=False, default=str)
        return cls(hashlib.sha256(written.encode("utf-8", "surrogatepass")).hexdigest()[:8], transcript)

    @property
    def text(self) -> str:
        """The last message, where it is text."""
        content = self.transcript.messages[-1].get("content") if len(self.transcript) else ""
        return content if isinstance(content, str) else ""


@dataclass(frozen=True, slots=True)
class ServerTimes:
    """What a local server noted of the last answer, in seconds on the clock that all processes here share."""

    received_s: float
    first_s: float
    """Just before it sent the first piece."""
    last_s: float
    """Just before it sent the last bytes."""


@dataclass(frozen=True, slots=True)
class Arm:
    """One side of a comparison."""

    name: str
    ask: Ask
    is_exact: bool = False
    """Whether it must say the same each time: recorded bytes."""
    is_timed: bool = True
    """Whether its times say anything: a replay's do not."""
    is_live: bool = False
    """Whether others answer, over a network: only gross differences can be told then."""
    model: str = ""
    """The model that is asked, where there is one."""
    server_times: Callable[[], Awaitable[ServerTimes | None]] | None = None
    """Tells of the last answer what the server took, where it is ours."""
    settle_s: float = 0.0
    """How long it goes on after its stream has ended, in logging for instance: its own time, not the next one's."""
    prompts: tuple[Prompt, ...] = ()
    """What it can be asked, where it cannot be asked everything."""
