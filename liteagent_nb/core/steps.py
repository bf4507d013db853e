"""Step and Run: what an agent did; and the events its watchers are told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from liteagent_nb.core.chat import Message, Reply, ToolCall, Transcript, Usage
from liteagent_nb.core.errors import LiteAgentError
from liteagent_nb.core.tools import ToolInvocation

__all__ = [
    "AnswerSource",
    "Event",
    "ModelAsked",
    "ReasoningDelta",
    "Run",
    "RunDone",
    "Step",
    "StepDone",
    "StopReason",
    "TextDelta",
    "ToolFinished",
    "ToolStarted",
    "Watcher",
]

StopReason: TypeAlias = Literal["success", "max_iterations", "budget", "stagnation", "cancelled", "error"]
"""Why a run ended. A Literal, not an enum: `print(run.stopped_reason)` prints the word."""

AnswerSource: TypeAlias = Literal["model", "tool", "fallback"]
"""Who gave the final answer; `fallback` is no answer at all."""


@dataclass(frozen=True, slots=True)
class Step:
    """One reply and what its calls brought back."""

    reply: Reply
    tool_invocations: tuple[ToolInvocation, ...] = ()
    messages: tuple[Message, ...] = ()
    """What this step added to the transcript."""
    is_final: bool = False
    """Whether the model has spoken without asking for anything."""
    is_research_hop: bool = False
    """Whether an unsure answer was sent back to look it up."""

    @property
    def router_call_ms(self) -> float:
        """How long the model took, in milliseconds (the seed's name)."""
        return self.reply.total_ms


@dataclass(frozen=True, slots=True)
class Run:
    """A finished run, however it ended."""

    final_answer: str
    stopped_reason: StopReason
    transcript: Transcript
    steps: tuple[Step, ...] = ()
    final_answer_source: AnswerSource = "model"
    stop_detail: str = ""
    """One sentence on why it stopped, where the reason alone does not say."""
    used_model: str = ""
    """The model that was asked last."""
    escalated: bool = False
    ttotal_ms: float = 0.0
    unanswered_usage: Usage = field(default_factory=Usage)
    """The estimated cost of a question that was stopped before anything came."""
    error: LiteAgentError | None = field(default=None, compare=False)
    """What broke the run, where `stopped_reason` is `error`."""

    @property
    def messages(self) -> list[Message]:
        """The transcript as chat messages, oldest first."""
        return list(self.transcript.messages)

    @property
    def iterations(self) -> tuple[Step, ...]:
        """The steps (the seed's name)."""
        return self.steps

    @property
    def tool_invocations(self) -> tuple[ToolInvocation, ...]:
        """Every call of the run, in order."""
        return tuple(invocation for step in self.steps for invocation in step.tool_invocations)

    @property
    def usage(self) -> Usage:
        """Tokens and money of the whole run."""
        return sum((step.reply.usage for step in self.steps), self.unanswered_usage)

    @property
    def is_replayed(self) -> bool:
        """Whether all that the models said comes from a recording."""
        return bool(self.steps) and all(step.reply.is_replayed for step in self.steps)

    @property
    def is_cached(self) -> bool:
        """Whether all that the models said comes out of the cache."""
        return bool(self.steps) and all(step.reply.is_cached for step in self.steps)

    @property
    def ttft_ms(self) -> float | None:
        """Time from the first question to its first piece, in milliseconds."""
        return self.steps[0].reply.ttft_ms if self.steps else None

    @property
    def metrics(self) -> dict[str, object]:
        """The seed's metrics: `escalated, used_model, ttotal_ms, model_calls, tool_calls`."""
        return {
            "escalated": self.escalated,
            "used_model": self.used_model,
            "ttotal_ms": self.ttotal_ms,
            "model_calls": len(self.steps),
            "tool_calls": len(self.tool_invocations),
        }

    def raise_for_error(self) -> Run:
        """Return this run; raises what broke it, if anything did."""
        if self.error is not None:
            raise self.error
        return self


@dataclass(frozen=True, slots=True)
class ModelAsked:
    """A model was asked; its answer is to come."""

    model: str
    step: int


@dataclass(frozen=True, slots=True)
class TextDelta:
    """A piece of the answer's text."""

    text: str


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    """A piece of what the model thinks before it answers."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolStarted:
    """A call begins."""

    call_index: int
    call: ToolCall


@dataclass(frozen=True, slots=True)
class ToolFinished:
    """A call ended, well or not."""

    invocation: ToolInvocation


@dataclass(frozen=True, slots=True)
class StepDone:
    """A step ended."""

    step: Step


@dataclass(frozen=True, slots=True)
class RunDone:
    """The run ended; also told when it was cancelled."""

    run: Run


Event: TypeAlias = ModelAsked | TextDelta | ReasoningDelta | ToolStarted | ToolFinished | StepDone | RunDone

Watcher: TypeAlias = Callable[[Event], None]
"""Is told events, on the run's own event loop; must not block."""
