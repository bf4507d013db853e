"""What a router's stream reads, closed to its connection: litellm leaves one that was never read to the collector."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from liteagent_nb.models.router_core.calls import Call

__all__ = ["closed_through"]


def closed_through(source: Any, call: Call) -> Any:
    """Return *source*, a generator of the router's, whose closing reaches the connection of *call*.

    A generator that was never begun ends without running, and so without closing what it would have read.
    """
    if isinstance(source, AsyncGenerator):
        return _AsyncSource(source, call)
    return _Source(source, call) if isinstance(source, Generator) else source


class _Kept:
    def __init__(self, source: Any, call: Call) -> None:
        self._source, self._call = source, call

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)


class _AsyncSource(_Kept):
    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        return await self._source.__anext__()

    async def aclose(self) -> None:
        """Close the generator, and what it has not begun to read."""
        stream = self._call.unended  # held, as a generator that ends without running lets it go
        await self._source.aclose()
        if stream is self._call.unended is not None:
            await stream.aclose()


class _Source(_Kept):
    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Any:
        return next(self._source)

    def close(self) -> None:
        """Close the generator, and what it has not begun to read."""
        stream = self._call.unended
        self._source.close()
        if stream is self._call.unended is not None:
            stream.close()
