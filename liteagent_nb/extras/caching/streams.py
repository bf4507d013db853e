"""Streams through the cache: those that are recorded while they pass, and those that are played back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from liteagent_nb.extras.caching.records import Recording, piece_of, read_stream

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Self

__all__ = ["PlayedStream", "RecordedStream"]


class RecordedStream:
    """litellm's stream, with everything it has, whose pieces are noted; kept only where it comes to its end."""

    def __init__(
        self,
        stream: Any,
        *,
        keep: Callable[[bytes], None] | None = None,
        akeep: Callable[[bytes], Awaitable[None]] | None = None,
    ) -> None:
        self._stream = stream
        self._keep = keep
        self._akeep = akeep
        self._recording = Recording()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        """What it stands for: litellm asks its streams for their class."""
        return type(self._stream)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        try:
            piece = await anext(self._stream)
        except StopAsyncIteration:
            if self._akeep and (data := self._recorded()):
                await self._akeep(data)
            raise
        self._recording.note(piece)
        return piece

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Any:
        try:
            piece = next(self._stream)
        except StopIteration:
            if self._keep and (data := self._recorded()):
                self._keep(data)
            raise
        self._recording.note(piece)
        return piece

    def _recorded(self) -> bytes | None:
        """Return what was recorded, once: a stream may be asked again after its end."""
        recording, self._recording = self._recording, Recording()
        return recording.data(self._stream)


class PlayedStream:
    """A stream out of the cache, in the pieces that it once came in."""

    def __init__(self, data: bytes, *, key: str, is_async: bool) -> None:
        pieces, self._hidden_params = read_stream(data, key=key)
        self._pieces = iter(pieces)
        self.completion_stream = self if is_async else self._pieces
        """What it reads from, as litellm's streams name it: an async iterable, or a sync one."""
        self.chunks: list[Any] = []
        """What was given already, as litellm's streams keep it."""

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        """What it stands for: litellm asks its streams for their class."""
        import litellm  # noqa: PLC0415 - whoever has a router has loaded it already

        return litellm.CustomStreamWrapper  # type: ignore[no-any-return]

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        try:
            return next(self)
        except StopIteration:
            raise StopAsyncIteration from None

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Any:
        piece = piece_of(next(self._pieces), self._hidden_params)
        self.chunks.append(piece)
        return piece

    def close(self) -> None:
        """Give nothing more."""
        self._pieces = iter(())

    async def aclose(self) -> None:
        """Give nothing more."""
        self.close()
