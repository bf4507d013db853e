"""Kind: what a value in a body may be; its check and its JSON schema are one thing, so neither can lie."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from liteagent_nb.services.bodies import unfit

__all__ = [
    "FLAG",
    "NUMBER",
    "OBJECT",
    "TEXT",
    "TEXTS",
    "WHOLE",
    "Kind",
    "above",
    "either",
    "fields_of",
    "list_of",
    "map_of",
    "matching",
    "object_of",
    "one_of",
    "or_null",
    "read_fields",
]


def _as_it_is(value: object) -> object:
    return value


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of value."""

    words: str
    """What it must be, for people: `a string`."""
    schema: Mapping[str, Any]
    fits: Callable[[object], bool]
    read: Callable[[Any], object] = _as_it_is


TEXT = Kind("a string", {"type": "string"}, lambda value: isinstance(value, str))
FLAG = Kind("true or false", {"type": "boolean"}, lambda value: isinstance(value, bool))
OBJECT = Kind("an object", {"type": "object"}, lambda value: isinstance(value, dict))


def _is_number(value: object) -> bool:
    try:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:  # a whole number that no float can hold
        return False


def _is_whole(value: object) -> bool:
    """Whether it is a whole number, as JSON sees them: 3.0 is one."""
    return not isinstance(value, bool) and (isinstance(value, int) or (isinstance(value, float) and value.is_integer()))


NUMBER = Kind("a number", {"type": "number"}, _is_number)
WHOLE = Kind("a whole number", {"type": "integer"}, _is_whole, int)


def matching(pattern: str, words: str) -> Kind:
    """Return the kind of strings that match *pattern* as a whole."""
    read = re.compile(pattern)
    schema = {"type": "string", "pattern": f"^(?:{pattern})$"}
    return Kind(words, schema, lambda value: isinstance(value, str) and read.fullmatch(value) is not None)


def one_of(*words: str) -> Kind:
    """Return the kind of strings that is one of *words*."""
    return Kind(f"one of {', '.join(words)}", {"type": "string", "enum": list(words)}, lambda value: value in words)


def above(kind: Kind, bound: float, *, with_bound: bool = False) -> Kind:
    """Return the numbers of *kind* above *bound*, with the bound itself where that is said."""
    if with_bound:
        schema = {**kind.schema, "minimum": bound}
        return Kind(f"{kind.words}, at least {bound:g}", schema, lambda v: kind.fits(v) and v >= bound, kind.read)  # type: ignore[operator]  # it fits: a number
    schema = {**kind.schema, "exclusiveMinimum": bound}
    return Kind(f"{kind.words} above {bound:g}", schema, lambda v: kind.fits(v) and v > bound, kind.read)  # type: ignore[operator]


def or_null(kind: Kind) -> Kind:
    """Return *kind*, or null."""
    schema = {"anyOf": [kind.schema, {"type": "null"}]}
    return Kind(
        f"{kind.words}, or null",
        schema,
        lambda value: value is None or kind.fits(value),
        lambda value: None if value is None else kind.read(value),
    )


def either(*kinds: Kind) -> Kind:
    """Return what is one of *kinds*."""
    words = " or ".join(kind.words for kind in kinds)
    schema = {"anyOf": [kind.schema for kind in kinds]}
    return Kind(words, schema, lambda value: any(kind.fits(value) for kind in kinds))


def list_of(kind: Kind, *, least: int = 0) -> Kind:
    """Return lists of *kind*, *least* entries long or longer."""
    schema = {"type": "array", "items": kind.schema, "minItems": least}

    def fits(value: object) -> bool:
        return isinstance(value, list) and len(value) >= least and all(map(kind.fits, value))

    return Kind(f"a list; each entry: {kind.words}", schema, fits)


def map_of(kind: Kind, *, keys: Kind = TEXT) -> Kind:
    """Return objects whose values are of *kind*, their names of *keys*."""
    schema = {"type": "object", "additionalProperties": kind.schema, "propertyNames": keys.schema}

    def fits(value: object) -> bool:
        return isinstance(value, dict) and all(keys.fits(k) and kind.fits(v) for k, v in value.items())

    return Kind(f"an object; each value: {kind.words}", schema, fits)


def object_of(words: str, required: str, /, **properties: Kind) -> Kind:
    """Return objects with *properties*, of which the names in *required* must be there; others may be."""
    names = required.split()
    schema = {"type": "object", "required": names, "properties": {n: kind.schema for n, kind in properties.items()}}

    def fits(value: object) -> bool:
        if not isinstance(value, dict) or any(name not in value for name in names):
            return False
        return all(kind.fits(value[name]) for name, kind in properties.items() if name in value)

    return Kind(words, schema, fits)


TEXTS = list_of(TEXT)


def fields_of(kinds: Mapping[str, Kind], *, required: tuple[str, ...]) -> dict[str, object]:
    """Return the schema of a body with the fields *kinds* and no others."""
    properties = {name: kind.schema for name, kind in kinds.items()}
    return {"type": "object", "required": list(required), "properties": properties, "additionalProperties": False}


def read_fields(
    said: Mapping[str, object], kinds: Mapping[str, Kind], *, required: tuple[str, ...]
) -> Mapping[str, object]:
    """Return the fields of *said*, each of its kind. Raises a `Refusal` with 422 for the first that is not."""
    for name in required:
        if name not in said:
            raise unfit(f"`{name}` is missing")
    for name, value in said.items():
        if not kinds[name].fits(value):
            raise unfit(f"`{name}` must be {kinds[name].words}")
    return {name: kinds[name].read(value) for name, value in said.items()}
