"""Chat messages at the door, for every route that takes them."""

from __future__ import annotations

from liteagent_nb.services.kinds import OBJECT, TEXT, either, list_of, object_of, one_of, or_null

__all__ = ["MESSAGES"]

_PART = object_of("a part with its `type`", "type", type=TEXT)
_CONTENT = or_null(either(TEXT, list_of(_PART), OBJECT))
_MESSAGE = object_of(
    "a message with its `role` (system, developer, user, assistant, tool), `content` and `tool_calls`",
    "role",
    role=one_of("system", "developer", "user", "assistant", "tool"),
    content=_CONTENT,
    tool_calls=or_null(list_of(OBJECT)),
    tool_call_id=or_null(TEXT),
    name=or_null(TEXT),
)

MESSAGES = list_of(_MESSAGE, least=1)
"""A conversation. Pictures and other parts pass through; what a part holds is for the model to say."""
