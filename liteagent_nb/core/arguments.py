"""From what a model wrote to what a function is called with."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from liteagent_nb.core.annotations import EMPTY
from liteagent_nb.core.converting import convert, shown
from liteagent_nb.core.signatures import read_signature

if TYPE_CHECKING:
    from liteagent_nb.core.signatures import Function, Parameter, Signature

__all__ = ["bind_arguments", "call_with", "read_arguments"]

_REPAIR_CHARS = 200_000
"""Longer text is not worth a repair."""

_TRAILING_COMMA = re.compile(r",\s*([}\]])\s*\Z")


def read_arguments(arguments: str | Mapping[str, object] | None) -> tuple[dict[str, object], str]:
    """Return the arguments and an empty complaint, or nothing and a sentence on what is wrong with them. Never raises.

    Broken JSON gets one cheap repair: code fences, line breaks inside text, something behind the object, a trailing
    comma, JSON within JSON.
    """
    if isinstance(arguments, Mapping):
        return {str(name): value for name, value in arguments.items()}, ""
    text = (arguments or "").strip()
    if not text:
        return {}, ""
    value, complaint = _parsed(text)
    if complaint or isinstance(value, str):
        value = _repaired(text, value)
    if value is None and not complaint:  # `null` is how some models write "no arguments"
        return {}, ""
    if isinstance(value, dict):
        return value, ""
    return {}, f"the arguments must be a JSON object; {complaint or f'they were {shown(value)}'}"


def _parsed(text: str) -> tuple[object, str]:
    try:
        return json.loads(text), ""
    except RecursionError:
        return None, "they are nested too deep"
    except json.JSONDecodeError as error:
        near = text[max(error.pos - 20, 0) : error.pos + 20]
        return None, f"they are broken: {error.msg} at character {error.pos}, near {shown(near)}"
    except ValueError as error:  # a number with more digits than Python reads
        return None, f"they cannot be read: {error}"


def _repaired(text: str, value: object) -> object:
    if len(text) > _REPAIR_CHARS:
        return value
    if isinstance(value, str):
        text = value
    start = text.find("{")
    for attempt in (text[start:], _TRAILING_COMMA.sub(r"\1", text[start:])):
        try:
            found, _end = json.JSONDecoder(strict=False).raw_decode(attempt)
        except (ValueError, RecursionError):
            continue
        if start >= 0 and isinstance(found, dict):
            return dict(found)
    return value


def bind_arguments(signature: Signature, arguments: Mapping[str, object]) -> dict[str, object]:
    """Return *arguments* as the types that a function of *signature* wants, those left out not among them.

    Raises ValueError with a sentence the model can act on: what is missing, unknown or of the wrong type.
    """
    known = {parameter.name: parameter for parameter in signature.parameters}
    problems = [f"argument {name!r} is missing" for name, p in known.items() if p.is_required and name not in arguments]
    bound: dict[str, object] = {}
    for name, value in arguments.items():
        try:
            bound[name] = _converted(value, known[name]) if name in known else _other(name, value, signature)
        except ValueError as error:
            problems.append(str(error))
    if problems:
        raise ValueError("; ".join(problems))
    return bound


def _converted(value: object, parameter: Parameter) -> object:
    if value is None and parameter.default is None:
        return None  # `x: int = None` means an optional one
    try:
        if parameter.annotation is EMPTY:
            return _like(value, parameter.default)
        return convert(value, parameter.annotation)
    except ValueError as error:
        raise ValueError(f"argument {parameter.name!r}: {error}") from None


def _like(value: object, default: object) -> object:
    """Return *value* as its default's type where that can be: a default is a hint, not a promise."""
    if type(default) not in {bool, int, float}:
        return value
    try:
        return convert(value, type(default))
    except ValueError:
        return value


def _other(name: str, value: object, signature: Signature) -> object:
    if signature.others is not None:
        return convert(value, signature.others)
    names = [parameter.name for parameter in signature.parameters]
    near = difflib.get_close_matches(name, names, n=1)
    meant = f"; did you mean {near[0]!r}?" if near else ""
    takes = f"it takes {', '.join(names)}" if names else "it takes none"
    raise ValueError(f"unknown argument {name!r}{meant} ({takes})")


def call_with(function: Function, bound: Mapping[str, object]) -> object:
    """Call *function*, handing over by position what it takes only so."""
    if _takes_all_by_name(function):
        return function(**bound)
    named = dict(bound)
    by_position = [parameter for parameter in read_signature(function).parameters if parameter.is_positional_only]
    positional = [named.pop(parameter.name, parameter.default) for parameter in by_position]
    return function(*positional, **named)


def _takes_all_by_name(function: Function) -> bool:
    """Whether a plain look says so; a signature is read from scratch every time, which costs more than most tools."""
    positional = getattr(getattr(function, "__code__", None), "co_posonlyargcount", 1)
    return positional == 0 and not hasattr(function, "__wrapped__") and not hasattr(function, "__signature__")
