"""WhileThere: work for a client that is given up when the client goes away."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from liteagent_nb.services.answers import ClientGone

if TYPE_CHECKING:
    from starlette.types import Receive

__all__ = ["WhileThere"]


class WhileThere:
    """`async with WhileThere(receive):` cancels its block and raises `ClientGone` when the client has gone.

    The request's body must have been read before.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._is_gone = False

    async def __aenter__(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._working = task
        self._listening = asyncio.create_task(self._listen())

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._listening.cancel()
        if not self._is_gone:
            return
        # As in asyncio.timeout: when somebody else cancelled, too, theirs goes on.
        if self._working.uncancel() == 0 and (kind is None or issubclass(kind, asyncio.CancelledError)):
            raise ClientGone from None

    async def _listen(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._is_gone = True
        self._working.cancel()
