"""From a plain function to a Tool: its JSON schema from type hints, defaults and docstring."""

from __future__ import annotations

import enum
import functools
import inspect
import json
import re
import typing
from typing import TYPE_CHECKING

from liteagent_nb.core import annotations as kinds
from liteagent_nb.core.annotations import EMPTY
from liteagent_nb.core.docstrings import parameter_comments, read_docstring
from liteagent_nb.core.errors import ConfigError
from liteagent_nb.core.signatures import read_signature
from liteagent_nb.core.tools import Tool

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from liteagent_nb.core.signatures import Function, Parameter

__all__ = ["Schema", "schema_of", "tool_from_function"]

Schema: typing.TypeAlias = dict[str, object]

_DESCRIPTION_CHARS = 1024
"""What OpenAI takes."""


def tool_from_function(
    function: Function, *, name: str = "", description: str = "", hidden: Iterable[str] = ()
) -> Tool:
    """Return the tool that calls *function*; the parameters *hidden* are filled in by the caller, not the model.

    No plain function is refused: what is not annotated may be anything. A dict in its attribute `__x_liteagent__`
    becomes the tool's hints, but for `run_alone` and `timeout_s`. Raises `ConfigError` for a function without a name.
    """
    documented = read_docstring(_docstring_of(function))
    said = {**parameter_comments(function), **documented.parameters}
    hints = dict(getattr(function, "__x_liteagent__", None) or {})
    timeout_s = hints.pop("timeout_s", None)
    return Tool(
        name=_tool_name(name or _name_of(function)),
        description=(description or documented.prose)[:_DESCRIPTION_CHARS],
        parameters=_parameters(function, said, hidden),
        run_alone=bool(hints.pop("run_alone", False)),
        timeout_s=float(timeout_s) if isinstance(timeout_s, int | float) else None,
        hints=hints,
    )


def _innermost(function: object) -> object:
    while isinstance(function, functools.partial):
        function = function.func
    return function


def _docstring_of(function: object) -> str | None:
    """Return the docstring; that of an instance's `__call__` says more than that of its class."""
    function = _innermost(function)
    if not inspect.isroutine(function) and not isinstance(function, type):
        of_call = getattr(getattr(function, "__call__", None), "__doc__", None)  # noqa: B004 - not asking whether
        return of_call or inspect.getdoc(function)
    return inspect.getdoc(function)


def _name_of(function: object) -> str:
    function = _innermost(function)
    return str(getattr(function, "__name__", "") or type(function).__name__)


def _tool_name(name: str) -> str:
    if name.startswith("<"):
        raise ConfigError("a lambda has no name to be called by", hint='define it with def, or Toolbox({"name": it})')
    return re.sub(r"[^a-zA-Z0-9_-]", "_", name)[:64]


def _parameters(function: Function, said: Mapping[str, str], hidden: Iterable[str]) -> Schema:
    signature, writer = read_signature(function, hidden=hidden), _Writer()
    properties = {p.name: writer.parameter(p, said.get(p.name, "")) for p in signature.parameters}
    schema: Schema = {"type": "object", "properties": properties}
    if required := [p.name for p in signature.parameters if p.is_required]:
        schema["required"] = required
    schema["additionalProperties"] = False if signature.others is None else writer.of(signature.others) or True
    return writer.complete(schema)


def schema_of(annotation: object) -> Schema:
    """Return the JSON schema of a type; a type that JSON does not know may be anything."""
    writer = _Writer()
    return writer.complete(writer.of(annotation))


class _Writer:
    """Writes schemas; what refers to itself, and what pydantic defines, goes to the definitions."""

    def __init__(self) -> None:
        self._definitions: Schema = {}
        self._open: list[type] = []
        self._referred: set[type] = set()

    def complete(self, schema: Schema) -> Schema:
        """Return the schema with the definitions it refers to."""
        return {**schema, "$defs": self._definitions} if self._definitions else schema

    def parameter(self, parameter: Parameter, said: str) -> Schema:
        """Write one parameter: what it takes, what it means, what it is if left out."""
        annotation, default = parameter.annotation, parameter.default
        if annotation is EMPTY and type(default) in {*kinds.PLAIN, list, dict}:
            annotation = type(default)
        schema = self.of(kinds.without_none(annotation) if default is None else annotation)
        if said and "description" not in schema:
            schema["description"] = said
        plain_default = default.value if isinstance(default, enum.Enum) else default
        if plain_default is not EMPTY and plain_default is not None and _is_json(plain_default):
            schema["default"] = plain_default
        return schema

    def of(self, annotation: object) -> Schema:
        """Write the schema of a type, with what `Annotated` says of it."""
        schema = self._of_bare(kinds.bare(annotation))
        text = kinds.annotated_text(annotation)
        return {**schema, "description": text} if text else schema

    def _of_bare(self, annotation: object) -> Schema:
        origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
        if origin is typing.Literal:
            return _one_of(list(arguments))
        if kinds.is_union(annotation):
            return {"anyOf": [self.of(argument) for argument in arguments]}
        if kinds.is_none(annotation):
            return {"type": "null"}
        kind = origin or annotation
        return self._of_class(kind, arguments) if isinstance(kind, type) and kind is not EMPTY else {}

    def _of_class(self, kind: type, arguments: tuple[object, ...]) -> Schema:  # noqa: PLR0911 - a case for each sort
        if issubclass(kind, enum.Enum):
            return _one_of(kinds.members(kind))
        for plain, name in kinds.PLAIN.items():
            if issubclass(kind, plain):
                return {"type": name}
        for text_type, (_, form) in kinds.PARSERS.items():
            if issubclass(kind, text_type):
                return {"type": "string", "format": form}
        if kinds.is_pydantic(kind):
            return self._of_pydantic(kind)
        if kinds.is_record(kind):
            return self._of_record(kind)
        if kinds.is_mapping(kind):
            return {"type": "object", "additionalProperties": (self.of(arguments[1]) if arguments else {}) or True}
        return self._of_sequence(kind, arguments) if kinds.is_sequence(kind) else {}

    def _of_sequence(self, kind: type, arguments: tuple[object, ...]) -> Schema:
        if issubclass(kind, tuple) and arguments and arguments[-1] is not Ellipsis:
            # Not prefixItems: half of the providers do not know it.
            parts = [self.of(argument) for argument in arguments]
            items = parts[0] if all(part == parts[0] for part in parts) else {"anyOf": parts}
            return {"type": "array", "items": items, "minItems": len(parts), "maxItems": len(parts)}
        schema: Schema = {"type": "array", "items": self.of(arguments[0]) if arguments else {}}
        return {**schema, "uniqueItems": True} if issubclass(kind, set | frozenset) else schema

    def _of_record(self, record: type) -> Schema:
        if record in self._open:
            self._referred.add(record)
            return {"$ref": f"#/$defs/{record.__name__}"}
        self._open.append(record)
        properties = {name: self.of(annotation) for name, annotation in kinds.field_types(record).items()}
        self._open.pop()
        schema: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
        if required := kinds.required_fields(record):
            schema["required"] = required
        if record not in self._referred:
            return schema
        self._definitions[record.__name__] = schema
        return {"$ref": f"#/$defs/{record.__name__}"}

    def _of_pydantic(self, model: type) -> Schema:
        # Its own names in front: two models may each define a part of the same name.
        prefix = f"{model.__name__}_"
        schema: Schema = model.model_json_schema(ref_template=f"#/$defs/{prefix}{{model}}")  # type: ignore[attr-defined]
        definitions = schema.pop("$defs", {})
        assert isinstance(definitions, dict)
        self._definitions.update({f"{prefix}{name}": part for name, part in definitions.items()})
        return schema


def _one_of(values: list[object]) -> Schema:
    """Write an enumeration; its type too, where all have the same."""
    names = {kinds.PLAIN.get(type(value)) for value in values}
    kind = names.pop() if len(names) == 1 else None
    return {"type": kind, "enum": values} if kind else {"enum": values}


def _is_json(value: object) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return False
    return True
