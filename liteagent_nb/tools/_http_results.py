"""What a call of a tools host brought back, read: nothing of it is believed unseen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from liteagent_nb.core.errors import ConfigError
from liteagent_nb.core.tools import Observation
from liteagent_nb.tools._http_json import HINT, json_of, shown
from liteagent_nb.tools._rendering import observed

if TYPE_CHECKING:
    from liteagent_nb.tools._http_exchange import Answer

__all__ = ["read_observation"]

_Json: TypeAlias = Mapping[str, Any]


class _Field(NamedTuple):
    """A field of a result: what it may be, in words too, and what it is where it is left out."""

    suits: Callable[[object], bool]
    kind: str
    default: object


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_outputs(value: object) -> bool:
    return isinstance(value, list) and all(
        isinstance(output, dict) and isinstance(output.get("output_type"), str) for output in value
    )


_FIELDS: Mapping[str, _Field] = {
    "stdout": _Field(_is_text, "text", ""),
    "stderr": _Field(_is_text, "text", ""),
    "language": _Field(_is_text, "text", ""),
    "rc": _Field(lambda value: isinstance(value, int), "a whole number", None),
    "t_ms": _Field(lambda value: isinstance(value, int | float), "a number", 0.0),
    "outputs": _Field(_is_outputs, "a list of outputs", ()),
}
"""Those beside `ok`, `result` and `error`."""
_KNOWN = frozenset({*_FIELDS, "ok", "name", "result", "error"})


def read_observation(answer: Answer) -> Observation:
    """Return what a call brought back: a result as `ok, result, stdout, error, …`, MCP's `content`, or any other JSON.

    Raises `ConfigError` for what is no JSON, and for a result whose fields are of the wrong kind.
    """
    said = json_of(answer)
    if isinstance(said, dict):
        if "ok" in said:
            return _of_result(said)
        if isinstance(said.get("content"), list):
            return _of_content(said["content"], is_error=said.get("isError") is True)
        if said.get("error"):
            return Observation.failure(_error(said["error"]))
    return observed(said)


def _of_result(said: _Json) -> Observation:
    if not isinstance(said["ok"], bool):
        raise ConfigError(f"the host's result has {shown(said['ok'])} as `ok`, not true or false", hint=HINT)
    fields: dict[str, Any] = {}
    for name, field in _FIELDS.items():
        value = said.get(name)
        if value is not None and not field.suits(value):
            raise ConfigError(f"the host's result has {shown(value)} as `{name}`, not {field.kind}", hint=HINT)
        fields[name] = field.default if value is None else value
    fields["outputs"] = tuple(fields["outputs"])
    others = {name: value for name, value in said.items() if name not in _KNOWN}
    result = observed(said["result"] if said.get("result") is not None else others or None).result
    error = None if said["ok"] else _error(said.get("error"))
    return Observation(ok=said["ok"], result=result, error=error, **fields)


def _of_content(content: Sequence[object], *, is_error: bool) -> Observation:
    text = "\n".join(_part(part) for part in content)
    return Observation.failure(text or "the tool failed") if is_error else observed(text)


def _part(part: object) -> str:
    if not isinstance(part, dict):
        return shown(part)
    return part["text"] if isinstance(part.get("text"), str) else f"[{part.get('type', 'something')}]"


def _error(error: object) -> str:
    if isinstance(error, dict) and isinstance(error.get("message"), str):
        error = error["message"]
    return error if isinstance(error, str) and error else f"the tool failed{f': {shown(error)}' if error else ''}"
