"""Meter: what a run has spent of its time, tokens and money."""

from __future__ import annotations

from typing import TYPE_CHECKING

from liteagent_nb.core.chat import Usage
from liteagent_nb.core.errors import ConfigError
from liteagent_nb.core.pruning import chars_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from liteagent_nb.core.chat import Price, Transcript
    from liteagent_nb.core.config import AgentConfig
    from liteagent_nb.core.protocols import Model
    from liteagent_nb.core.tools import Tool

__all__ = ["LimitReached", "Meter", "check_price"]

CHARS_PER_TOKEN = 4
"""The usual estimate, where a provider does not count for us."""


class LimitReached(Exception):  # not in the error tree: it ends the step, and the run tells it as `budget`
    """A limit of tokens or money was reached inside a step."""


def check_price(model: Model, config: AgentConfig) -> None:
    """Refuse a cost limit that nobody could keep: raises `ConfigError` where the model's price is unknown."""
    if config.max_cost_usd is not None and model.price is None:
        raise ConfigError(
            f"a cost limit is set, but the price of {model.name} is unknown",
            hint="give its price (--price IN/OUT, USD for a million tokens), or limit tokens (max_tokens_total)",
        )


class Meter:
    """Adds up what a run has spent. *clock* gives seconds."""

    def __init__(self, config: AgentConfig, *, clock: Callable[[], float]) -> None:
        self._config = config
        self._clock = clock
        self.started_s = clock()
        self.spent = Usage()
        self.is_limited = config.max_tokens_total is not None or config.max_cost_usd is not None
        """Whether tokens or money have a limit at all."""

    @property
    def now_s(self) -> float:
        """The time on the run's clock."""
        return self._clock()

    @property
    def elapsed_ms(self) -> float:
        """Time since the run began, in milliseconds."""
        return (self.now_s - self.started_s) * 1000

    def add(self, usage: Usage) -> None:
        """Count a finished reply."""
        self.spent = self.spent + usage

    def check(self, pending: Usage = Usage()) -> None:  # noqa: B008 - frozen
        """Raise `LimitReached` if what is spent and *pending* together exceed tokens or money."""
        limits, total = self._config, self.spent + pending
        if limits.max_tokens_total is not None and total.total_tokens > limits.max_tokens_total:
            raise LimitReached(f"{total.total_tokens} of {limits.max_tokens_total} tokens")
        if limits.max_cost_usd is not None and total.cost_usd is not None and total.cost_usd > limits.max_cost_usd:
            raise LimitReached(f"${total.cost_usd:.4f} of ${limits.max_cost_usd:.4f}")

    def share(self) -> float:
        """Return the largest spent share of time, tokens and money; 0 where nothing is limited."""
        limits = self._config
        pairs = (
            (self.now_s - self.started_s, limits.max_total_seconds),
            (self.spent.total_tokens, limits.max_tokens_total),
            (self.spent.cost_usd or 0.0, limits.max_cost_usd),
        )
        return max((spent / limit for spent, limit in pairs if limit), default=0.0)


def estimate(prompt_chars: int, reply_chars: int, price: Price | None) -> Usage:
    """Return the usage that so many characters come to, marked as an estimate."""
    prompt, reply = (-(-chars // CHARS_PER_TOKEN) for chars in (prompt_chars, reply_chars))
    return Usage(prompt, reply, None if price is None else price.of(prompt, reply), is_estimate=True)


def request_chars(transcript: Transcript, tools: Sequence[Tool]) -> int:
    """Return the characters that a request takes."""
    return chars_of(transcript) + sum(len(str(tool.to_openai())) for tool in tools)
