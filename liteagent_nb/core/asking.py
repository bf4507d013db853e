"""Asking the model: one request, watched and measured while it streams."""

from __future__ import annotations

import asyncio
import functools
from contextlib import aclosing
from typing import TYPE_CHECKING

from liteagent_nb.core.chat import Usage
from liteagent_nb.core.errors import LiteAgentError, ModelError
from liteagent_nb.core.meter import LimitReached, estimate, request_chars
from liteagent_nb.core.steps import ModelAsked, ReasoningDelta, TextDelta
from liteagent_nb.core.streaming import ReplyBuilder
from liteagent_nb.core.tasks import is_being_cancelled
from liteagent_nb.core.text import printed

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence

    from liteagent_nb.core.chat import Reply, Transcript
    from liteagent_nb.core.meter import Meter
    from liteagent_nb.core.protocols import Model
    from liteagent_nb.core.steps import Watcher
    from liteagent_nb.core.streaming import Delta
    from liteagent_nb.core.tools import Tool

__all__ = ["Question"]


class Question:
    """One request to a model; `reply()` may be read at any moment, also after a break."""

    def __init__(self, model: Model, transcript: Transcript, tools: Sequence[Tool], *, meter: Meter) -> None:
        self.model = model
        self._transcript = transcript
        self._tools = tools
        self._meter = meter
        self._builder = ReplyBuilder(model=model.name, started_s=meter.now_s)
        self.is_sent = False
        self.is_answered = False

    async def ask(self, settings: Mapping[str, object], *, step: int, watch: Watcher) -> None:
        """Stream the answer. Raises `LimitReached` before sending or inside, and what the model raises."""
        self._check()
        watch(ModelAsked(self.model.name, step))
        self.is_sent = True
        try:
            await self._read(settings, watch)
        except (LiteAgentError, LimitReached):
            raise
        except Exception as error:
            broken = f"{self.model.name} broke its promise: {type(error).__name__}: {printed(error)}"
            raise ModelError(
                broken, hint="what came so far is kept; this is a fault in the model's own code"
            ) from error
        self.is_answered = True

    async def _read(self, settings: Mapping[str, object], watch: Watcher) -> None:
        stream: AsyncGenerator[Delta, None] = self.model.stream(self._transcript, self._tools, settings)  # type: ignore[assignment]  # aclosing wants a generator; a model may return any iterator with aclose
        async with aclosing(stream):
            async for delta in stream:
                if is_being_cancelled():  # the stream has swallowed it
                    raise asyncio.CancelledError
                self._builder.add(delta, now_s=self._meter.now_s)
                _tell(delta, watch)
                self._check()

    def _check(self) -> None:
        if self._meter.is_limited:
            self._meter.check(self._estimate())

    @functools.cached_property
    def _prompt_chars(self) -> int:
        """Counted where it is needed: a look at every message."""
        return request_chars(self._transcript, self._tools)

    def _estimate(self) -> Usage:
        """Return what the request and what has come of its answer are likely to cost."""
        return estimate(self._prompt_chars, self._builder.chars, self.model.price)

    @property
    def is_empty(self) -> bool:
        """Whether nothing has come yet."""
        return self._builder.is_empty

    @property
    def unanswered_usage(self) -> Usage:
        """What a request that was sent costs although nothing has come: its prompt, by estimate."""
        return self._estimate() if self.is_sent and self.is_empty else Usage()

    def reply(self) -> Reply:
        """Return what has come; without calls if it broke off, since half a call cannot be answered."""
        return self._whole if self.is_answered else self._builder.partial(usage=self._counted())

    @functools.cached_property
    def _whole(self) -> Reply:
        return self._builder.reply(usage=self._counted())

    def _counted(self) -> Usage:
        return self._builder.usage or self._estimate()


def _tell(delta: Delta, watch: Watcher) -> None:
    if delta.text:
        watch(TextDelta(delta.text))
    if delta.reasoning:
        watch(ReasoningDelta(delta.reasoning))
