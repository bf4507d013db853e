"""The three sockets: Model answers, Invoker acts, Executor runs code. Everything else serves, wires or shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from liteagent_nb.core.chat import Price, Transcript
    from liteagent_nb.core.execution import ExecResult, OutputWatcher
    from liteagent_nb.core.streaming import Delta
    from liteagent_nb.core.tools import Observation, Tool

__all__ = ["Executor", "Invoker", "Model"]


@runtime_checkable
class Model(Protocol):
    """Answers a transcript."""

    @property
    def name(self) -> str:
        """The name it is asked for by, `openai/gpt-4o-mini` for instance."""

    @property
    def price(self) -> Price | None:
        """What a token costs; None where nobody knows."""

    def stream(
        self, transcript: Transcript, tools: Sequence[Tool], settings: Mapping[str, object]
    ) -> AsyncIterator[Delta]:
        """Answer piece by piece; a plain answer is a stream with one piece.

        *tools* may be empty. *settings* are sampling parameters (`temperature`, `max_tokens`, …). Closing the
        iterator ends the request. Raises `ConfigError` before anything is sent, `ModelError` after.
        """


@runtime_checkable
class Invoker(Protocol):
    """Lists tools and calls them."""

    async def list_tools(self) -> Sequence[Tool]:
        """Return the tools on offer."""

    async def call_tool(self, name: str, arguments: Mapping[str, object], *, timeout_s: float) -> Observation:
        """Call *name*. A failure of the tool is an observation; being cancelled ends all that the call started."""


@runtime_checkable
class Executor(Protocol):
    """Runs code in a process of its own."""

    async def execute(
        self, code: str, *, language: str = "python", timeout_s: float = 10.0, watch: OutputWatcher | None = None
    ) -> ExecResult:
        """Run *code*; *watch* is told its outputs while they come.

        Failing code is a result, and so are a spent time limit and a kernel that died of it. Raises `ExecError` where
        no code can be run at all, `ConfigError` for a language that nobody knows. Cancelling interrupts the code.
        """
