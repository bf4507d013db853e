"""Whether the installed litellm makes of a stream what the extracted core takes it to make."""

from __future__ import annotations

import datetime as dt
import functools
import json
from typing import TYPE_CHECKING, Any

import openai
from openai.types.chat import ChatCompletionChunk

from liteagent_nb.models.quiet_litellm import inside_litellm
from liteagent_nb.models.router_core.cover import why_handed_over
from liteagent_nb.models.router_core.host import StreamHost
from liteagent_nb.models.router_core.metrics import StreamMetrics
from liteagent_nb.models.router_core.pieces import is_same_chunk
from liteagent_nb.models.router_core.streams import ExtractedStream

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

__all__ = ["self_test"]

_MODEL = "gpt-4o-mini"
_PIECES = ("Hel", "lo", ' "w\\ö\n', "rld \N{GRINNING FACE}", "!")
_READ_BY_LITELLM = 2
"""Of one shape, the first two."""


def self_test() -> None:
    """Raise where litellm reads otherwise than expected: then it has to read alone."""
    StreamHost("extracted").invoke("acompletion")
    inside_litellm.Router.from_config  # noqa: B018 - older ones have none
    why_handed_over(_opened())
    metrics = StreamMetrics("extracted")
    ours, theirs = ExtractedStream(_opened(), metrics, set()), _opened()
    for _ in range(len(_PIECES) + 1):
        mine, other = _next_of(ours), _next_of(theirs)
        other.id, other.created = mine.id, mine.created  # the moment and the name of its making
        if not is_same_chunk(mine, other):
            raise LookupError(f"a chunk is {other!r}")
    if metrics.fast_pieces != len(_PIECES) - _READ_BY_LITELLM:
        raise LookupError(f"{metrics.fast_pieces} chunks are alike")


@functools.cache
def _client() -> openai.AsyncOpenAI:
    """Return a client that asks nobody; making one takes a tenth of a second."""
    return openai.AsyncOpenAI(api_key="none", base_url="http://127.0.0.1")


def _opened() -> Any:
    """Return a stream as litellm opens it, of an answer that has come."""
    answer: Any = _Answer()
    return inside_litellm.CustomStreamWrapper(
        completion_stream=openai.AsyncStream(cast_to=ChatCompletionChunk, response=answer, client=_client()),
        model=_MODEL,
        custom_llm_provider="openai",
        logging_obj=inside_litellm.litellm_core_utils.litellm_logging.Logging(
            model=_MODEL,
            messages=[],
            stream=True,
            call_type="acompletion",
            start_time=dt.datetime.now(tz=dt.UTC),
            litellm_call_id="self-test",
            function_id="self-test",
        ),
    )


class _Answer:
    """The answer of a server, all of it there."""

    http_version = "HTTP/1.1"

    async def aiter_bytes(self) -> AsyncGenerator[bytes]:
        yield b"".join(map(_event, ({"role": "assistant", "content": ""}, *({"content": text} for text in _PIECES))))

    async def aclose(self) -> None:
        pass


def _event(delta: dict[str, str]) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}
    chunk = {"id": "a", "object": "chat.completion.chunk", "created": 1, "model": _MODEL, "choices": [choice]}
    return f"data: {json.dumps(chunk)}\n\n".encode()


def _next_of(stream: Any) -> Any:
    """Return the next chunk of a stream that has nothing to wait for; there may be no loop here to wait in."""
    step = stream.__anext__()
    try:
        step.send(None)
    except StopIteration as done:
        return done.value
    raise LookupError("it waits where nothing is to be waited for")
