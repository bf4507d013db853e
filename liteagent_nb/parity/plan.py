"""Plan: what is to be measured, checked before anything is."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from liteagent_nb import environment
from liteagent_nb.core.errors import ConfigError
from liteagent_nb.core.judging import THRESH_PCT, Terms
from liteagent_nb.core.measurement import ROLES, Role
from liteagent_nb.parity.arms import Arm, Prompt

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["DEFAULT_PROMPTS", "Block", "Plan", "planned"]

DEFAULT_PROMPTS = (
    "Name the capital of France in one word.",
    "Count from one to twenty in words.",
    "Say in two sentences why the sky is blue.",
)
_ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Block:
    """One prompt, and who is asked first."""

    round: int
    prompt: Prompt
    order: tuple[Role, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be measured."""

    baseline: Arm
    candidate: Arm
    prompts: tuple[Prompt, ...]
    rounds: int
    warmup: int
    terms: Terms
    seed: int

    @property
    def trials(self) -> int:
        """How many there are at the most."""
        return self.rounds * len(self.prompts)

    def arm(self, role: Role) -> Arm:
        """Return whose turn that is."""
        return self.candidate if role == "candidate" else self.baseline

    def blocks(self) -> Iterator[Block]:
        """Yield the blocks: in each round every prompt, in random order, each with its turns in random order."""
        order = random.Random(self.seed)  # noqa: S311 - it shuffles, it hides nothing
        for number in range(1, self.rounds + 1):
            for prompt in order.sample(self.prompts, len(self.prompts)):
                yield Block(number, prompt, tuple(order.sample(ROLES, len(ROLES))))


def planned(
    baseline: Arm,
    candidate: Arm,
    *,
    prompts: Sequence[str | Prompt],
    rounds: int | None,
    thresh_pct: float | None,
    live_thresh_pct: float,
    warmup: int,
    seed: int | None,
    run_id: str,
) -> Plan:
    """Return the plan, what is left out from the environment. Raises `ConfigError` where nothing can be measured."""
    chosen = tuple(Prompt.of(prompt) for prompt in prompts) or baseline.prompts or candidate.prompts
    rounds = int(_number("PARITY_ROUNDS", _ROUNDS)) if rounds is None else rounds
    thresh_pct = _number("PARITY_THRESH_PCT", THRESH_PCT) if thresh_pct is None else thresh_pct
    if rounds < 1 or warmup < 0:
        raise ConfigError(f"{rounds} rounds after {warmup} to warm up measure nothing", hint="ask for 1 round or more")
    if not (0 < thresh_pct < float("inf") and 0 < live_thresh_pct < float("inf")):
        raise ConfigError(f"a threshold of {thresh_pct:g} % answers nothing", hint="take one above zero: --thresh 3")
    terms = Terms(
        baseline.name,
        candidate.name,
        thresh_pct,
        live_thresh_pct,
        is_exact=baseline.is_exact and candidate.is_exact,
        is_timed=baseline.is_timed and candidate.is_timed,
        is_live=baseline.is_live or candidate.is_live,
        run_id=run_id,
    )
    asked = chosen or tuple(map(Prompt.of, DEFAULT_PROMPTS))
    drawn = random.randrange(2**32) if seed is None else seed  # noqa: S311 - the same
    return Plan(baseline, candidate, asked, rounds, warmup, terms, drawn)


def _number(variable: str, default: float) -> float:
    """Return what the environment says. Raises `ConfigError` for what is no number."""
    told = environment.text(variable)
    try:
        return float(told) if told else default
    except ValueError:
        raise ConfigError(f"{variable} is {told!r}", hint=f"set it to a number, {default:g} for instance") from None
