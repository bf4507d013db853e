"""Taking type annotations apart: what schema and conversion both need to know."""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import decimal
import inspect
import pathlib
import types
import typing
import uuid
from collections import abc
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import enum
    from collections.abc import Callable, Mapping

__all__ = [
    "EMPTY",
    "PARSERS",
    "PLAIN",
    "annotated_text",
    "bare",
    "field_types",
    "is_mapping",
    "is_none",
    "is_pydantic",
    "is_record",
    "is_sequence",
    "is_union",
    "members",
    "required_fields",
    "resolved",
    "without_none",
]

EMPTY: object = inspect.Parameter.empty
"""Stands where there is no annotation or no default."""

PLAIN: Mapping[type, str] = {bool: "boolean", int: "integer", float: "number", str: "string", bytes: "string"}
"""JSON's names of plain types; bool stands before int, which it derives from."""

PARSERS: Mapping[type, tuple[Callable[[str], object], str]] = {
    dt.datetime: (dt.datetime.fromisoformat, "date-time"),
    dt.date: (dt.date.fromisoformat, "date"),
    dt.time: (dt.time.fromisoformat, "time"),
    uuid.UUID: (uuid.UUID, "uuid"),
    pathlib.Path: (pathlib.Path, "path"),
    decimal.Decimal: (decimal.Decimal, "decimal"),
}
"""Types that are text in JSON: what reads them, and JSON schema's name of the format."""

_CONTAINERS = (list, tuple, set, frozenset, collections.deque)


def bare(annotation: object) -> object:
    """Return the type itself, without `Annotated`, `NewType`, `Required` and the like; what says nothing is `EMPTY`."""
    origin = typing.get_origin(annotation)
    if origin in {typing.Annotated, typing.Required, typing.NotRequired, typing.Final, typing.ClassVar}:
        return bare(typing.get_args(annotation)[0])
    if isinstance(annotation, typing.TypeVar):
        return bare(annotation.__bound__)
    for name in ("__supertype__", "__value__"):  # NewType, and the `type` statement of 3.12
        if not isinstance(annotation, type) and hasattr(annotation, name):
            return bare(getattr(annotation, name))
    # Not `in`: whatever stands in an annotation may compare in its own way.
    return EMPTY if annotation is typing.Any or annotation is object else annotation


def is_none(annotation: object) -> bool:
    """Whether it is None, or the type of it."""
    return annotation is None or annotation is type(None)


def annotated_text(annotation: object) -> str:
    """Return the text in `Annotated[T, "text"]`, or the description of a pydantic `Field` or a `Doc` there."""
    if typing.get_origin(annotation) is not typing.Annotated:
        return ""
    for extra in typing.get_args(annotation)[1:]:
        text = extra if isinstance(extra, str) else getattr(extra, "description", getattr(extra, "documentation", None))
        if isinstance(text, str):
            return text
    return ""


def is_union(annotation: object) -> bool:
    """Whether it is `A | B` or `Optional[A]`."""
    return typing.get_origin(annotation) in (typing.Union, types.UnionType)


def without_none(annotation: object) -> object:
    """Return the type without its None: what is left out need not be written."""
    kept = tuple(part for part in typing.get_args(annotation) if part is not type(None))
    return typing.Union[kept] if is_union(annotation) and kept else annotation  # noqa: UP007 - made at run time


def is_pydantic(kind: type) -> bool:
    """Whether it is a pydantic model, told by what it can do."""
    return callable(getattr(kind, "model_json_schema", None)) and callable(getattr(kind, "model_validate", None))


def is_record(kind: type) -> bool:
    """Whether it is a dataclass or a TypedDict."""
    return dataclasses.is_dataclass(kind) or typing.is_typeddict(kind)


def is_mapping(kind: type) -> bool:
    """Whether it is a dict or an abstract mapping."""
    return issubclass(kind, dict) or kind in (abc.Mapping, abc.MutableMapping)


def is_sequence(kind: type) -> bool:
    """Whether it is a list, tuple, set or an abstract collection; a DataFrame is none."""
    return issubclass(kind, _CONTAINERS) or kind.__module__ == "collections.abc"


def required_fields(record: type) -> list[str]:
    """Return the fields of a dataclass or TypedDict that have to be there."""
    if typing.is_typeddict(record):
        return [name for name in field_types(record) if name in getattr(record, "__required_keys__")]  # noqa: B009 - mypy does not know it
    missing = dataclasses.MISSING
    return [
        field.name
        for field in dataclasses.fields(record)
        if field.init and field.default is missing and field.default_factory is missing
    ]


def field_types(record: type) -> dict[str, object]:
    """Return the fields of a dataclass or TypedDict with their types; unresolvable ones are `EMPTY`."""
    try:
        found = typing.get_type_hints(record, include_extras=True)
    except Exception:  # noqa: BLE001 - evaluating a user's text may raise anything
        names = vars(inspect.getmodule(record) or types)
        found = {name: resolved(raw, names) for base in reversed(record.__mro__) for name, raw in _raw(base)}
    if dataclasses.is_dataclass(record):
        return {field.name: found.get(field.name, EMPTY) for field in dataclasses.fields(record) if field.init}
    return found


def _raw(owner: type) -> list[tuple[str, object]]:
    return list(inspect.get_annotations(owner).items())


def resolved(annotation: object, names: Mapping[str, object]) -> object:
    """Evaluate an annotation written as text; one that cannot be is as good as none."""
    if annotation is EMPTY or annotation is None:
        return annotation
    carrier = types.SimpleNamespace(__annotations__={"it": annotation})
    try:
        return typing.get_type_hints(carrier, globalns=dict(names), include_extras=True)["it"]
    except Exception:  # noqa: BLE001 - evaluating a user's text may raise anything
        return EMPTY if isinstance(annotation, str) else annotation


def members(kind: type[enum.Enum]) -> list[object]:
    """Return what an enum's members are called in JSON: their values where JSON has them, else their names."""
    values = [member.value for member in kind]
    is_plain = all(isinstance(value, str | int | float | bool) for value in values)
    return values if is_plain else [member.name for member in kind]
