"""What a server says of its tools, mended while it arrives: one wrong schema must not cost all the others."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Self

from mcp.shared.message import SessionMessage
from mcp_types import JSONRPCResponse

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager
    from types import TracebackType

    from mcp.client._transport import ReadStream, TransportStreams

__all__ = ["mended_streams"]


@contextlib.asynccontextmanager
async def mended_streams(streams: AbstractAsyncContextManager[TransportStreams]) -> AsyncIterator[TransportStreams]:
    """Give the same streams; the lists of tools that come in are such as the SDK takes."""
    async with streams as (incoming, outgoing):
        yield _Mended(incoming), outgoing


class _Mended:
    """A stream of messages, as the SDK wants one."""

    def __init__(self, stream: ReadStream[SessionMessage | Exception]) -> None:
        self._stream = stream

    @property
    def last_context(self) -> Any:
        return getattr(self._stream, "last_context", None)

    async def receive(self) -> SessionMessage | Exception:
        return _mended(await self._stream.receive())

    async def aclose(self) -> None:
        await self._stream.aclose()

    def __aiter__(self) -> _Mended:
        return self

    async def __anext__(self) -> SessionMessage | Exception:
        return _mended(await self._stream.__anext__())

    async def __aenter__(self) -> Self:
        await self._stream.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stream.__aexit__(kind, error, trace)


def _mended(item: SessionMessage | Exception) -> SessionMessage | Exception:
    if isinstance(item, SessionMessage) and isinstance(item.message, JSONRPCResponse):
        result = item.message.result
        if isinstance(tools := result.get("tools"), list):
            result["tools"] = [_tool(tool) for tool in tools if isinstance(tool, dict) and _has_name(tool)]
    return item


def _has_name(tool: dict[str, Any]) -> bool:
    return isinstance(tool.get("name"), str) and bool(tool["name"])


def _tool(tool: dict[str, Any]) -> dict[str, Any]:
    """Return what a model needs of a tool; an `outputSchema` would only be held against its results."""
    described = {"description": tool["description"]} if isinstance(tool.get("description"), str) else {}
    return {"name": tool["name"], **described, "inputSchema": _schema(tool.get("inputSchema"))}


def _schema(schema: Any) -> dict[str, Any]:
    """Return a schema of type object: without one, a tool takes what it is given."""
    if not isinstance(schema, dict) or schema.get("type", "object") != "object":
        return {"type": "object", "properties": {}}
    mended = {**schema, "type": "object"}
    if not isinstance(mended.setdefault("properties", {}), dict):
        mended["properties"] = {}
    if not isinstance(required := mended.get("required", []), list) or not all(isinstance(n, str) for n in required):
        del mended["required"]
    return mended
