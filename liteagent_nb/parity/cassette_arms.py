"""A recording as an arm: it is asked what is on it, and plays it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from liteagent_nb.cassettes.streams import read_stream
from liteagent_nb.core.chat import Transcript
from liteagent_nb.core.errors import CassetteMiss, ConfigError
from liteagent_nb.parity.arms import Arm, Prompt

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from liteagent_nb.cassettes.cassette import Cassette
    from liteagent_nb.cassettes.tracks import Take
    from liteagent_nb.core.streaming import Delta

__all__ = ["cassette_arm"]


def cassette_arm(cassette: Cassette, name: str) -> Arm:
    """Return the replies of *cassette* as an arm, found by their messages: models and settings may differ.

    Each take is a prompt of its own. Raises `ConfigError` where it holds no reply.
    """
    takes = _takes_of(cassette)
    if not takes:
        hint = "record a model's answer: %agent cassette record"
        raise ConfigError(f"{cassette.source} holds no reply of a model", hint=hint)

    async def ask(prompt: Prompt) -> AsyncIterator[Delta]:
        found = takes.get(prompt.id) or takes.get(Prompt.of(prompt.transcript).id)
        if found is None:
            raise CassetteMiss(f"{name} has no answer to {prompt.id}", hint="record the same questions on both")
        return _played(found[1])

    return Arm(name, ask, is_exact=True, is_timed=False, prompts=tuple(prompt for prompt, _ in takes.values()))


def _takes_of(cassette: Cassette) -> dict[str, tuple[Prompt, Take]]:
    takes: dict[str, tuple[Prompt, Take]] = {}
    for track in cassette.tracks.of("model"):
        asked = Prompt.of(Transcript(tuple(cast("Sequence[dict[str, object]]", track.request.content["messages"]))))
        for take in track.takes:
            prompt = Prompt(_free(asked.id, takes), asked.transcript)
            takes[prompt.id] = (prompt, take)
    return takes


def _free(name: str, taken: Mapping[str, object]) -> str:
    """Return *name*, with a number where the same was asked before."""
    names = (name if number == 1 else f"{name}.{number}" for number in range(1, len(taken) + 2))
    return next(one for one in names if one not in taken)


async def _played(take: Take) -> AsyncIterator[Delta]:
    for piece in read_stream(cast("Sequence[Mapping[str, Any]]", take["stream"])):
        yield piece.delta
