"""SteadyModel: a model of a batch: it waits where the server asks for it, and keeps the batch's limits.

It asks one question again, never a whole run: what the run's earlier steps cost is not paid twice.
"""

from __future__ import annotations

import asyncio
import random
from contextlib import aclosing
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, cast

from liteagent_nb.core.chat import Usage
from liteagent_nb.core.errors import ModelError
from liteagent_nb.core.meter import estimate, request_chars
from liteagent_nb.core.retrying import TOO_MANY, is_worth_retrying

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence

    from liteagent_nb.core.chat import Price, Transcript
    from liteagent_nb.core.protocols import Model
    from liteagent_nb.core.streaming import Delta
    from liteagent_nb.core.tools import Tool
    from liteagent_nb.extras.batching.account import Account

__all__ = ["Gate", "Retries", "SteadyModel"]


@dataclass(frozen=True, slots=True)
class Retries:
    """How often a question is put again that was not answered, and how long before; in seconds."""

    times: int = 6
    first_s: float = 1.0
    """Before the second try, doubled before each further one; where the server says how long, that holds."""
    longest_s: float = 60.0
    longest_told_s: float = 600.0
    """A server that asks for more is not waited for."""

    def pause_s(self, error: ModelError, *, attempt: int) -> float:
        """Return how long to wait after *attempt* (0 is the first); raises *error* where it is not worth another."""
        told_s = error.retry_after_s
        if attempt >= self.times or not is_worth_retrying(error) or (told_s or 0) > self.longest_told_s:
            raise error
        own_s = min(self.first_s * 2**attempt, self.longest_s) * random.uniform(0.75, 1)  # noqa: S311 - no secret
        return own_s if told_s is None else told_s


class Gate:
    """What all questions of a batch pass; closed for a while where the server said that it had too many."""

    def __init__(self) -> None:
        self._opens_s = 0.0
        self.refusals = 0
        """How often the server had too many."""

    def close_for(self, seconds: float) -> None:
        """Let nobody pass for so long."""
        self.refusals += 1
        self._opens_s = max(self._opens_s, asyncio.get_running_loop().time() + seconds)

    @property
    def closed_s(self) -> float:
        """How long it stays closed."""
        return max(0.0, self._opens_s - asyncio.get_running_loop().time())

    async def passed(self) -> None:
        """Wait until it is open; those who waited come through spread over a moment, not all at once."""
        while (closed_s := self.closed_s) > 0:  # noqa: ASYNC110 - it may be closed for longer meanwhile
            await asyncio.sleep(closed_s * random.uniform(1, 1.1))  # noqa: S311 - no secret


class SteadyModel:
    """Answers as *model* does, through *gate*; what it costs goes to *account*."""

    def __init__(self, model: Model, *, gate: Gate, retries: Retries, account: Account) -> None:
        self._model = model
        self._gate = gate
        self._retries = retries
        self._account = account

    @property
    def name(self) -> str:
        """The model's name."""
        return self._model.name

    @property
    def price(self) -> Price | None:
        """The model's price."""
        return self._model.price

    @property
    def sees_pictures(self) -> bool | None:
        """Whether the model sees."""
        return getattr(self._model, "sees_pictures", None)

    async def stream(
        self, transcript: Transcript, tools: Sequence[Tool], settings: Mapping[str, object]
    ) -> AsyncGenerator[Delta]:
        """Answer piece by piece; asks again where that may help, as long as nothing has come."""
        for attempt in count():
            had_content = False
            await self._gate.passed()
            try:
                async with aclosing(self._metered(transcript, tools, settings)) as deltas:
                    async for delta in deltas:
                        had_content = had_content or delta.is_content
                        yield delta
            except ModelError as error:
                if had_content:
                    raise
                pause_s = self._retries.pause_s(error, attempt=attempt)
                if error.status == TOO_MANY:
                    self._gate.close_for(pause_s)
                    continue
            else:
                return
            await asyncio.sleep(pause_s)

    async def _metered(
        self, transcript: Transcript, tools: Sequence[Tool], settings: Mapping[str, object]
    ) -> AsyncGenerator[Delta]:
        """Ask once. Raises `LimitReached` before sending or inside, where the batch's limits are reached."""
        asked, chars, cost, told = object(), 0, Usage(), None
        prompt_chars = request_chars(transcript, tools)
        try:
            self._account.expect(asked, estimate(prompt_chars, 0, self.price))
            stream = cast("AsyncGenerator[Delta]", self._model.stream(transcript, tools, settings))
            async with aclosing(stream):
                async for delta in stream:
                    chars += delta.chars
                    told = delta.usage or told
                    cost = Usage() if delta.is_cached else told or estimate(prompt_chars, chars, self.price)
                    self._account.expect(asked, cost)
                    yield delta
        finally:
            self._account.settle(asked, cost)
