"""One small function for each reason to stop."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from liteagent_nb.core.config import AgentConfig
    from liteagent_nb.core.steps import Step, StopReason

__all__ = ["StopRule", "answered", "max_iterations", "reason_to_stop", "stagnation", "stop_rules"]

StopRule: TypeAlias = "Callable[[Sequence[Step]], tuple[StopReason, str] | None]"
"""Looks at the steps so far; says why to stop and one sentence of detail, or None to go on."""


def stop_rules(config: AgentConfig) -> tuple[StopRule, ...]:
    """Return the rules of *config*, the strongest first. Limits of time, tokens and money hold inside the steps."""
    return (answered, stagnation(config.stagnation_window), max_iterations(config.max_iterations))


def reason_to_stop(steps: Sequence[Step], rules: Sequence[StopRule]) -> tuple[StopReason, str] | None:
    """Return what the first rule that speaks says."""
    return next((verdict for rule in rules if (verdict := rule(steps)) is not None), None)


def answered(steps: Sequence[Step]) -> tuple[StopReason, str] | None:
    """Stop once the model has spoken without asking for anything; a code block of its that failed is an error."""
    if not steps or not steps[-1].is_final:
        return None
    failed = next((invocation for invocation in steps[-1].tool_invocations if not invocation.ok), None)
    return ("error", f"the code block failed: {failed.error}") if failed else ("success", "")


def max_iterations(limit: int) -> StopRule:
    """Stop after *limit* steps."""
    detail = f"the model had not answered after {limit} step{'s' * (limit != 1)}"
    return lambda steps: ("max_iterations", detail) if len(steps) >= limit else None


def stagnation(window: int) -> StopRule:
    """Stop once *window* steps in a row asked for the same and saw the same."""
    detail = f"the last {window} steps called the same tools and saw the same"

    def rule(steps: Sequence[Step]) -> tuple[StopReason, str] | None:
        last = steps[-window:]
        if len(last) < window or not last[0].reply.tool_calls:
            return None
        first = _essence(last[0])
        return ("stagnation", detail) if all(_essence(step) == first for step in last[1:]) else None

    return rule


def _essence(step: Step) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what a step asked and saw, without ids and times."""
    asked = tuple(f"{call.name} {call.arguments}" for call in step.reply.tool_calls)
    return asked, tuple(invocation.message for invocation in step.tool_invocations)
