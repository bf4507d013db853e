"""HttpToolsInvoker: the far Invoker. Tools are listed and called where a tools host is."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Self

from liteagent_nb.core.errors import ConfigError, LiteAgentError, ToolError
from liteagent_nb.core.tools import Observation
from liteagent_nb.tools._http_clients import new_clients
from liteagent_nb.tools._http_exchange import Exchange
from liteagent_nb.tools._http_headers import headers_for, read_url
from liteagent_nb.tools._http_listing import read_tools
from liteagent_nb.tools._http_results import read_observation

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import httpx

    from liteagent_nb.core.tools import Tool
    from liteagent_nb.tools._http_exchange import Answer

__all__ = ["CALL_TIMEOUT_S", "HttpToolsInvoker", "listed_as"]

CALL_TIMEOUT_S = 30.0
"""What a call gets where nobody says otherwise."""


class HttpToolsInvoker:
    """Lists and calls the tools of the host at *base_url*: `GET /tools`, and one `POST /invoke` for each call.

    *headers* are sent to that origin and nowhere else. Those of MINI_AGENT_TOOL_HTTP_HEADERS (JSON) come beside them
    where MINI_AGENT_TOOL_HTTP_ALLOW names the host. *timeout_s* is for a listing, and the most that a call gets. Opens
    nothing until it is asked for something. Raises `ConfigError` for what is no URL or no header.
    """

    def __init__(
        self, base_url: str, headers: Mapping[str, str] | None = None, timeout_s: float = CALL_TIMEOUT_S
    ) -> None:
        base = _base(base_url)
        self.base_url = str(base).rstrip("/")
        """Where the host is."""
        self._timeout_s = timeout_s
        self._clients = new_clients()
        self._host = Exchange(base, headers_for(base, headers), self._clients)

    def __repr__(self) -> str:
        return f"HttpToolsInvoker({self.base_url!r})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.aclose()

    @property
    def listed_as(self) -> str:
        """What its list of tools is called on a cassette."""
        return listed_as(self.base_url)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._clients.aclose()

    async def list_tools(self) -> Sequence[Tool]:
        """Return the tools of the host.

        Raises `ToolError` where it cannot be reached or fails, `ConfigError` where what answers is no list of tools.
        """
        try:
            return tuple(read_tools(await self._asked("GET", "/tools", None, self._timeout_s)))
        except TimeoutError:
            message = f"{self.base_url} did not list its tools within {self._timeout_s:g} s"
            raise ToolError(message, hint="does the tools host run there?") from None

    async def call_tool(
        self, name: str, arguments: Mapping[str, object], *, timeout_s: float | None = None
    ) -> Observation:
        """Call a tool; the smaller time limit holds, this invoker's or the call's.

        Whatever goes wrong, at the host or on the way, is an observation. Being cancelled closes the connection.
        """
        limit_s = self._timeout_s if timeout_s is None else min(timeout_s, self._timeout_s)
        try:
            content = json.dumps({"name": name, "arguments": dict(arguments)}, allow_nan=False).encode()
        except (TypeError, ValueError, RecursionError) as error:
            return Observation.failure(f"the arguments cannot be sent as JSON: {error}")
        clock = asyncio.get_running_loop().time
        started_s = clock()
        try:
            observation = read_observation(await self._asked("POST", "/invoke", content, limit_s))
        except TimeoutError:
            observation = Observation.failure(f"timeout after {limit_s:g}s", rc=-1)
        except LiteAgentError as error:
            observation = Observation.failure(f"{error} ({error.hint})")
        return observation if observation.t_ms else observation.timed((clock() - started_s) * 1000)

    async def _asked(self, method: str, path: str, content: bytes | None, limit_s: float) -> Answer:
        async with asyncio.timeout(limit_s):
            until_s = asyncio.get_running_loop().time() + limit_s
            return await self._host.ask(method, path, content, until_s=until_s)


def listed_as(base_url: str) -> str:
    """Return what a host is called on a cassette; where it is on this machine, its port does not count."""
    base = read_url(base_url)
    if base.host in {"localhost", "::1"} or base.host.startswith("127."):
        return "this machine"
    return f"{base.scheme}://{base.netloc.decode()}{base.path}".rstrip("/")  # without a name and a password


def _base(base_url: str) -> httpx.URL:
    """Return the URL of a host. Raises `ConfigError`, which shows nothing of what could be a secret in it."""
    base = read_url(base_url)
    if base.userinfo or base.query or base.fragment:
        message = f"the URL of {base.host} has more than an address: a name, a query or a fragment"
        raise ConfigError(message, hint="give the address alone; secrets go into headers")
    if base.scheme not in {"http", "https"} or not base.host:
        shown = "" if "@" in str(base_url) else f": {base_url!r:.80}"
        raise ConfigError(f"that is not the URL of a tools host{shown}", hint="such as http://127.0.0.1:8791")
    return base
