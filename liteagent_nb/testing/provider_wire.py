"""The bodies of OpenAI's chat API, as a strict provider reads and writes them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from liteagent_nb.core.chat import Reply, Transcript, Usage
from liteagent_nb.core.tools import Tool
from liteagent_nb.testing.script import Asked
from liteagent_nb.testing.validator import ProtocolViolation, check_request

if TYPE_CHECKING:
    from liteagent_nb.core.streaming import Delta

__all__ = ["asked_of", "check_body", "chunk_of", "completion_of", "error_body", "estimated", "usage_chunk"]

_NUMBER, _WHOLE, _FLAG, _TEXT, _OBJECT = (int, float), (int,), (bool,), (str,), (dict,)
_FIELDS: dict[str, tuple[type, ...]] = {
    "model": _TEXT,
    "messages": (list,),
    "tools": (list,),
    "tool_choice": (str, dict),
    "parallel_tool_calls": _FLAG,
    "stream": _FLAG,
    "stream_options": _OBJECT,
    "temperature": _NUMBER,
    "top_p": _NUMBER,
    "max_tokens": _WHOLE,
    "max_completion_tokens": _WHOLE,
    "n": _WHOLE,
    "stop": (str, list),
    "seed": _WHOLE,
    "presence_penalty": _NUMBER,
    "frequency_penalty": _NUMBER,
    "logit_bias": _OBJECT,
    "logprobs": _FLAG,
    "top_logprobs": _WHOLE,
    "response_format": _OBJECT,
    "reasoning_effort": _TEXT,
    "user": _TEXT,
    "metadata": _OBJECT,
    "service_tier": _TEXT,
    "store": _FLAG,
}
_ASKED_ELSEWHERE = {"model", "messages", "tools", "stream", "stream_options"}


def check_body(body: object) -> dict[str, object]:
    """Return the request's body; raises `ProtocolViolation` where a strict provider would refuse it."""
    if not isinstance(body, dict):
        raise ProtocolViolation("the body must be a JSON object")
    for name, value in body.items():
        if name not in _FIELDS:
            raise ProtocolViolation(f"Unknown parameter: '{name}'")
        if not isinstance(value, _FIELDS[name]) or (isinstance(value, bool) and bool not in _FIELDS[name]):
            raise ProtocolViolation(f"Invalid type for '{name}': {type(value).__name__}")
    for name in ("model", "messages"):
        if name not in body:
            raise ProtocolViolation(f"Missing required parameter: '{name}'")
    if "stream_options" in body and not body.get("stream"):
        raise ProtocolViolation("'stream_options' is only allowed when 'stream' is true")
    if "tools" not in body and (found := sorted({"tool_choice", "parallel_tool_calls"} & body.keys())):
        raise ProtocolViolation(f"'{found[0]}' is only allowed when 'tools' are specified")
    check_request(body["messages"], body.get("tools"))
    return body


def asked_of(body: Mapping[str, object]) -> Asked:
    """Return a checked body as the question it is."""
    messages, tools = body["messages"], body.get("tools", [])
    assert isinstance(messages, list)
    assert isinstance(tools, list)
    settings = {name: value for name, value in body.items() if name not in _ASKED_ELSEWHERE}
    return Asked(Transcript(tuple(messages)), tuple(_tool(tool["function"]) for tool in tools), settings)


def _tool(function: Mapping[str, object]) -> Tool:
    parameters = function.get("parameters")
    schema = parameters if isinstance(parameters, Mapping) else {"type": "object", "properties": {}}
    return Tool(str(function["name"]), str(function.get("description", "")), schema)


def chunk_of(delta: Delta, *, head: Mapping[str, object], is_first: bool) -> dict[str, object]:
    """Return one piece of a reply as a `chat.completion.chunk`."""
    content: dict[str, object] = {"role": "assistant", "content": ""} if is_first else {}
    if delta.text:
        content["content"] = delta.text
    if delta.reasoning:
        content["reasoning_content"] = delta.reasoning
    if delta.calls:
        content["content"] = None
        content["tool_calls"] = [
            _present(
                index=piece.index,
                id=piece.id or None,
                type="function" if piece.id else None,
                function=_present(name=piece.name or None, arguments=piece.arguments),
            )
            for piece in delta.calls
        ]
    choice = {"index": 0, "delta": content, "finish_reason": delta.finish_reason or None}
    return {**head, "object": "chat.completion.chunk", "choices": [choice]}


def _present(**fields: object) -> dict[str, object]:
    return {name: value for name, value in fields.items() if value is not None}


def usage_chunk(usage: Usage, *, head: Mapping[str, object]) -> dict[str, object]:
    """Return the last chunk of a stream that was asked for with `include_usage`."""
    return {**head, "object": "chat.completion.chunk", "choices": [], "usage": _usage(usage)}


def completion_of(reply: Reply, *, usage: Usage, head: Mapping[str, object]) -> dict[str, object]:
    """Return a whole reply as a `chat.completion`."""
    choice = {"index": 0, "message": reply.to_message(), "finish_reason": reply.finish_reason, "logprobs": None}
    return {**head, "object": "chat.completion", "choices": [choice], "usage": _usage(usage)}


def _usage(usage: Usage) -> dict[str, object]:
    counts = {"prompt_tokens": usage.prompt_tokens, "completion_tokens": usage.completion_tokens}
    return {**counts, "total_tokens": usage.total_tokens}


def estimated(body: Mapping[str, object], *, reply_chars: int) -> Usage:
    """Return a provider's count of tokens where the script names none: four characters each."""
    return Usage(len(json.dumps(body["messages"])) // 4 or 1, reply_chars // 4 or 1)


def error_body(message: str, *, kind: str, code: str | None = None) -> dict[str, object]:
    """Return an error in OpenAI's shape."""
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}
