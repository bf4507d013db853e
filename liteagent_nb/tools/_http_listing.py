"""The tools that a host lists, read: nothing of it is believed unseen."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from liteagent_nb.core.errors import ConfigError
from liteagent_nb.core.text import clean
from liteagent_nb.core.tools import Tool
from liteagent_nb.tools._http_json import HINT, json_of, shown

if TYPE_CHECKING:
    from liteagent_nb.tools._http_exchange import Answer

__all__ = ["read_tools"]

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
"""What providers take."""
_DESCRIPTION_CHARS = 1024
_SCHEMA_KEYS = ("parameters", "inputSchema", "input_schema")

_Json: TypeAlias = Mapping[str, Any]


def read_tools(answer: Answer) -> list[Tool]:
    """Return the tools in *answer*: a list in OpenAI's or MCP's shape, or an object with it as `tools`.

    Raises `ConfigError` for anything else, for a name that no provider takes, and for a schema that is none.
    """
    said = json_of(answer)
    listed = said.get("tools") if isinstance(said, dict) else said
    if not isinstance(listed, list):
        raise ConfigError(f"what the host lists is no list of tools but {shown(said)}", hint=HINT)
    tools: dict[str, Tool] = {}
    for number, entry in enumerate(listed):
        tool = _tool(entry, f"tool {number + 1} of {len(listed)}")
        if tool.name in tools:
            raise ConfigError(f"the host lists {tool.name!r} twice", hint="a name must be a tool's own")
        tools[tool.name] = tool
    return list(tools.values())


def _tool(entry: object, place: str) -> Tool:
    said = entry.get("function", entry) if isinstance(entry, dict) else entry
    if not isinstance(said, dict) or not isinstance(name := said.get("name"), str):
        raise ConfigError(f"{place} has no name: {shown(entry)}", hint=HINT)
    if not _NAME.fullmatch(name):
        raise ConfigError(
            f"no model can be offered a tool named {name!r:.80}", hint="letters, digits, _ and -, at most 64"
        )
    description = said.get("description") or ""
    if not isinstance(description, str):
        raise ConfigError(f"the description of {name} is {shown(description)}, not text", hint="mend it at the host")
    own = entry.get("x-liteagent") if isinstance(entry, dict) else None
    return Tool(name, clean(description)[:_DESCRIPTION_CHARS], _schema(name, said), **_hints(own))


def _schema(name: str, said: _Json) -> dict[str, object]:
    """Return the schema of a tool's arguments. Raises `ConfigError` for one that no provider takes."""
    schema: Any = next((said[key] for key in _SCHEMA_KEYS if said.get(key)), {})
    properties = schema.get("properties") or {} if isinstance(schema, dict) else None
    if not isinstance(schema, dict) or not isinstance(properties, dict):
        wrong = "it is no object"
    elif schema.get("type", "object") != "object":
        wrong = f"its type is {shown(schema['type'])}, not object"
    elif not all(isinstance(inner, dict | bool) for inner in properties.values()):
        wrong = "a property is no schema"
    elif not _is_names(schema.get("required", []), properties):
        wrong = "what is required is not among the properties"
    elif not _is_sendable(schema):
        wrong = "it holds half characters, or too much within each other"
    else:
        return {**schema, "type": "object", "properties": properties}
    raise ConfigError(f"the schema of {name} is broken: {wrong}", hint="mend it at the host")


def _is_names(required: object, properties: _Json) -> bool:
    return isinstance(required, list) and all(isinstance(name, str) and name in properties for name in required)


def _is_sendable(schema: object) -> bool:
    try:
        json.dumps(schema, ensure_ascii=False).encode()
    except (UnicodeEncodeError, RecursionError):
        return False
    return True


def _hints(own: object) -> dict[str, Any]:
    """Return what a host of this package says of a tool beside its schema."""
    if not isinstance(own, dict):
        return {}
    hints = dict(own)
    run_alone, timeout_s = hints.pop("run_alone", False) is True, hints.pop("timeout_s", None)
    is_limit = isinstance(timeout_s, int | float) and timeout_s > 0
    return {"run_alone": run_alone, "timeout_s": float(timeout_s) if is_limit else None, "hints": hints}
