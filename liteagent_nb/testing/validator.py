"""The rules that real chat providers refuse requests by, as one check."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

__all__ = ["ProtocolViolation", "check_request"]

_TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")

_FIELDS = {
    "system": {"role", "content", "name"},
    "developer": {"role", "content", "name"},
    "user": {"role", "content", "name"},
    "assistant": {"role", "content", "name", "tool_calls", "refusal"},
    "tool": {"role", "content", "name", "tool_call_id"},
}
_HEAD_ROLES = ("system", "developer")
_PART_FIELDS = {
    "text": "text",
    "image_url": "image_url",
    "input_audio": "input_audio",
    "file": "file",
    "refusal": "refusal",
}


_USER_PARTS = frozenset({"image_url", "input_audio", "file"})
_PICTURE_URL = re.compile(r"https?://|data:image/[\w.+-]+;base64,")


class ProtocolViolation(ValueError):
    """A request that a strict provider answers with status 400; the message names the place and the rule."""


def check_request(messages: object, tools: object = None) -> None:
    """Raise `ProtocolViolation` where a strict provider would refuse this request.

    *messages* and *tools* are as they go over the wire (OpenAI's shape); *tools* is None where the field is left out.
    """
    found = next(_violations(messages, tools), None)
    if found:
        raise ProtocolViolation(found)


def _violations(messages: object, tools: object) -> Iterator[str]:
    yield from _unsendable(messages, "messages")
    yield from _unsendable(tools, "tools")
    if not isinstance(messages, list | tuple) or not messages:
        yield "messages: must be a list that is not empty"
        return
    for position, message in enumerate(messages):
        yield from _message_violations(message, f"messages[{position}]")
    yield from _order_violations(messages)
    yield from _answer_violations(messages)
    if tools is not None:
        yield from _tools_violations(tools)


def _unsendable(thing: object, place: str) -> Iterator[str]:
    """Tell what cannot be written as JSON in UTF-8: objects, NaN, endless nesting, half surrogate pairs."""
    try:
        json.dumps(thing, allow_nan=False, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        yield f"{place}: holds a lone surrogate, which UTF-8 cannot carry"
    except (TypeError, ValueError, RecursionError) as error:
        yield f"{place}: is no JSON: {error}"


def _message_violations(message: object, place: str) -> Iterator[str]:
    if not isinstance(message, Mapping):
        yield f"{place}: must be an object"
        return
    role = message.get("role")
    if not isinstance(role, str) or role not in _FIELDS:
        yield f"{place}.role: {role!r} is none of {', '.join(_FIELDS)}"
        return
    if unknown := sorted(str(name) for name in message if name not in _FIELDS[role]):
        yield f"{place}: unknown fields for role {role!r}: {', '.join(unknown)}"
    if not isinstance(message.get("name", ""), str):
        yield f"{place}.name: must be text"
    if role == "tool" and not (isinstance(message.get("tool_call_id"), str) and message["tool_call_id"]):
        yield f"{place}.tool_call_id: is missing"
    yield from _content_violations(message, place)
    if "tool_calls" in message:
        yield from _calls_violations(message["tool_calls"], f"{place}.tool_calls")


def _content_violations(message: Mapping[str, object], place: str) -> Iterator[str]:
    content = message.get("content")
    if isinstance(content, str):
        return
    if content is None:
        if message["role"] != "assistant" or not message.get("tool_calls"):
            yield f"{place}.content: may only be null beside tool_calls"
        return
    if not isinstance(content, list | tuple) or not content:
        yield f"{place}.content: must be text, null or a list of parts that is not empty"
        return
    for index, part in enumerate(content):
        kind = part.get("type") if isinstance(part, Mapping) else None
        field = _PART_FIELDS.get(kind) if isinstance(kind, str) else None
        if field is None:
            yield f"{place}.content[{index}]: is no known part (type {kind!r})"
        elif not isinstance(part.get(field), str if field in {"text", "refusal"} else Mapping):
            yield f"{place}.content[{index}].{field}: is missing or of a wrong type"
        elif kind in _USER_PARTS and message["role"] != "user":
            yield f"{place}.content[{index}]: a part of type {kind!r} may only stand in a user message"
        elif kind == "image_url" and not _is_picture_url(part["image_url"].get("url")):
            yield f"{place}.content[{index}].image_url.url: must be an http(s) address or a data URL of an image"


def _is_picture_url(url: object) -> bool:
    return isinstance(url, str) and bool(_PICTURE_URL.match(url))


def _calls_violations(calls: object, place: str) -> Iterator[str]:
    if not isinstance(calls, list | tuple) or not calls:
        yield f"{place}: must be a list that is not empty; leave it out where there are no calls"
        return
    seen: set[str] = set()
    for index, call in enumerate(calls):
        yield from _call_violations(call, f"{place}[{index}]")
        call_id = call.get("id") if isinstance(call, Mapping) else None
        if isinstance(call_id, str) and call_id in seen:
            yield f"{place}[{index}].id: {call_id!r} is there twice"
        seen.add(str(call_id))


def _call_violations(call: object, place: str) -> Iterator[str]:
    if not isinstance(call, Mapping):
        yield f"{place}: must be an object"
        return
    if not (isinstance(call.get("id"), str) and call["id"]):
        yield f"{place}.id: is missing"
    if call.get("type") != "function":
        yield f"{place}.type: must be 'function'"
    function = call.get("function")
    if not isinstance(function, Mapping):
        yield f"{place}.function: is missing"
        return
    yield from _name_violations(function.get("name"), f"{place}.function.name")
    if not _is_object_text(function.get("arguments")):
        yield f"{place}.function.arguments: must be the text of a JSON object"


def _name_violations(name: object, place: str) -> Iterator[str]:
    if not isinstance(name, str) or not _TOOL_NAME.fullmatch(name):
        yield f"{place}: {name!r} does not match ^[a-zA-Z0-9_-]{{1,64}}$"


def _is_object_text(text: object) -> bool:
    if not isinstance(text, str):
        return False
    try:
        return isinstance(json.loads(text, parse_constant=_no_constant), dict)
    except (ValueError, RecursionError):
        return False


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is no JSON")


def _role(message: object) -> object:
    return message.get("role") if isinstance(message, Mapping) else None


def _order_violations(messages: Sequence[object]) -> Iterator[str]:
    roles = [_role(message) for message in messages]
    if "user" not in roles:
        yield "messages: there must be a user message"
    if roles[-1] == "assistant":
        yield f"messages[{len(roles) - 1}]: the last message must not be the assistant's"
    for position, (before, role) in enumerate(pairwise(roles), start=1):
        if role in _HEAD_ROLES and before not in _HEAD_ROLES:
            yield f"messages[{position}]: a {role} message may only stand at the start"
        if before == role == "assistant":
            yield f"messages[{position}]: two assistant messages in a row"


def _answer_violations(messages: Sequence[object]) -> Iterator[str]:
    """Tell which calls are not answered exactly once and directly after, and which answers nobody asked for."""
    open_ids: list[str] = []
    for position, message in enumerate(messages):
        if _role(message) == "tool":
            call_id = message.get("tool_call_id") if isinstance(message, Mapping) else None
            if call_id not in open_ids:
                yield f"messages[{position}]: no open call has the id {call_id!r}"
            else:
                open_ids.remove(str(call_id))
            continue
        if open_ids:
            yield f"messages[{position}]: calls before it have no answer: {', '.join(open_ids)}"
        open_ids = _call_ids(message)
    if open_ids:
        yield f"messages: calls at the end have no answer: {', '.join(open_ids)}"


def _call_ids(message: object) -> list[str]:
    calls = message.get("tool_calls") if isinstance(message, Mapping) else None
    if not isinstance(calls, list | tuple):
        return []
    return [str(call.get("id")) for call in calls if isinstance(call, Mapping)]


def _tools_violations(tools: object) -> Iterator[str]:
    if not isinstance(tools, list | tuple) or not tools:
        yield "tools: must be a list that is not empty; leave it out where there are no tools"
        return
    seen: set[str] = set()
    for index, tool in enumerate(tools):
        place = f"tools[{index}]"
        function = tool.get("function") if isinstance(tool, Mapping) else None
        if not isinstance(tool, Mapping) or tool.get("type") != "function" or not isinstance(function, Mapping):
            yield f"{place}: must be an object of type 'function'"
            continue
        yield from _tool_violations(tool, function, place)
        if str(function.get("name")) in seen:
            yield f"{place}.function.name: {function.get('name')!r} is there twice"
        seen.add(str(function.get("name")))


def _tool_violations(tool: Mapping[str, object], function: Mapping[str, object], place: str) -> Iterator[str]:
    unknown = [*(set(tool) - {"type", "function"}), *(set(function) - {"name", "description", "parameters", "strict"})]
    if unknown:
        yield f"{place}: unknown fields: {', '.join(sorted(map(str, unknown)))}"
    yield from _name_violations(function.get("name"), f"{place}.function.name")
    if not isinstance(function.get("description", ""), str):
        yield f"{place}.function.description: must be text"
    yield from _schema_violations(function.get("parameters", {"type": "object"}), f"{place}.function.parameters")


def _schema_violations(schema: object, place: str) -> Iterator[str]:
    if not isinstance(schema, Mapping) or schema.get("type") != "object":
        yield f"{place}: must be a JSON schema of type 'object'"
        return
    properties, required = schema.get("properties", {}), schema.get("required", [])
    if not isinstance(properties, Mapping) or not all(isinstance(value, Mapping) for value in properties.values()):
        yield f"{place}.properties: must map names to schemas"
        return
    if not isinstance(required, list | tuple) or not set(map(str, required)) <= set(properties):
        yield f"{place}.required: must be a list of names in properties"
