"""Reasons to go on although the model has spoken: one small function each."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from liteagent_nb.core.chat import ToolCall

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from liteagent_nb.core.config import AgentConfig
    from liteagent_nb.core.steps import Step

__all__ = ["block_to_run", "nudge", "says_budget_exceeded", "sounds_unsure"]

GO_ON = "Go on with the task from where it stands, and finish it."
RESEARCH = "You are not sure. Look it up with one of the tools first{names}, then answer."

_UNSURE = re.compile(
    r"\b(?:I(?:'m| am) (?:not (?:sure|certain)|unsure)|I (?:do not|don't) (?:really )?know|"
    r"(?:I )?can(?:no|')t (?:be sure|say)|no idea|not enough information|UNSURE)\b",
    re.IGNORECASE,
)
_BUDGET = re.compile(r"\bbudget\b.{0,20}\b(?:exceeded|exhausted|spent)\b|\bexceeded\b.{0,20}\bbudget\b", re.IGNORECASE)
_BLOCK = re.compile(r"^```[ \t]*([\w+#.-]*)[^\n]*\n(.*?)^```[ \t]*$", re.MULTILINE | re.DOTALL)


def sounds_unsure(text: str) -> bool:
    """Whether *text* says that its author does not know. English phrases: a rule of thumb, off by default."""
    return bool(_UNSURE.search(text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")))


def says_budget_exceeded(text: str) -> bool:
    """Whether *text* says that a budget was exceeded."""
    return bool(_BUDGET.search(text))


def nudge(text: str, steps: Sequence[Step], *, config: AgentConfig, tools: Collection[str]) -> str | None:
    """Return what to tell a model whose answer is not yet one; None where it stands."""
    if config.escalate_on_budget_exceeded and says_budget_exceeded(text):
        return GO_ON
    hops = sum(step.is_research_hop for step in steps)
    if config.research_on_unsure and tools and hops < config.max_research_hops and sounds_unsure(text):
        named = sorted(name for name in tools if "research" in name or "search" in name)
        return RESEARCH.format(names=f" ({', '.join(named)})" if named else "")
    return None


def block_to_run(text: str, tools: Collection[str]) -> ToolCall | None:
    """Return a call that runs the first fenced block of *text* in its own language; None where none can be run."""
    found = _BLOCK.search(text)
    if found is None:
        return None
    language, code = found[1].lower() or "python", found[2]
    if language in {"python", "py", "python3"} and "exec_python" in tools:
        return ToolCall.of("auto_run", "exec_python", {"code": code})
    if "exec_code" in tools:
        return ToolCall.of("auto_run", "exec_code", {"language": language, "code": code})
    return None
