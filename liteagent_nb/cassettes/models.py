"""CassetteModel: a model that answers from a recording, and records the model behind it."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, cast

from liteagent_nb.cassettes.clock import TapeClock
from liteagent_nb.cassettes.requests import model_request, secrets_in
from liteagent_nb.cassettes.streams import Piece, read_stream, written_stream
from liteagent_nb.core.errors import CassetteMiss, ConfigError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping, Sequence

    from liteagent_nb.cassettes.cassette import Cassette
    from liteagent_nb.cassettes.requests import Request
    from liteagent_nb.cassettes.tracks import Take
    from liteagent_nb.core.chat import Price, Transcript
    from liteagent_nb.core.protocols import Model
    from liteagent_nb.core.streaming import Delta
    from liteagent_nb.core.tools import Tool

__all__ = ["CassetteModel"]


class CassetteModel:
    """Answers from *cassette*; what is not on it is asked of the model that *make* gives, unless it only replays.

    *make* is called at the first question that needs it: a replay needs no key, no network and no litellm. Without
    *name*, the one model that was recorded is meant. *clock* goes on by the times that are on the cassette.
    """

    def __init__(
        self,
        cassette: Cassette,
        name: str = "",
        make: Callable[[], Model] | None = None,
        *,
        clock: TapeClock | None = None,
    ) -> None:
        self._cassette = cassette
        self._clock = clock or TapeClock()
        self._name = name or _only_model(cassette)
        self._make = make
        self._model: Model | None = None
        self._is_being_made = False

    @property
    def name(self) -> str:
        """The name of the model that was recorded."""
        return self._name

    @property
    def price(self) -> Price | None:
        """What a token cost when it was recorded; of a model that was not recorded yet, what it costs now."""
        mode, prices = self._cassette.mode, self._cassette.tracks.prices
        if mode == "replay" or (mode == "auto" and self._name in prices):
            return prices.get(self._name)
        if self._is_being_made and self._model is None:
            return None
        return self._asked().price

    @property
    def sees_pictures(self) -> bool | None:
        """Whether the model was known to see when it was recorded; of one that was not recorded yet, whether it is."""
        mode, tracks = self._cassette.mode, self._cassette.tracks
        if mode == "replay" or (mode == "auto" and self._name in tracks.prices):
            return True if self._name in tracks.seeing else None
        return None if self._is_being_made and self._model is None else getattr(self._asked(), "sees_pictures", None)

    async def stream(
        self, transcript: Transcript, tools: Sequence[Tool], settings: Mapping[str, object]
    ) -> AsyncGenerator[Delta]:
        """Answer piece by piece. Raises `CassetteMiss` where nothing was recorded and nobody may be asked."""
        self._cassette.mask.add(secrets_in(settings))
        request = model_request(self._name, transcript, tools, settings, mask=self._cassette.mask)
        take = self._cassette.recorded(request)
        answer = self._record(request, transcript, tools, settings) if take is None else self._replay(take)
        async with aclosing(answer):
            async for delta in answer:
                yield delta

    async def _replay(self, take: Take) -> AsyncGenerator[Delta]:
        for piece in read_stream(cast("Sequence[Mapping[str, Any]]", take["stream"])):
            await asyncio.sleep(piece.ms / 1000 if self._cassette.real_time else 0)
            self._advance(piece)
            yield piece.delta
        if take.get("is_cut"):
            raise CassetteMiss(
                f"{self._cassette.source} has this answer of {self._name} only up to the limit that cut it off",
                hint="set the limit as it was, or record it anew",
            )

    async def _record(
        self, request: Request, transcript: Transcript, tools: Sequence[Tool], settings: Mapping[str, object]
    ) -> AsyncGenerator[Delta]:
        """Ask, and keep the answer once it is whole, or where a limit cut it; not one that broke off or was stopped."""
        model = await self._ready()
        pieces: list[Piece] = []
        clock = asyncio.get_running_loop().time
        started_s, told_ms = clock(), 0
        stream = cast("AsyncGenerator[Delta]", model.stream(transcript, tools, settings))
        try:
            async with aclosing(stream):
                async for delta in stream:
                    # Rounded from the start on: a thousand pieces of half a millisecond are half a second.
                    so_far_ms = round((clock() - started_s) * 1000)
                    pieces.append(Piece(delta, so_far_ms - told_ms))
                    told_ms = so_far_ms
                    self._advance(pieces[-1])
                    yield delta
        except GeneratorExit:  # whoever reads has enough: a limit of tokens or money, which will cut a replay as well
            self._keep(request, model, pieces, is_cut=True)
            raise
        self._keep(request, model, pieces)

    async def _ready(self) -> Model:
        """Return the model behind; making it may import litellm, which takes seconds: a stop is heard meanwhile."""
        self._is_being_made = self._model is None
        return await asyncio.to_thread(self._asked) if self._model is None else self._model

    def _keep(self, request: Request, model: Model, pieces: list[Piece], *, is_cut: bool = False) -> None:
        stream = written_stream(pieces, self._cassette.mask)
        self._cassette.tracks.prices[self._name] = model.price
        if getattr(model, "sees_pictures", None):
            self._cassette.tracks.seeing.add(self._name)
        self._cassette.record(request, {"stream": stream, "is_cut": True} if is_cut else {"stream": stream})

    def _advance(self, piece: Piece) -> None:
        self._clock.reach(self._clock() + piece.ms / 1000)

    def _asked(self) -> Model:
        if self._make is None:
            raise ConfigError(
                f"there is no model behind {self._cassette.source}", hint="open it with mode='replay', or give a model"
            )
        if self._model is None:
            self._model = self._make()
        return self._model


def _only_model(cassette: Cassette) -> str:
    names = sorted({track.request.name for track in cassette.tracks.of("model")})
    if len(names) != 1:
        held = f"replies of {', '.join(names)}" if names else "no reply of any model"
        raise ConfigError(
            f"{cassette.source} holds {held}", hint="name the model that is meant: CassetteModel(…, name)"
        )
    return names[0]
