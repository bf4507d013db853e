"""The bytes of one answer: posted over a pooled connection, which ends with whoever reads."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

import aiohttp

from liteagent_nb.models.direct.errors import broken_transport, refused
from liteagent_nb.models.direct.pool import pooled_client
from liteagent_nb.models.quiet_litellm import ssl_context

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from liteagent_nb.models.direct.request import DirectRequest

__all__ = ["received"]

_OK = range(200, 300)


async def received(request: DirectRequest) -> AsyncGenerator[bytes]:
    """Send *request* and yield its answer's bytes as they come; raises litellm's errors, or `NoRoomToAnswer`.

    Closing it before the end closes the connection; at the end the connection goes back to the pool.
    """
    try:
        async with aclosing(_blocks(request)) as blocks:
            async for block in blocks:
                yield block
    except (aiohttp.ClientError, OSError) as error:  # time limits are OSErrors, too
        raise broken_transport(error, model=request.model, url=request.url) from None


async def _blocks(request: DirectRequest) -> AsyncGenerator[bytes]:
    client = await pooled_client()
    async with client.post(
        request.url,
        data=request.body,
        headers=request.headers,
        timeout=aiohttp.ClientTimeout(sock_connect=request.timeout_s, sock_read=request.timeout_s),
        ssl=ssl_context() if request.url.startswith("https:") else True,
    ) as response:
        if response.status not in _OK:
            raise refused(response.status, response.headers.items(), await response.read(), request=request)
        try:
            async for block in response.content.iter_any():
                yield block
        except aiohttp.ClientError:
            # aiohttp tells of a break before what came ahead of it: the end of the text would be lost.
            if came := b"".join(getattr(response.content, "_buffer", ())):
                yield came
            raise
