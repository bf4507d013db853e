"""HttpLink: an MCP server behind a URL, over streamable HTTP."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import httpx2
from mcp.client.streamable_http import streamable_http_client

from liteagent_nb.tools._mcp_config import filled_in
from liteagent_nb.tools._mcp_stdio import MAX_MESSAGE_BYTES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from mcp.client._transport import TransportStreams

    from liteagent_nb.tools._mcp_config import HttpServer

__all__ = ["HttpLink"]

_TIMEOUT = httpx2.Timeout(30.0, read=None)
"""A call has its own limit; the stream of a server that has nothing to say stays open."""
_REFUSED = 400


class HttpLink:
    """The connections to a server. Its headers go to the origin of its URL, wherever that redirects."""

    is_gone = False

    def __init__(self, server: HttpServer) -> None:
        self._server = server
        self._refusal = ""
        self.status = 0
        """That of the last refusal."""

    async def last_words(self) -> str:
        """Return the last refusal's status."""
        return self._refusal

    @contextlib.asynccontextmanager
    async def streams(self) -> AsyncIterator[TransportStreams]:
        """Give what reads and writes messages; the connections are closed when it is left."""
        headers = filled_in(self._server, self._server.headers)
        hooks = {"response": [self._look]}
        async with (
            httpx2.AsyncClient(headers=headers, timeout=_TIMEOUT, event_hooks=hooks) as client,
            # The SDK follows no redirect that leaves the origin.
            streamable_http_client(
                self._server.url, http_client=client, max_sse_event_size=MAX_MESSAGE_BYTES
            ) as streams,
        ):
            yield streams

    async def _look(self, response: httpx2.Response) -> None:
        if response.status_code >= _REFUSED:
            self.status = response.status_code
            self._refusal = f"it answered HTTP {response.status_code} {response.reason_phrase}"
