"""The JSON schemas of the agent proxy's bodies and answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from liteagent_nb.core.steps import AnswerSource, StopReason
from liteagent_nb.services.agent_frames import AGENT_EVENTS
from liteagent_nb.services.agent_requests import RUN_KINDS
from liteagent_nb.services.kinds import fields_of
from liteagent_nb.services.openai_fields import CHAT_KINDS
from liteagent_nb.services.schema_words import COUNT, FLAG, SECONDS, TEXT, every, maybe, with_fields
from liteagent_nb.services.tools_wire import schemas as tool_schemas

if TYPE_CHECKING:
    from collections.abc import Sequence

    from liteagent_nb.core.tools import Tool

__all__ = ["CHUNKS", "EVENTS", "schemas"]

_OBJECTS: dict[str, Any] = {"type": "array", "items": {"type": "object"}}

EVENTS: dict[str, Any] = {
    "type": "object",
    "required": ["event", "data"],
    "properties": {
        "event": {"enum": list(AGENT_EVENTS)},
        "data": {"type": "string", "contentMediaType": "application/json"},
    },
}
"""The events of a run, named as in `core/steps.py`; the data of `RunDone` is a Run, that of `error` an Error."""

CHUNKS: dict[str, Any] = {
    "type": "object",
    "required": ["data"],
    "properties": {"data": {"type": "string", "contentMediaType": "application/json"}},
}
"""OpenAI's `chat.completion.chunk`, and `[DONE]`."""

_HTTP_TOOLS_HAVE_AN_ADDRESS = {
    "if": {"properties": {"tool_backend": {"const": "http"}}, "required": ["tool_backend"]},
    "then": {"required": ["tool_http_base_url"]},
}


def schemas(tools: Sequence[Tool]) -> dict[str, dict[str, object]]:
    """Return the components by name; *tools* are what may be called."""
    return {
        "RunRequest": {**fields_of(RUN_KINDS, required=("messages",)), **_HTTP_TOOLS_HAVE_AN_ADDRESS},
        "ChatRequest": fields_of(CHAT_KINDS, required=("messages",)),
        **_ANSWERS,
        **{name: schema for name, schema in tool_schemas(tools).items() if name not in {"Health", "Ready"}},
    }


_INVOCATION = every(
    call_index=COUNT,
    name=TEXT,
    tool_call_id=TEXT,
    arguments={"type": ["object", "string"]},
    ok=FLAG,
    rc=maybe("integer"),
    stdout=TEXT,
    stderr=TEXT,
    result={},
    error=maybe("string"),
    t_ms=SECONDS,
)

_ANSWERS: dict[str, dict[str, object]] = {
    "Done": every(ok={"const": True}),
    "Run": with_fields(
        "ok final_answer final_answer_source stopped_reason stop_detail messages metrics usage",
        ok={"const": True},
        final_answer=TEXT,
        final_answer_source={"enum": list(get_args(AnswerSource))},
        stopped_reason={"enum": list(get_args(StopReason))},
        stop_detail=TEXT,
        messages=_OBJECTS,
        metrics=every(
            iterations=COUNT, escalated=FLAG, used_model=TEXT, ttotal_ms=SECONDS, model_calls=COUNT, tool_calls=COUNT
        ),
        usage=every(
            prompt_tokens=COUNT,
            completion_tokens=COUNT,
            total_tokens=COUNT,
            cost_usd={**maybe("number"), "description": "Null where nobody knows the price"},
            is_estimate=FLAG,
        ),
        last_tool_invocation=_INVOCATION,
    ),
    "ChatCompletion": every(
        id=TEXT,
        object={"const": "chat.completion"},
        created=COUNT,
        model=TEXT,
        choices=_OBJECTS,
        usage=every(prompt_tokens=COUNT, completion_tokens=COUNT, total_tokens=COUNT),
        liteagent={"type": "object", "description": "Why the run ended, and how many steps and calls it took"},
    ),
    "Models": every(object={"const": "list"}, data=_OBJECTS),
    "OpenAIError": every(
        error=every(message=TEXT, type=TEXT, param=maybe("string"), code=maybe("string")),
    ),
}
