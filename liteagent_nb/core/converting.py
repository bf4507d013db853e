"""Reading JSON values as Python types, leniently where it is plain what was meant."""

from __future__ import annotations

import enum
import json
import typing
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from liteagent_nb.core import annotations as kinds
from liteagent_nb.core.annotations import EMPTY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from liteagent_nb.core.signatures import Function

__all__ = ["convert", "shown"]

_SHOWN_CHARS = 80
_YES, _NO = {"true", "yes", "1", "on"}, {"false", "no", "0", "off"}


def convert(value: object, annotation: object) -> object:
    """Return *value* as the type *annotation*; raises ValueError with a sentence on what was expected and what came.

    `"3"` is read as 3 for an int, JSON text as a list; what JSON does not know is handed on as it is.
    """
    annotation = kinds.bare(annotation)
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Literal:
        return _choice(value, {option: option for option in arguments})
    if kinds.is_union(annotation):
        return _one_type(value, arguments)
    if kinds.is_none(annotation):
        return _nothing(value)
    kind = origin or annotation
    if annotation is EMPTY or not isinstance(kind, type):
        return value
    return _as_class(value, kind, arguments)


def shown(value: object) -> str:
    """Return a value as it looked in JSON, bounded."""
    try:
        text = json.dumps(value, ensure_ascii=False, default=str)
    except (TypeError, ValueError, RecursionError):
        text = f"a {type(value).__name__}"
    return text if len(text) <= _SHOWN_CHARS else f"{text[:_SHOWN_CHARS]}…"


def _expected(what: str, value: object) -> ValueError:
    return ValueError(f"expected {what}, got {shown(value)}")


def _as_class(value: object, kind: type, arguments: tuple[object, ...]) -> object:  # noqa: PLR0911 - a case for each sort
    if issubclass(kind, enum.Enum):
        return value if isinstance(value, kind) else _member(value, kind)
    if kinds.is_pydantic(kind):
        return value if isinstance(value, kind) else _validated(value, kind)
    if kinds.is_record(kind):
        return _record(value, kind)
    if kinds.is_mapping(kind):
        return _mapping(value, arguments)
    for plain, read in _READERS.items():
        if issubclass(kind, plain):
            return value if isinstance(value, kind) and kind is not plain else _made(kind, read(value))
    for text_type, (parse, _) in kinds.PARSERS.items():
        if issubclass(kind, text_type):
            return _parsed(value, kind, parse)
    return _sequence(value, kind, arguments) if kinds.is_sequence(kind) else value


def _boolean(value: object) -> bool:
    word = str(value).strip().lower()
    if isinstance(value, bool | int | str) and word in _YES | _NO:
        return word in _YES
    raise _expected("true or false", value)


def _integer(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str):
        try:
            return int(value)
        except ValueError:
            value = _float_or(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    raise _expected("a whole number", value)


def _float_or(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _number(value: object) -> float:
    number = _float_or(value) if isinstance(value, str) else value
    if isinstance(number, int | float) and not isinstance(number, bool):
        try:
            return float(number)
        except OverflowError:
            pass
    raise _expected("a number", value)


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        raise _expected("text", value)
    return json.dumps(value, ensure_ascii=False, default=str)


def _bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else _text(value).encode(errors="replace")


_READERS = {bool: _boolean, int: _integer, float: _number, str: _text, bytes: _bytes}


def _nothing(value: object) -> object:
    if value is not None and str(value).strip().lower() not in {"", "null", "none"}:
        raise _expected("null", value)
    return None


def _parsed(value: object, kind: type, parse: typing.Callable[[str], object]) -> object:
    if isinstance(value, kind):
        return value
    try:
        return parse(str(value))
    except (ValueError, ArithmeticError):
        raise _expected(f"a {kind.__name__} as text", value) from None


def _choice(value: object, options: Mapping[object, object]) -> object:
    """Return the option that *value* names: exactly, else as text in any case."""
    for name, option in options.items():
        if type(name) is type(value) and name == value:
            return option
    for name, option in options.items():
        if str(name).lower() == str(value).strip().lower():
            return option
    raise _expected(f"one of {', '.join(shown(name) for name in options)}", value)


def _member(value: object, kind: type[enum.Enum]) -> object:
    options: dict[object, object] = {member.name: member for member in kind}
    named = dict(zip(kinds.members(kind), kind, strict=True))
    return _choice(value, named if value not in options else options)


def _one_type(value: object, options: Sequence[object]) -> object:
    """Return *value* as the first type it already has, else as the first that it can be read as."""
    for option in options:
        kind = typing.get_origin(kinds.bare(option)) or kinds.bare(option)
        has_it = isinstance(kind, type) and kind is not EMPTY and isinstance(value, kind)
        if (value is None and option is type(None)) or (has_it and isinstance(value, bool) == (kind is bool)):
            return convert(value, option)
    complaints = []
    # Text can be read as almost anything: it comes last.
    for option in sorted(options, key=lambda option: kinds.bare(option) is str):
        try:
            return convert(value, option)
        except ValueError as error:
            complaints.append(str(error).removeprefix("expected ").rpartition(", got ")[0] or str(error))
    raise _expected(" or ".join(complaints), value)


def _unpacked(value: object) -> object:
    """Return what JSON text holds, where *value* is that."""
    if isinstance(value, str) and value.lstrip()[:1] in {"[", "{"}:
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def _sequence(value: object, kind: type, arguments: tuple[object, ...]) -> object:
    items = _unpacked(value)
    if isinstance(items, str | bytes | Mapping) or not isinstance(items, Iterable):
        if not isinstance(items, str | int | float) or not arguments:
            raise _expected("a list", value)
        items = [items]  # one is meant as a list of one
    listed = list(items)
    if issubclass(kind, tuple) and arguments and arguments[-1] is not Ellipsis:
        if len(listed) != len(arguments):
            raise _expected(f"a list of {len(arguments)}", value)
        wanted: Sequence[object] = arguments
    else:
        wanted = [arguments[0] if arguments else EMPTY] * len(listed)
    read = [_item(item, wish, f"item {number}") for number, (item, wish) in enumerate(zip(listed, wanted, strict=True))]
    return read if kind.__module__ == "collections.abc" else _made(kind, read)


def _made(kind: type, value: object) -> object:
    return value if type(value) is kind else typing.cast("Function", kind)(value)


def _item(item: object, annotation: object, where: str) -> object:
    try:
        return convert(item, annotation)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None


def _mapping(value: object, arguments: tuple[object, ...]) -> object:
    mapping = _unpacked(value)
    if not isinstance(mapping, Mapping):
        raise _expected("an object", value)
    if len(arguments) == 2:  # noqa: PLR2004 - keys and values
        wanted_key, wanted = arguments
        mapping = {_item(k, wanted_key, f"key {shown(k)}"): _item(v, wanted, str(k)) for k, v in mapping.items()}
    return dict(mapping)


def _record(value: object, record: type) -> object:
    if not typing.is_typeddict(record) and isinstance(value, record):
        return value
    mapping = _unpacked(value)
    if not isinstance(mapping, Mapping):
        raise _expected(f"an object with {', '.join(kinds.field_types(record))}", value)
    types = kinds.field_types(record)
    if missing := [name for name in kinds.required_fields(record) if name not in mapping]:
        raise ValueError(f"expected an object with {', '.join(types)}, but {', '.join(missing)} is missing")
    if unknown := [str(name) for name in mapping if name not in types]:
        raise ValueError(f"expected an object with {', '.join(types)}, got {', '.join(unknown)} too")
    fields = {name: _item(item, types[name], name) for name, item in mapping.items()}
    return fields if typing.is_typeddict(record) else record(**fields)


def _validated(value: object, model: type) -> object:
    try:
        return model.model_validate(_unpacked(value))  # type: ignore[attr-defined]
    except ValueError as error:
        raise ValueError(_pydantic_says(error)) from None


def _pydantic_says(error: ValueError) -> str:
    """Return its complaints in one line, without its links."""
    read = getattr(error, "errors", None)
    if not callable(read):
        return str(error)
    return "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}".removeprefix(": ") for each in read())
