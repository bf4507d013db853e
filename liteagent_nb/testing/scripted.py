"""ScriptedModel: a model that answers from a script, and remembers what it was asked."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING

from liteagent_nb.core.errors import ModelError
from liteagent_nb.testing.script import Asked, Line, play
from liteagent_nb.testing.validator import ProtocolViolation, check_request

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence

    from liteagent_nb.core.chat import Price, Transcript
    from liteagent_nb.core.streaming import Delta
    from liteagent_nb.core.tools import Tool

__all__ = ["ScriptedModel"]


class ScriptedModel:
    """A model that gives *replies* in order, one a question.

    A reply is text, `call(...)`, `calls(...)`, a `Reply`, an exception to raise, a list of `Delta`, `slow(...)`,
    `breaks_off(...)`, `endless(...)`, or an async function from `Asked` to one of these. Each transcript is checked
    with the rules of strict providers unless *strict* is false; *chunk_chars* cuts text and arguments into pieces. With
    *sees_pictures* it is shown what tools drew.
    """

    def __init__(
        self,
        *replies: Line,
        name: str = "scripted",
        price: Price | None = None,
        chunk_chars: int | None = None,
        strict: bool = True,
        sees_pictures: bool | None = None,
    ) -> None:
        self.asked: list[Asked] = []
        """Every question so far, refused ones included."""
        self._replies = list(replies)
        self._name = name
        self._price = price
        self._chunk_chars = chunk_chars
        self._strict = strict
        self.sees_pictures = sees_pictures
        """Whether it is shown pictures that tools drew; None where that is not known."""

    @property
    def name(self) -> str:
        """The name it goes by."""
        return self._name

    @property
    def price(self) -> Price | None:
        """What a token costs; None where nobody knows."""
        return self._price

    @property
    def remaining(self) -> int:
        """How many replies nobody has asked for yet."""
        return max(0, len(self._replies) - len(self.asked))

    async def stream(
        self, transcript: Transcript, tools: Sequence[Tool], settings: Mapping[str, object]
    ) -> AsyncGenerator[Delta]:
        """Answer with the next reply of the script."""
        asked = Asked(transcript, tuple(tools), dict(settings))
        self.asked.append(asked)
        number = len(self.asked)
        if self._strict:
            _refuse_what_providers_refuse(asked)
        if number > len(self._replies):
            raise ModelError(
                f"question {number} was put to a script of {len(self._replies)} replies",
                hint="give ScriptedModel one more reply, or find out why it was asked again",
            )
        line = self._replies[number - 1]
        async with aclosing(play(line, asked, number=number, chunk_chars=self._chunk_chars)) as deltas:
            async for delta in deltas:
                yield self._priced(delta)

    def _priced(self, delta: Delta) -> Delta:
        if delta.usage is None or self._price is None:
            return delta
        cost_usd = self._price.of(delta.usage.prompt_tokens, delta.usage.completion_tokens)
        return replace(delta, usage=replace(delta.usage, cost_usd=cost_usd))


def _refuse_what_providers_refuse(asked: Asked) -> None:
    try:
        check_request(list(asked.transcript), [tool.to_openai() for tool in asked.tools] or None)
    except ProtocolViolation as violation:
        raise ModelError(
            f"a strict provider refuses this request: {violation}",
            hint="see liteagent_nb.testing.validator for the rules",
            status=400,
        ) from violation
