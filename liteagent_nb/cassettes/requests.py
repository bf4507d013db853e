"""What is asked of a model, a tool or an executor, in the one form that a recording is found by."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

    from liteagent_nb.cassettes.masking import Mask
    from liteagent_nb.core.chat import Message, Transcript
    from liteagent_nb.core.tools import Tool

__all__ = ["Kind", "Request", "execution_request", "listing_request", "model_request", "secrets_in", "tool_request"]

Kind: TypeAlias = Literal["model", "tool", "execution", "listing"]

_HOW_IT_IS_SENT = frozenset(
    "api_base base_url api_version organization timeout request_timeout stream_timeout num_retries max_retries client "
    "http_client proxy ssl_verify metadata user deployment_id".split()
)
"""Parameters that say how a request travels, not what is asked: a recording is found without them."""
_SECRET = re.compile(
    r"(?:^|[_-])(?:key|token|secret|password|passwd|credentials?|auth|authorization|headers?|cookies?)$"
    r"|^(?:aws|azure|vertex|bedrock|sagemaker|watsonx)_",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Request:
    """Something asked: of which kind, of whom (a model, a tool, a language, a host), and what. Without secrets.

    Two requests are the same where their `key` is: the order of keys in mappings and in a call's JSON does not count.
    """

    kind: Kind
    name: str
    content: Mapping[str, object]

    @cached_property
    def key(self) -> str:
        """The fingerprint that a recording is found by."""
        text = json.dumps([self.kind, self.name, self.content], sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def model_request(
    name: str, transcript: Transcript, tools: Sequence[Tool], settings: Mapping[str, object], *, mask: Mask
) -> Request:
    """Return what a model is asked: messages, tools, and the parameters that shape its answer."""
    content = {
        "messages": [_message(message) for message in transcript],
        "tools": [_function(tool) for tool in tools],
        "settings": {key: value for key, value in settings.items() if not _is_left_out(key)},
    }
    return _request("model", name, content, mask)


def tool_request(name: str, arguments: Mapping[str, object], *, mask: Mask) -> Request:
    """Return what a tool is asked."""
    return _request("tool", name, {"arguments": arguments}, mask)


def execution_request(code: str, language: str, more: Mapping[str, object] | None = None, *, mask: Mask) -> Request:
    """Return what an executor is asked; *more* is what its result depends on beside the code."""
    return _request("execution", language, {"code": code, **(more or {})}, mask)


def listing_request(host: str, *, mask: Mask) -> Request:
    """Return what a host is asked that lists its tools."""
    return _request("listing", host, {}, mask)


def secrets_in(settings: Mapping[str, object]) -> Iterator[str]:
    """Yield the texts in *settings* that must be kept out of every recording: keys, tokens, headers."""
    for name, value in settings.items():
        if _SECRET.search(name):
            yield from _texts(value)


def _request(kind: Kind, name: str, content: Mapping[str, object], mask: Mask) -> Request:
    plain = _plain(content)
    assert isinstance(plain, dict)  # a mapping becomes one
    masked = mask(plain)
    assert isinstance(masked, dict)
    return Request(kind, name, masked)


def _is_left_out(name: str) -> bool:
    return name in _HOW_IT_IS_SENT or bool(_SECRET.search(name))


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
        yield from value.split()  # `Bearer KEY` is the key, too
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, Sequence):
        for inner in value:
            yield from _texts(inner)


def _message(message: Message) -> dict[str, object]:
    """Return a message with its calls' arguments read, so that the order of their keys does not count.

    Pictures go by their fingerprint: a recording is read by people.
    """
    content, calls = message.get("content"), message.get("tool_calls")
    told = {**message, "content": [_part(part) for part in content]} if isinstance(content, list) else message
    return {**told, "tool_calls": [_call(call) for call in calls]} if isinstance(calls, list) else told


def _part(part: object) -> object:
    address = part.get("image_url") if isinstance(part, Mapping) else None
    url = address.get("url") if isinstance(address, Mapping) else None
    if not isinstance(part, Mapping) or not isinstance(address, Mapping) or not isinstance(url, str):
        return part
    head, comma, body = url.partition(";base64,")
    if not comma or not head.startswith("data:"):
        return part
    return {**part, "image_url": {**address, "url": f"{head};sha256,{hashlib.sha256(body.encode()).hexdigest()}"}}


def _call(call: Mapping[str, Mapping[str, object]]) -> dict[str, object]:
    function = call["function"]
    return {"id": call["id"], "name": function["name"], "arguments": _read(str(function["arguments"]))}


def _read(arguments: str) -> object:
    try:
        return json.loads(arguments)
    except (ValueError, RecursionError):
        return arguments


def _function(tool: Tool) -> object:
    return {"name": tool.name, "description": tool.description, "parameters": tool.parameters}


def _plain(value: object) -> object:
    """Return *value* as JSON has it; what JSON does not have goes by its type's name, since a repr may vary."""
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return [_plain(inner) for inner in value]
    kind = value if isinstance(value, type) else type(value)
    return f"<{kind.__module__}.{kind.__qualname__}>"
