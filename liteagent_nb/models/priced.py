"""PricedModel: a model whose price the user knows better than any list."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence

    from liteagent_nb.core.chat import Price, Transcript
    from liteagent_nb.core.protocols import Model
    from liteagent_nb.core.streaming import Delta
    from liteagent_nb.core.tools import Tool

__all__ = ["PricedModel"]


class PricedModel:
    """Answers as *model* does, at *price*."""

    def __init__(self, model: Model, price: Price) -> None:
        self._model = model
        self._price = price

    @property
    def name(self) -> str:
        """The model's name."""
        return self._model.name

    @property
    def price(self) -> Price:
        """The price that was given."""
        return self._price

    @property
    def sees_pictures(self) -> bool | None:
        """Whether the model sees."""
        return getattr(self._model, "sees_pictures", None)

    async def stream(
        self, transcript: Transcript, tools: Sequence[Tool], settings: Mapping[str, object]
    ) -> AsyncGenerator[Delta]:
        """Answer piece by piece; usage is told at the given price."""
        stream = cast("AsyncGenerator[Delta]", self._model.stream(transcript, tools, settings))
        async with aclosing(stream):
            async for delta in stream:
                if delta.usage is None:
                    yield delta
                else:
                    cost_usd = self._price.of(delta.usage.prompt_tokens, delta.usage.completion_tokens)
                    yield replace(delta, usage=replace(delta.usage, cost_usd=cost_usd))
