"""The model `echo`: says back what it was told, and that it is an echo; for probes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from liteagent_nb.core.chat import Price, Usage, text_of
from liteagent_nb.core.streaming import Delta

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence

    from liteagent_nb.core.chat import Transcript
    from liteagent_nb.core.tools import Tool

__all__ = ["EchoModel"]


class EchoModel:
    """Answers at once with the last message of the user, marked as an echo."""

    @property
    def name(self) -> str:
        """The name it is asked for by."""
        return "echo"

    @property
    def price(self) -> Price:
        """Nothing."""
        return Price(0.0, 0.0)

    async def stream(
        self,
        transcript: Transcript,
        tools: Sequence[Tool],  # noqa: ARG002 - the protocol's
        settings: Mapping[str, object],  # noqa: ARG002
    ) -> AsyncGenerator[Delta]:
        """Answer with an echo."""
        said = (text_of(m.get("content")) for m in reversed(transcript.messages) if m.get("role") == "user")
        yield Delta(text=f"[echo, no model was asked] {next(said, '')}")
        yield Delta(usage=Usage(is_estimate=True), finish_reason="stop")
