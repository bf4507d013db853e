"""GatewayStarter: kernels on a Jupyter Server, a Kernel Gateway or an Enterprise Gateway, wherever that runs them."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from liteagent_nb import environment
from liteagent_nb.core.errors import ConfigError, ExecBusy, ExecError
from liteagent_nb.kernels.jupyter_rest import JupyterServer, token_of
from liteagent_nb.kernels.languages import find_language
from liteagent_nb.kernels.protocol import LanguageStatus
from liteagent_nb.kernels.websocket_connection import WebsocketConnection
from liteagent_nb.kernels.websocket_wire import V1

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

__all__ = ["GatewayStarter"]

T = TypeVar("T")

_FULL_AGAIN_S = 5.0


class GatewayStarter:
    """Starts kernels through a Jupyter server's REST interface and talks to them over its websocket.

    Without *token* it is that of *url* (`…/?token=…`) or of the environment. It is sent to that server only. Raises
    `ConfigError` where *url* is none.
    """

    def __init__(self, url: str, token: str = "") -> None:
        self._server = JupyterServer(url, token or token_of(url) or environment.text("MINI_AGENT_GATEWAY_TOKEN"))
        self._running: set[WebsocketConnection] = set()
        self._starting: set[asyncio.Task[object]] = set()

    async def start(self, language: str) -> WebsocketConnection:
        """Start a kernel. Cancelling the wait ends it as soon as the server has named it.

        Raises `ConfigError` for an unknown language or a wrong token, `ExecError` where it does not start.
        """
        starting = self._kept(self._start(language))
        try:
            return await asyncio.shield(starting)
        except asyncio.CancelledError:
            self._kept(_end_when_started(starting))
            raise

    async def languages(self) -> Sequence[LanguageStatus]:
        """Return the languages that the server has kernels for, its default first."""
        kernelspecs = await self._kernelspecs()
        languages = dict.fromkeys(kernelspec.language for kernelspec in kernelspecs)
        return [_status([it for it in kernelspecs if it.language == language]) for language in languages]

    async def aclose(self) -> None:
        """End every kernel that was started here; nothing else at the server is touched."""
        if self._starting:
            await asyncio.wait(self._starting)
        if self._running:
            await asyncio.wait([connection.end() for connection in self._running])
        self._running.clear()
        await self._server.aclose()

    def _kept(self, work: Coroutine[None, None, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(work)
        self._starting.add(task)
        task.add_done_callback(self._starting.discard)
        return task

    async def _start(self, language: str) -> WebsocketConnection:
        kernelspecs = await self._kernelspecs()
        named = [kernelspec for kernelspec in kernelspecs if kernelspec.name == language]
        speaking = [kernelspec for kernelspec in kernelspecs if kernelspec.speaks(language)]
        chosen = next(iter(named + speaking), None)
        if chosen is None:
            there_are = ", ".join(kernelspec.name for kernelspec in kernelspecs) or "none"
            raise ConfigError(
                f"{self._server.name} has no kernel for {language!r}", hint=f"its kernelspecs: {there_are}"
            )
        kernel_id = await self._post(chosen.name)
        try:
            websocket = await self._server.channels(kernel_id, session_id=uuid.uuid4().hex, protocol=V1)
        except BaseException:
            await self._server.end(kernel_id)
            raise
        connection = WebsocketConnection(self._server, kernel_id, websocket)
        self._running = {connection, *(other for other in self._running if not other.is_ended)}
        return connection

    async def _post(self, kernelspec: str) -> str:
        try:
            told = await self._server.ask("POST", "api/kernels", {"name": kernelspec})
        except ConfigError as refusal:  # the token was good enough to read the kernelspecs
            hint = "it may have reached its limit of kernels: close contexts that are not needed"
            raise ExecBusy(str(refusal), hint=hint, retry_after_s=_FULL_AGAIN_S) from None
        if not isinstance(told, dict) or not isinstance(told.get("id"), str):
            raise ExecError(f"{self._server.name} does not name the kernel that it started")
        return str(told["id"])

    async def _kernelspecs(self) -> list[_Kernelspec]:
        told = await self._server.ask("GET", "api/kernelspecs")
        specs = told.get("kernelspecs") if isinstance(told, dict) else None
        if not isinstance(told, dict) or not isinstance(specs, dict):
            raise ExecError(
                f"{self._server.name} lists no kernelspecs", hint="is this the address of a Jupyter server?"
            )
        default = str(told.get("default"))
        return [_Kernelspec.of(name, specs[name]) for name in sorted(specs, key=lambda name: (name != default, name))]


@dataclass(frozen=True, slots=True)
class _Kernelspec:
    name: str
    language: str
    display_name: str

    @classmethod
    def of(cls, name: str, told: object) -> _Kernelspec:
        spec = told.get("spec") if isinstance(told, dict) else None
        spec = spec if isinstance(spec, dict) else {}
        return cls(name, str(spec.get("language") or name).lower(), str(spec.get("display_name") or name))

    def speaks(self, language: str) -> bool:
        known = find_language(language)
        return (known.name if known else language.lower()) == self.language


def _status(kernelspecs: Sequence[_Kernelspec]) -> LanguageStatus:
    """Return the language that these kernelspecs have in common; the first is the one that runs it."""
    first, names = kernelspecs[0], tuple(kernelspec.name for kernelspec in kernelspecs)
    return LanguageStatus(
        first.language, is_installed=True, version=first.display_name, keeps_state=True, aliases=names
    )


async def _end_when_started(starting: asyncio.Task[WebsocketConnection]) -> None:
    with contextlib.suppress(ExecError, ConfigError):  # what did not start needs no end, and nobody waits for the news
        await (await starting).close()
