"""Ledger: what every question of a notebook cost, and what is left of its limits."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from liteagent_nb.core.chat import Usage
from liteagent_nb.core.errors import BudgetError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from liteagent_nb.core.config import AgentConfig
    from liteagent_nb.core.steps import Run

__all__ = ["Charge", "Ledger", "Limits"]


@dataclass(frozen=True, slots=True)
class Limits:
    """What all runs of a notebook together may take; None is no limit."""

    usd: float | None = None
    tokens: int | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Charge:
    """One question put to a model, in which cell and when, and why its run ended."""

    at: str
    cell: int
    step: int
    model: str
    usage: Usage
    total_ms: float
    stopped_reason: str
    is_replayed: bool = False
    """Whether the answer came from a recording: nothing was paid for it."""


class Ledger:
    """The charges of a notebook, oldest first."""

    COLUMNS = (
        "at", "cell", "step", "model", "prompt_tokens", "completion_tokens", "cost_usd", "is_estimate", "is_replayed",
        "total_ms", "stopped_reason",
    )  # fmt: skip
    """What `rows` holds, in order."""

    def __init__(self, of: str = "notebook") -> None:
        self._of = of
        self.charges: list[Charge] = []
        self.spent = Usage()
        """Tokens and money of all runs; replayed ones count as they did when they were recorded."""
        self.seconds = 0.0

    def add(self, run: Run, *, at: str = "", cell: int = 0) -> None:
        """Write down every question of *run*; *at* says when it was, *cell* where."""
        self.charges += _charges(run, at, cell)
        self.spent += run.usage
        self.seconds += run.ttotal_ms / 1000

    def rows(self) -> list[dict[str, object]]:
        """Return the charges as mappings, one a row of a table."""
        return [_row(charge) for charge in self.charges]

    def left_of(self, limits: Limits) -> Limits:
        """Return what is left of *limits*, none of it below nothing."""
        spent = (self.spent.cost_usd or 0.0, self.spent.total_tokens, self.seconds)
        usd, tokens, seconds = (
            None if limit is None else max(0, limit - used)
            for limit, used in zip((limits.usd, limits.tokens, limits.seconds), spent, strict=True)
        )
        return Limits(usd, _whole(tokens), seconds)

    def bounded(self, config: AgentConfig, limits: Limits) -> AgentConfig:
        """Return *config* with no more than what is left of *limits*.

        Raises `BudgetError` where nothing is left, or where nobody knows how much was spent.
        """
        if limits.usd is not None and self.spent.cost_usd is None:
            raise BudgetError(
                f"this notebook may cost ${limits.usd:g}, but a model's price is unknown: so is what was spent",
                hint="%agent cost shows it; give prices with --price, limit tokens, or begin anew: %agent cost clear",
            )
        return replace(
            config,
            max_cost_usd=self._least("USD", config.max_cost_usd, limits.usd, self.spent.cost_usd or 0.0),
            max_tokens_total=_whole(
                self._least("tokens", config.max_tokens_total, limits.tokens, self.spent.total_tokens)
            ),
            max_total_seconds=self._least("seconds", config.max_total_seconds, limits.seconds, self.seconds),
        )

    def _least(self, unit: str, of_run: float | None, of_all: float | None, spent: float) -> float | None:
        """Return the smaller of a run's limit and what is left of the limit of all runs."""
        if of_all is None:
            return of_run
        left = of_all - spent
        if left <= 0:
            raise BudgetError(f"this {self._of}'s limit is spent: {spent:g} of {of_all:g} {unit}", hint=self._more)
        return left if of_run is None else min(of_run, left)

    @property
    def _more(self) -> str:
        if self._of != "notebook":
            return f"give the {self._of} a higher limit"
        return "%agent cost shows what it went to; a higher limit on the line raises it (--notebook-budget 5)"


def _row(charge: Charge) -> dict[str, object]:
    row = asdict(charge)
    row |= row.pop("usage")
    return {column: row[column] for column in Ledger.COLUMNS}


def _charges(run: Run, at: str, cell: int) -> Iterator[Charge]:
    for number, step in enumerate(run.steps):
        reply, total_ms = step.reply, round(step.reply.total_ms, 1)
        yield Charge(at, cell, number, reply.model, reply.usage, total_ms, run.stopped_reason, reply.is_replayed)
    if run.unanswered_usage.total_tokens:
        yield Charge(at, cell, len(run.steps), run.used_model, run.unanswered_usage, 0.0, run.stopped_reason)


def _whole(number: float | None) -> int | None:
    return None if number is None else int(number)
