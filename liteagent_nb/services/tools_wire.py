"""The bodies of the tools service: what a call says, read by hand, and what tools and results look like as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from liteagent_nb.services.answers import Refusal, json_bytes
from liteagent_nb.services.bodies import read_object, read_text, unfit
from liteagent_nb.services.schema_words import FLAG, SECONDS, TEXT, closed, every, maybe, ref, with_fields

if TYPE_CHECKING:
    from liteagent_nb.core.tools import Observation, Tool

__all__ = ["Invocation", "check_arguments", "read_invocation", "result_json", "schemas", "tool_json"]


@dataclass(frozen=True, slots=True)
class Invocation:
    """A tool to call."""

    name: str
    arguments: Mapping[str, object]


def read_invocation(body: bytes) -> Invocation:
    """Read the body of `POST /invoke`. Raises a `Refusal`: 400 for bad JSON, 422 for what is not a call."""
    said = read_object(body, known=("name", "arguments"))
    if "name" not in said:
        raise unfit("`name` is missing")
    arguments = said.get("arguments", {})
    if not isinstance(arguments, dict):
        raise unfit("`arguments` must be an object")
    return Invocation(read_text(said, "name", ""), arguments)


def check_arguments(tool: Tool, arguments: Mapping[str, object]) -> None:
    """Raise a `Refusal` where an argument is missing or unknown; of which kind each must be, the tool says itself."""
    names, required, is_closed = _names_of(tool)
    missing = [name for name in required if name not in arguments]
    unknown = [name for name in arguments if name not in names] if is_closed else []
    problems = [f"argument {name!r} is missing" for name in missing]
    problems += [f"unknown argument {name!r}" for name in unknown]
    if problems:
        takes = ", ".join(names) or "none"
        raise Refusal(422, "BadArguments", "; ".join(problems), hint=f"{tool.name} takes: {takes}")


def _names_of(tool: Tool) -> tuple[list[str], list[str], bool]:
    """Return what a tool's arguments are called, which of them it needs, and whether it takes no others."""
    names, required = tool.parameters.get("properties"), tool.parameters.get("required")
    is_closed = tool.parameters.get("additionalProperties") is False
    listed = list(names) if isinstance(names, Mapping) else []
    return listed, list(required) if isinstance(required, list | tuple) else [], is_closed


def tool_json(tool: Tool) -> dict[str, object]:
    """Return *tool* in OpenAI's shape; what that has no place for stands beside it, as `x-liteagent`."""
    beside = {"run_alone": tool.run_alone, "timeout_s": tool.timeout_s, **tool.hints}
    said = {name: value for name, value in beside.items() if value}
    return {**tool.to_openai(), **({"x-liteagent": said} if said else {})}


def result_json(name: str, observation: Observation) -> bytes:
    """Return what a call brought back as JSON; a result that JSON does not have becomes its text."""
    said: dict[str, object] = {
        "ok": observation.ok,
        "name": name,
        "rc": observation.rc,
        "stdout": observation.stdout,
        "stderr": observation.stderr,
        "t_ms": round(observation.t_ms, 1),
        "error": observation.error,
        "result": observation.result,
        "language": observation.language,
        "outputs": observation.outputs,
    }
    try:
        return json_bytes(said)
    except (TypeError, ValueError, RecursionError):
        return json_bytes({**said, "result": observation.text})


_ANYTHING: dict[str, Any] = {}
_OBJECT: dict[str, Any] = {"type": "object"}


def _call_of(tool: Tool) -> dict[str, object]:
    """Return the schema of a call: the names, as `check_arguments` knows them. What each may be, `GET /tools` says."""
    names, required, is_closed = _names_of(tool)
    arguments = with_fields(" ".join(required), **dict.fromkeys(names, _ANYTHING))
    call = with_fields(
        "name arguments" if required else "name",
        name={"const": tool.name, "description": tool.description},
        arguments=closed(arguments) if is_closed else arguments,
    )
    return closed(call)


def schemas(tools: Sequence[Tool]) -> dict[str, dict[str, object]]:
    """Return the components by name; *tools* are what may be called."""
    return {
        "Invocation": {"anyOf": [_call_of(tool) for tool in tools]} if tools else every(name=TEXT, arguments=_OBJECT),
        "ToolResult": every(
            ok={**FLAG, "description": "Whether the tool did what it was asked"},
            name=TEXT,
            rc={**maybe("integer"), "description": "Where a process ran: -1 time limit, -2 missing program"},
            stdout=TEXT,
            stderr=TEXT,
            t_ms=SECONDS,
            error={**maybe("string"), "description": "What went wrong"},
            result=_ANYTHING,
            language=TEXT,
            outputs={"type": "array", "items": _OBJECT, "description": "Outputs as in nbformat 4"},
        ),
        "Tool": with_fields(
            "type function",
            type={"const": "function"},
            function=every(name=TEXT, description=TEXT, parameters=_OBJECT),
            **{"x-liteagent": {"type": "object", "description": "`run_alone`, `timeout_s`, and hints"}},
        ),
        "Tools": {"type": "array", "items": ref("Tool")},
        "Health": every(ok={"const": True}, service=TEXT, versions={"type": "object", "additionalProperties": TEXT}),
        "Ready": every(ok={"const": True}, tools={"type": "integer", "minimum": 0}),
    }
