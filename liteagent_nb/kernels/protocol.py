"""ContextExecutor: what %exec, the HTTP service and the agent's tools see, near and far alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

    from liteagent_nb.core.execution import ExecResult, OutputWatcher

__all__ = ["ContextExecutor", "ContextState", "ContextStatus", "LanguageStatus"]

ContextState: TypeAlias = Literal["starting", "idle", "busy", "dead"]


@dataclass(frozen=True, slots=True)
class ContextStatus:
    """A context as it is now."""

    id: str
    language: str = "python"
    state: ContextState = "idle"
    pid: int | None = None
    """The kernel's process, where it is on this machine."""
    created_at: str = ""
    """ISO 8601, UTC."""
    executions: int = 0
    queued: int = 0
    """How many executions wait behind the one that runs."""
    idle_s: float = 0.0
    """Seconds since the last execution ended."""


@dataclass(frozen=True, slots=True)
class LanguageStatus:
    """A language: whether this machine can run it, and with what."""

    name: str
    is_installed: bool
    version: str = ""
    """What runs it, as it says itself: `Python 3.12.1`."""
    keeps_state: bool = False
    """Whether a context of it keeps its variables: kernels do, programs do not."""
    aliases: tuple[str, ...] = ()


class ContextExecutor(Protocol):
    """An Executor with contexts. Without one, every execution is a fresh one."""

    async def execute(
        self,
        code: str,
        *,
        language: str = "python",
        timeout_s: float = 10.0,
        context: str = "",
        watch: OutputWatcher | None = None,
    ) -> ExecResult:
        """Run *code*, in *context* where one is named; its language counts then.

        Raises `UnknownContext`, `ConfigError` for an unknown language, `ExecBusy` where too much waits already, and
        `ExecError` where no code can be run. Being cancelled interrupts the code; the context survives.
        """

    async def create(self, language: str = "python", *, name: str = "") -> ContextStatus:
        """Open a context, under *name* or an id of its own. Raises `ConfigError` where the name is taken."""

    async def contexts(self) -> Sequence[ContextStatus]:
        """Return all open contexts."""

    async def interrupt(self, context: str) -> None:
        """Interrupt what runs in *context*; does nothing where nothing runs. Raises `UnknownContext`."""

    async def restart(self, context: str) -> ContextStatus:
        """Give *context* a new kernel; its state is gone. Raises `UnknownContext`."""

    async def close(self, context: str) -> None:
        """Close *context* and end its kernel. Raises `UnknownContext`."""

    async def languages(self) -> Sequence[LanguageStatus]:
        """Return the languages that are known, and which of them can be run."""

    async def aclose(self) -> None:
        """Close all contexts; no kernel is left."""
