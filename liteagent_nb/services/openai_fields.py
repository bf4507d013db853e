"""The fields of a chat request in OpenAI's shape; those that we cannot keep the promise of are unknown here."""

from __future__ import annotations

from liteagent_nb.services.chat_messages import MESSAGES
from liteagent_nb.services.kinds import (
    FLAG,
    NUMBER,
    OBJECT,
    TEXT,
    TEXTS,
    WHOLE,
    Kind,
    above,
    either,
    list_of,
    map_of,
    matching,
    object_of,
    one_of,
    or_null,
)

__all__ = ["CHAT_KINDS", "FORWARDED"]

_COUNT = above(WHOLE, 1, with_bound=True)
_TOOL = object_of(
    "a tool of `type` function, its `function` with a `name`, `description` and `parameters`",
    "type function",
    type=one_of("function"),
    function=object_of(
        "a function",
        "name",
        name=matching(r"[a-zA-Z0-9_-]{1,64}", "a name"),
        description=or_null(TEXT),
        parameters=or_null(OBJECT),
    ),
)
_ONE = Kind("1: there is one answer at a time", {"type": "integer", "enum": [1]}, lambda v: v == 1 and v is not True)
_NO = Kind("false: no model's are known here", {"type": "boolean", "enum": [False]}, lambda value: value is False)

_FORWARDED: dict[str, Kind] = {
    "temperature": NUMBER,
    "top_p": NUMBER,
    "max_tokens": _COUNT,
    "max_completion_tokens": _COUNT,
    "stop": either(TEXT, TEXTS),
    "seed": WHOLE,
    "presence_penalty": NUMBER,
    "frequency_penalty": NUMBER,
    "logit_bias": map_of(NUMBER),
    "response_format": object_of("an object with its `type`", "type", type=TEXT),
    "reasoning_effort": TEXT,
    "verbosity": TEXT,
    "user": TEXT,
    "safety_identifier": TEXT,
    "prompt_cache_key": TEXT,
    "metadata": map_of(TEXT),
    "service_tier": TEXT,
    "store": FLAG,
    "tool_choice": either(one_of("none", "auto", "required"), OBJECT),
    "parallel_tool_calls": FLAG,
}
FORWARDED = tuple(_FORWARDED)
"""What the model is asked with."""

_OURS: dict[str, Kind] = {
    "model": TEXT,
    "stream": FLAG,
    "stream_options": object_of("an object", "", include_usage=FLAG),
    "tools": list_of(_TOOL),
    "n": _ONE,
    "logprobs": _NO,
    "modalities": list_of(one_of("text")),
}

CHAT_KINDS: dict[str, Kind] = {
    "messages": MESSAGES,
    **{name: or_null(kind) for name, kind in {**_OURS, **_FORWARDED}.items()},
}
"""Every field; null is as good as left out."""
