"""Account: what all runs of a batch took together, those under way included."""

from __future__ import annotations

import time
from dataclasses import replace
from operator import ge, gt
from typing import TYPE_CHECKING

from liteagent_nb.core.chat import Usage
from liteagent_nb.core.ledger import Ledger, Limits
from liteagent_nb.core.meter import LimitReached

if TYPE_CHECKING:
    from collections.abc import Callable

    from liteagent_nb.core.config import AgentConfig

__all__ = ["Account"]

_CLOCKS_DIFFER_S = 0.01
"""A run that was ended at the limit may be told a moment before it."""


class Account:
    """Tokens, money and time of a batch, and its *limits*."""

    def __init__(
        self, limits: Limits | None = None, *, spent: Usage | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.limits = limits or Limits()
        self.spent = spent or Usage()
        self._clock = clock
        self._started_s = clock()
        self._open: dict[object, Usage] = {}
        self._exceeded = ""

    @property
    def is_limited(self) -> bool:
        """Whether anything has a limit."""
        return self.limits != Limits()

    @property
    def spent_limit(self) -> str:
        """What says that a limit is reached; empty while none is."""
        return self._exceeded or self._reached(self.spent, ge)

    def expect(self, question: object, usage: Usage) -> None:
        """Take into account what *question* will have cost so far. Raises `LimitReached` where that is too much."""
        self._open[question] = usage
        if self.limits.usd is None and self.limits.tokens is None:
            return
        if told := self._reached(sum(self._open.values(), self.spent), gt):
            self.exceed(told)
            raise LimitReached(f"the batch's limit: {told}")

    def settle(self, question: object, usage: Usage) -> None:
        """Put down what *question* cost in the end."""
        self._open.pop(question, None)
        self.spent += usage

    def exceed(self, told: str) -> None:
        """Take note that a run was cut for want of what was left: nothing else is begun."""
        self._exceeded = self._exceeded or told

    def bounded_in_time(self, config: AgentConfig) -> AgentConfig:
        """Return *config* with no more time than is left: tokens and money are looked after by `expect`."""
        return replace(config, max_total_seconds=self.bounded(config).max_total_seconds)

    def bounded(self, config: AgentConfig) -> AgentConfig:
        """Return *config* with no more than what is left. Raises `BudgetError` where nothing is."""
        ledger = Ledger(of="batch")
        ledger.spent, ledger.seconds = self.spent, self._clock() - self._started_s
        return ledger.bounded(config, self.limits)

    def _reached(self, spent: Usage, is_too_much: Callable[[float, float], bool]) -> str:
        """Return which limit *spent* has come to, or gone beyond."""
        limits, tokens, usd = self.limits, spent.total_tokens, spent.cost_usd or 0.0
        if limits.usd is not None and is_too_much(usd, limits.usd):
            return f"${usd:.4f} of ${limits.usd:.4f}"
        if limits.tokens is not None and is_too_much(tokens, limits.tokens):
            return f"{tokens:,} of {limits.tokens:,} tokens"
        if limits.seconds is not None and self._clock() - self._started_s >= limits.seconds - _CLOCKS_DIFFER_S:
            return f"{limits.seconds:g} seconds"
        return ""
