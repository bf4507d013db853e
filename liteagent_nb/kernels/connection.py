"""KernelConnection: a kernel's channels, wherever it runs; KernelStarter: who starts them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Sequence

    from liteagent_nb.kernels.protocol import LanguageStatus

__all__ = ["Channel", "KernelConnection", "KernelStarter", "Message", "Receiver"]

Channel: TypeAlias = Literal["shell", "control", "iopub", "stdin"]

Message: TypeAlias = Mapping[str, object]
"""A message of the Jupyter protocol: `header`, `parent_header`, `metadata`, `content`, and perhaps `buffers`."""

Receiver: TypeAlias = Callable[[Channel, Message], None]
"""Is told every message as it comes; must not block."""


class KernelConnection(Protocol):
    """One running kernel: messages to it, messages from it, and its end."""

    @property
    def pid(self) -> int | None:
        """Its process, where that is on this machine."""

    @property
    def died(self) -> asyncio.Future[str]:
        """Done with one line on why, as soon as the kernel is gone by itself."""

    def listen(self, receiver: Receiver) -> None:
        """Tell *receiver* every message from now on."""

    async def send(self, channel: Channel, message: Message) -> None:
        """Send *message*, complete with its header. Raises `DeadKernel` where it cannot be sent."""

    async def interrupt(self) -> None:
        """Interrupt what runs, by a signal or a message, whatever this kernel listens to."""

    async def close(self) -> None:
        """End the kernel and all that it started; returns when it is gone."""


class KernelStarter(Protocol):
    """Starts kernels, on this machine or another."""

    async def start(self, language: str) -> KernelConnection:
        """Start a kernel. Its readiness is the caller's to ask.

        Raises `ConfigError` for an unknown language, `ExecError` where it does not start, with the end of its log.
        """

    async def languages(self) -> Sequence[LanguageStatus]:
        """Return the languages that there are kernels for."""

    async def aclose(self) -> None:
        """End everything that was started."""
