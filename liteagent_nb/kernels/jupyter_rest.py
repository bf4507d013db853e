"""The REST side of a Jupyter server: one client whose token goes to that server and to nobody else."""

from __future__ import annotations

import asyncio
import contextlib
import json
from http import HTTPStatus
from typing import TYPE_CHECKING

import aiohttp
from yarl import URL

from liteagent_nb.core.errors import ConfigError, ExecError

if TYPE_CHECKING:
    from types import SimpleNamespace

__all__ = ["JupyterServer", "token_of"]

_MAX_MESSAGE_BYTES = 256 << 20
"""A picture of 20 MB is 27 MB on the wire; beyond this the websocket is closed."""
_HEARTBEAT_S = 30.0
_TIMES = aiohttp.ClientTimeout(total=180, sock_connect=10)
"""A pod may take two minutes to be there."""
_CLOSE_WITHIN_S = 2.0
_END_AGAIN_S = (0.2, 0.5, 1.0, 2.0, 4.0)
"""A server answers 500 while it starts the kernel again that has just died."""


class JupyterServer:
    """A Jupyter Server, Kernel Gateway or Enterprise Gateway. Opens nothing until it is asked."""

    def __init__(self, url: str, token: str = "") -> None:
        self._base = _base_of(url)
        self._token = token
        self._session: aiohttp.ClientSession | None = None

    @property
    def name(self) -> str:
        """The server as it is named to people: no user, no token."""
        return f"the Jupyter server at {self._base}"

    async def ask(self, method: str, path: str, body: object = None) -> object:
        """Return what the server answers; None where that is nothing. Raises `ExecError`, `ConfigError` for 401/403."""
        status, reason, text = await self._exchange(method, path, body)
        if status >= HTTPStatus.BAD_REQUEST:
            raise self._refusal(status, _reason(text) or reason)
        try:
            return json.loads(text) if text else None
        except ValueError:
            raise ExecError(
                f"{self.name} answers with something else than JSON",
                hint="is this the address of a Jupyter server? a base_url of its own belongs into the address",
            ) from None

    async def end(self, kernel_id: str) -> None:
        """End a kernel. Where the server is gone or has forgotten it, there is nothing left to end."""
        with contextlib.suppress(ExecError):
            for wait_s in _END_AGAIN_S:
                status, _, _ = await self._exchange("DELETE", f"api/kernels/{kernel_id}", None)
                if status < HTTPStatus.INTERNAL_SERVER_ERROR:
                    return
                await asyncio.sleep(wait_s)

    async def channels(self, kernel_id: str, *, session_id: str, protocol: str) -> aiohttp.ClientWebSocketResponse:
        """Open the kernel's websocket. Raises `ExecError`, `ConfigError` for 401/403."""
        url = (self._base / "api/kernels" / kernel_id / "channels").with_query(session_id=session_id)
        try:
            return await self._opened().ws_connect(
                url.with_scheme({"https": "wss"}.get(url.scheme, "ws")),
                protocols=[protocol],
                max_msg_size=_MAX_MESSAGE_BYTES,
                heartbeat=_HEARTBEAT_S,
                timeout=aiohttp.ClientWSTimeout(ws_close=_CLOSE_WITHIN_S),
            )
        except aiohttp.WSServerHandshakeError as error:
            raise self._refusal(error.status, error.message) from None
        except (aiohttp.ClientError, TimeoutError) as error:
            raise self.unreachable(error) from None

    async def aclose(self) -> None:
        """Close all connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def unreachable(self, error: BaseException) -> ExecError:
        """Return what to raise where the connection fails."""
        return ExecError(f"{self.name} cannot be reached: {_told(error)}", hint="is it running, and is that its URL?")

    async def _exchange(self, method: str, path: str, body: object) -> tuple[int, str, str]:
        """Return status, reason and text."""
        try:
            async with self._opened().request(method, self._base / path, json=body) as response:
                return response.status, response.reason or "", await response.text(errors="replace")
        except (aiohttp.ClientError, TimeoutError) as error:
            raise self.unreachable(error) from None

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            refusing = aiohttp.TraceConfig()
            refusing.on_request_redirect.append(self._refuse_redirect)
            self._session = aiohttp.ClientSession(
                timeout=_TIMES,
                headers={"Authorization": f"token {self._token}"} if self._token else {},
                cookie_jar=aiohttp.DummyCookieJar(),
                trace_configs=[refusing],
            )
        return self._session

    async def _refuse_redirect(
        self, _session: aiohttp.ClientSession, _context: SimpleNamespace, told: aiohttp.TraceRequestRedirectParams
    ) -> None:
        """A hook, because the websocket's handshake has no switch for it."""
        told.response.close()
        raise ExecError(
            f"{self.name} redirects elsewhere, which is not followed", hint="give the address that it redirects to"
        )

    def _refusal(self, status: int, reason: str) -> ExecError | ConfigError:
        said = f"{self.name} says {status} {reason}".rstrip()
        if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            return ConfigError(said, hint="is the token right? it is taken from MINI_AGENT_GATEWAY_TOKEN")
        if status == HTTPStatus.NOT_FOUND:
            return ExecError(said, hint="is this the address of a Jupyter server, its base_url included?")
        return ExecError(said, hint="its log says more")


def token_of(url: str) -> str:
    """Return the token in *url*: people paste the address that Jupyter prints."""
    try:
        return URL(url.strip()).query.get("token", "")
    except ValueError:
        return ""


def _told(error: BaseException) -> str:
    """Return one line on a failed connection; aiohttp's own may be empty or name the whole URL."""
    cause = getattr(error, "os_error", None) or error
    if isinstance(cause, asyncio.TimeoutError):
        return "no answer in time"
    return (getattr(cause, "strerror", None) or type(cause).__name__).splitlines()[0]


def _base_of(url: str) -> URL:
    try:
        base = URL(url.strip()).with_query(None).with_fragment(None).with_user(None)
    except ValueError:
        base = URL()
    if base.scheme not in {"http", "https"} or not base.host:
        raise ConfigError("a gateway is given by its URL", hint="http://127.0.0.1:8888, for instance")
    return base


def _reason(text: str) -> str:
    """Return the server's own words, where it says some in JSON."""
    try:
        told = json.loads(text)
    except ValueError:
        return ""
    if not isinstance(told, dict):
        return ""
    return " ".join(str(told.get("reason") or told.get("message") or "").split())[:300]
