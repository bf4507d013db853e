"""Whether litellm still has what the direct path needs of it once a request is on its way."""

from __future__ import annotations

import functools

from liteagent_nb.models.direct.errors import broken_transport, refused
from liteagent_nb.models.direct.request import DirectRequest
from liteagent_nb.models.direct.usage import told
from liteagent_nb.models.quiet_litellm import inside_litellm, ssl_context

__all__ = ["self_test"]

_REQUEST = DirectRequest("http://127.0.0.1/v1", {}, b"", 1.0, "gpt-4o-mini", [])


@functools.cache
def self_test() -> None:
    """Raise where something is missing or says something else: then litellm has to send requests itself."""
    usage = told({"prompt_tokens": 2, "completion_tokens": 3, "total_tokens": 5})
    refusal = refused(429, [("retry-after", "7")], b'{"error": {"message": "no"}}', request=_REQUEST)
    late = broken_transport(TimeoutError(), model=_REQUEST.model, url=_REQUEST.url)
    as_expected = (
        (usage.prompt_tokens, usage.completion_tokens) == (2, 3),
        getattr(refusal, "status_code", None) == 429,  # noqa: PLR2004 - HTTP
        "no" in str(refusal),
        "timed out" in str(late),
        inside_litellm.map_finish_reason("stop") == "stop",
        inside_litellm.REPEATED_STREAMING_CHUNK_LIMIT > 1,
        callable(inside_litellm.stream_chunk_builder),
        inside_litellm.ModelResponseStream is not None,
        ssl_context() is not None,
    )
    if not all(as_expected):
        raise LookupError(f"litellm answers otherwise than expected: {as_expected}")
