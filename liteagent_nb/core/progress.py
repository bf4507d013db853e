"""Progress: a run while it happens. It can be closed at any moment into a Run that loses nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from liteagent_nb.core.acting import CANCEL_GRACE_S, Errands
from liteagent_nb.core.asking import Question
from liteagent_nb.core.chat import Usage
from liteagent_nb.core.nudges import block_to_run, nudge, says_budget_exceeded, sounds_unsure
from liteagent_nb.core.pictures import has_pictures, seen_by, sees_pictures, shown_pictures
from liteagent_nb.core.pruning import chars_of, prune
from liteagent_nb.core.steps import Run, Step, StepDone
from liteagent_nb.core.tasks import finish_or_abandon
from liteagent_nb.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from liteagent_nb.core.chat import Message, Reply, Transcript
    from liteagent_nb.core.config import AgentConfig
    from liteagent_nb.core.errors import LiteAgentError
    from liteagent_nb.core.meter import Meter
    from liteagent_nb.core.protocols import Invoker, Model
    from liteagent_nb.core.steps import AnswerSource, StopReason, Watcher
    from liteagent_nb.core.tools import Tool, ToolInvocation

__all__ = ["Progress"]

OBSERVATION = "Observation from last tool run: "

_WHY_UNANSWERED = {"cancelled": "cancelled", "budget": "cancelled, since the run's limit was reached"}


class Progress:
    """The steps of a run so far, and the one under way."""

    def __init__(
        self, transcript: Transcript, *, model: Model, escalate_to: Model | None, config: AgentConfig, meter: Meter
    ) -> None:
        self._transcript = transcript
        self._chars = chars_of(transcript)
        self._has_pictures = has_pictures(transcript)
        self._models = (model, escalate_to)
        self._config = config
        self._meter = meter
        self.steps: list[Step] = []
        self._question: Question | None = None
        self._errands: Errands | None = None
        self._used_model = ""
        self._escalated = False

    @property
    def is_untouched(self) -> bool:
        """Whether nothing has been answered yet."""
        return not self.steps and (self._question is None or self._question.is_empty)

    async def take_step(self, offered: Sequence[Tool], tools: Invoker | None, watch: Watcher) -> None:
        """Ask once and run what the reply calls for."""
        reply = await self._ask(offered, watch)
        names = frozenset(tool.name for tool in offered)
        block = None
        if self._config.auto_run_code_on_code_block and not reply.tool_calls:
            block = block_to_run(reply.text, names)
        calls = reply.tool_calls or ((block,) if block else ())
        self._errands = Errands(calls, invoker=tools, offered=offered, config=self._config)
        await self._errands.run(watch)
        further = None if calls else nudge(reply.text, self.steps, config=self._config, tools=names)
        watch(StepDone(self._close_step(further=further)))

    async def _ask(self, offered: Sequence[Tool], watch: Watcher) -> Reply:
        config, model = self._config, self._next_model()
        self._used_model = model.name
        self._question = Question(model, self._sent(model), offered, meter=self._meter)
        asking = self._question.ask(config.settings(), step=len(self.steps), watch=watch)
        await finish_or_abandon(asking, grace_s=CANCEL_GRACE_S)
        return self._question.reply()

    def _sent(self, model: Model) -> Transcript:
        """Return what of the transcript is sent. Its size is kept: counting it at every step adds up in a long run."""
        max_messages, max_chars = self._config.max_history_messages, self._config.hard_char_budget
        if self._has_pictures:
            seen = seen_by(self._transcript, sees=sees_pictures(model, self._config))
            return prune(seen, max_messages=max_messages, max_chars=max_chars)
        if len(self._transcript) <= max_messages and self._chars <= max_chars:
            return self._transcript
        return prune(self._transcript, max_messages=max_messages, max_chars=max_chars)

    def _next_model(self) -> Model:
        """Return the stronger model once it is time for it, and keep it."""
        model, stronger = self._models
        if stronger is None or not self._config.escalate_on_budget_exceeded:
            return model
        is_last = len(self.steps) + 1 >= self._config.max_iterations
        is_asked_for = bool(self.steps) and says_budget_exceeded(self.steps[-1].reply.text)
        self._escalated |= is_last or is_asked_for or self._meter.share() >= self._config.escalate_at_share
        return stronger if self._escalated else model

    def _close_step(self, *, further: str | None = None, unanswered: str = "cancelled") -> Step:
        """Turn what has happened since the last step into one, its calls answered whatever became of them."""
        assert self._question is not None  # a step begins with its question
        reply = self._question.reply()
        # A stop may come between the answer and its errands; its calls want their answers all the same.
        errands = self._errands or Errands(reply.tool_calls, invoker=None, offered=(), config=self._config)
        invocations = errands.invocations
        messages: list[Message] = [reply.to_message()] if reply.text or reply.tool_calls else []
        is_final = not reply.tool_calls and further is None
        if reply.tool_calls:
            messages += errands.messages(unanswered=unanswered)
        elif invocations:
            # A code block was run: there is no call to answer, so the model is told as the user would tell it.
            is_final = invocations[0].ok or not self._config.enable_repair
            messages.append({"role": "user", "content": OBSERVATION + invocations[0].message})
        elif further is not None:
            messages.append({"role": "user", "content": further})
        messages += self._pictures(invocations)
        step = Step(
            reply=reply,
            tool_invocations=invocations,
            messages=tuple(messages),
            is_final=is_final,
            is_research_hop=further is not None and sounds_unsure(reply.text),
        )
        self.steps.append(step)
        self._transcript = self._transcript.extended(step.messages)
        self._chars += chars_of(step.messages)
        self._has_pictures = self._has_pictures or has_pictures(step.messages)
        self._meter.add(reply.usage)
        self._question = self._errands = None
        return step

    def _pictures(self, invocations: Sequence[ToolInvocation]) -> Iterator[Message]:
        """Yield what shows the calls' pictures, where a model of this run sees."""
        if not any(invocation.observation.pictures for invocation in invocations):
            return
        if any(model is not None and sees_pictures(model, self._config) for model in self._models):
            yield from shown_pictures(invocations)

    def run(self, reason: StopReason, detail: str, *, error: LiteAgentError | None = None) -> Run:
        """Close the step under way, if there is one, and return the Run."""
        if self._question is not None and not self._question.is_empty:
            self._close_step(unanswered=_WHY_UNANSWERED.get(reason, "cancelled"))
        answer, source = self._answer(reason)
        return Run(
            final_answer=answer,
            final_answer_source=source,
            stopped_reason=reason,
            stop_detail=detail,
            transcript=self._transcript,
            steps=tuple(self.steps),
            used_model=self._used_model,
            escalated=self._escalated,
            ttotal_ms=self._meter.elapsed_ms,
            unanswered_usage=self._unanswered_usage(reason),
            error=error,
        )

    def _unanswered_usage(self, reason: StopReason) -> Usage:
        """Return what a provider charges for a question that was stopped; one that it failed itself is free."""
        is_stopped = self._question is not None and reason in _WHY_UNANSWERED
        return self._question.unanswered_usage if self._question is not None and is_stopped else Usage()

    def _answer(self, reason: StopReason) -> tuple[str, AnswerSource]:
        """Return the model's last text; a tool's last text where the model had none, or the iterations ran out."""
        text = clean(self.steps[-1].reply.text) if self.steps else ""
        is_auto_run = bool(self.steps and self.steps[-1].tool_invocations and not self.steps[-1].reply.tool_calls)
        if text.strip() and reason != "max_iterations" and not is_auto_run:
            return text, "model"
        brought = (i.observation.text for s in reversed(self.steps) for i in reversed(s.tool_invocations) if i.ok)
        from_tool = next((found for found in brought if found.strip()), "")
        return (from_tool, "tool") if from_tool else (text, "model" if text.strip() else "fallback")
