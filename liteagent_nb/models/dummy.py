"""The models `dummy` and `noop`: a fixed answer for probes, and only where it is allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from liteagent_nb import environment
from liteagent_nb.core.chat import Price, Usage
from liteagent_nb.core.errors import ConfigError
from liteagent_nb.core.streaming import Delta

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence

    from liteagent_nb.core.chat import Transcript
    from liteagent_nb.core.tools import Tool

__all__ = ["ALLOW_VARIABLE", "DummyModel"]

ALLOW_VARIABLE = "MINI_AGENT_ALLOW_DUMMY"


class DummyModel:
    """Gives one fixed answer that says it is a stub. Raises `ConfigError` unless MINI_AGENT_ALLOW_DUMMY is set."""

    def __init__(self, name: str = "dummy") -> None:
        if not environment.is_flag_set(ALLOW_VARIABLE):
            raise ConfigError(f"the model {name!r} is a stub", hint=f"set {ALLOW_VARIABLE}=1 to allow it")
        self._name = name

    @property
    def name(self) -> str:
        """The name it is asked for by."""
        return self._name

    @property
    def price(self) -> Price:
        """Nothing."""
        return Price(0.0, 0.0)

    @property
    def sees_pictures(self) -> bool:
        """It looks at nothing."""
        return False

    async def stream(
        self,
        transcript: Transcript,  # noqa: ARG002 - the protocol's
        tools: Sequence[Tool],  # noqa: ARG002
        settings: Mapping[str, object],  # noqa: ARG002
    ) -> AsyncGenerator[Delta]:
        """Answer with the fixed text."""
        text = f"[stub] The model {self._name!r} answers every question with this text; no model was asked."
        yield Delta(text=text)
        yield Delta(usage=Usage(is_estimate=True), finish_reason="stop")
