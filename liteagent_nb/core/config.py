"""AgentConfig: the limits and habits of a run, as one value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from liteagent_nb.core.errors import ConfigError

__all__ = ["ABOVE_ZERO", "LEAST", "AgentConfig"]

LEAST: Mapping[str, int] = {
    "max_iterations": 1,
    "max_tools_per_iter": 0,
    "tool_concurrency": 1,
    "max_research_hops": 0,
    "max_history_messages": 1,
    "hard_char_budget": 1,
    "stagnation_window": 1,
}
"""The smallest values that make sense."""

ABOVE_ZERO = frozenset({"tool_timeout_sec", "max_total_seconds", "max_tokens_total", "max_cost_usd"})
"""What must be above zero where it is set."""


@dataclass(frozen=True, slots=True)
class AgentConfig:
    """The limits and habits of a run. Raises `ConfigError` for values that make no sense."""

    model: str = ""
    """Which model answers; empty: the default (see `assembly.choose_model`)."""
    max_iterations: int = 3
    max_tools_per_iter: int = 4
    """How many calls of one reply are run; the others are answered with a refusal."""
    tool_concurrency: int = 1
    enable_repair: bool = True
    """Whether a failed tool's message asks the model to mend it, and a failed code block goes back to the model."""
    research_on_unsure: bool = False
    """Whether an unsure answer is sent back with the advice to look it up with a tool."""
    max_research_hops: int = 1
    max_history_messages: int = 50
    hard_char_budget: int = 16000
    """How many characters of transcript are sent at the most; tool output is shortened before messages are dropped."""
    shell_allow_prefixes: tuple[str, ...] = ("echo",)
    tool_timeout_sec: float = 10.0
    max_total_seconds: float | None = None
    use_tools: bool | None = None
    """None: on when the invoker advertises tools."""
    send_images: bool | None = None
    """Whether models are shown pictures, those that tools drew too. None: where the model is known to see."""
    auto_run_code_on_code_block: bool = False
    escalate_on_budget_exceeded: bool = False
    escalate_model: str | None = None
    escalate_at_share: float = 0.8
    """The share of time, tokens or money after which the stronger model takes over."""
    completion_kwargs: Mapping[str, object] = field(default_factory=dict, repr=False)
    """Forwarded to litellm: `api_base`, `api_key`, sampling. Left out of the repr, since keys may be in it."""
    max_tokens_total: int | None = None
    max_cost_usd: float | None = None
    stagnation_window: int = 3
    """After so many steps that asked and saw the same, the run stops."""
    tool_allowlist: tuple[str, ...] | None = None
    """None: every tool that the invoker advertises."""
    temperature: float | None = None

    def __post_init__(self) -> None:
        """Refuse values that make no sense, before anything is sent."""
        for name, least in LEAST.items():
            if getattr(self, name) < least:
                raise ConfigError(f"{name} is {getattr(self, name)}", hint=f"set {name} to {least} or more")
        for name in ABOVE_ZERO:
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ConfigError(f"{name} is {value}", hint=f"set {name} above 0, or leave it out")

    def settings(self) -> dict[str, object]:
        """Return what is forwarded to the model."""
        chosen = dict(self.completion_kwargs)
        if self.temperature is not None:
            chosen["temperature"] = self.temperature
        return chosen
