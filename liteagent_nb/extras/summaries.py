"""What a model is told of a Python object: its type and shape, and a bounded look at it."""

from __future__ import annotations

import inspect
import reprlib
import sys
from collections.abc import Callable, Mapping, Sized
from itertools import islice
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

from liteagent_nb.extras import summary_looks as looks
from liteagent_nb.extras.summary_looks import MAX_ITEMS, MAX_LINE_CHARS, cut, line

__all__ = ["summarize"]

_MAX_CHARS = 2_000


def summarize(value: object, *, max_chars: int = _MAX_CHARS) -> str:
    """Return what *value* is, in at most *max_chars* characters; never raises.

    An object may speak for itself: its `_liteagent_summary_()` returns the text. Nothing is imported to recognise a
    type: what is not loaded cannot have made *value*.
    """
    try:
        text = _own_words(value) or _summarizer(value)(value)
    except Exception as error:  # noqa: BLE001 - a broken object must not cost the question
        text = f"{_type_name(value)} (cannot be looked at: {type(error).__name__})"
    return cut(text, max_chars)


def _own_words(value: object) -> str:
    speak = None if isinstance(value, type) else getattr(type(value), "_liteagent_summary_", None)
    return str(speak(value)) if callable(speak) else ""


def _summarizer(value: object) -> Callable[[Any], str]:
    for module, name, summarizer in _BY_NAME:
        known = getattr(sys.modules.get(module), name, None)
        if isinstance(known, type) and isinstance(value, known):
            return summarizer
    return next((summarizer for kind, summarizer in _BY_TYPE if isinstance(value, kind)), _object)


def _text(text: str) -> str:
    if len(text) <= MAX_LINE_CHARS and "\n" not in text:
        return f"str: {text!r}"
    return f"str, {len(text):,} characters, {text.count(chr(10)) + 1:,} lines:\n{text[: _MAX_CHARS * 10]}"


def _scalar(value: object) -> str:
    return f"{_type_name(value)}: {line(_ITEMS.repr(value))}"


def _mapping(mapping: Mapping[Any, Any]) -> str:
    shown = [f"  {_ITEMS.repr(key)}: {_item(value)}" for key, value in islice(mapping.items(), MAX_ITEMS)]
    return _listed(f"{_type_name(mapping)}, {_count(mapping, 'key')}", shown, len(mapping))


def _collection(items: Any) -> str:
    head = f"{_type_name(items)}, {_count(items, 'item')}"
    flat = _ITEMS.repr(items if len(items) <= MAX_ITEMS else None)
    if len(items) <= MAX_ITEMS and len(flat) <= MAX_LINE_CHARS:
        return f"{head}: {flat}"
    return _listed(head, [f"  {_item(item)}" for item in islice(items, MAX_ITEMS)], len(items))


def _listed(head: str, shown: list[str], total: int) -> str:
    more = [f"  … {total - len(shown):,} more"] if total > len(shown) else []
    return "\n".join([f"{head}:" if shown else head, *shown, *more])


def _item(value: object) -> str:
    """Return one element on one line: simple ones as they are, others by their summary's first line."""
    if value is None or isinstance(value, str | bytes | int | float | complex):
        return line(_ITEMS.repr(value))
    return line(summarize(value).partition("\n")[0])


def _function(function: Any) -> str:
    kind = "async function" if inspect.iscoroutinefunction(function) else "function"
    head = f"{kind} {getattr(function, '__qualname__', '?')}{_signature(function)}"
    return "\n".join([head, *_doc(function), *_source(function)])


def _class(kind: type) -> str:
    bases = ", ".join(base.__qualname__ for base in kind.__bases__ if base is not object)
    head = f"class {kind.__qualname__}{f'({bases})' if bases else ''}, constructor {_signature(kind)}"
    methods = [name for name in vars(kind) if not name.startswith("_")]
    return "\n".join([head, *_doc(kind), *_names("members", methods)])


def _module(module: ModuleType) -> str:
    version = vars(module).get("__version__")
    head = f"module {module.__name__}{f' {version}' if isinstance(version, str) else ''}"
    return "\n".join([head, *_doc(module), *_names("names", [n for n in vars(module) if not n.startswith("_")])])


def _object(value: object) -> str:
    shown = "" if type(value).__repr__ is object.__repr__ else f": {line(_ITEMS.repr(value))}"
    lines = [f"{_type_name(value)}{shown}", *_doc(type(value))]
    fields = {} if isinstance(value, type) else getattr(value, "__dict__", {})
    public = [(name, held) for name, held in fields.items() if not str(name).startswith("_")]
    return "\n".join([*lines, *(f"  .{name} = {line(_ITEMS.repr(held))}" for name, held in public[:MAX_ITEMS])])


def _signature(function: Any) -> str:
    try:
        return str(inspect.signature(function))
    except (TypeError, ValueError):
        return "(…)"


def _doc(thing: object) -> list[str]:
    doc = inspect.cleandoc(getattr(thing, "__doc__", None) or "").partition("\n\n")[0]
    return [line(" ".join(doc.split()))] if doc else []


def _source(function: Any) -> list[str]:
    try:
        return [inspect.getsource(function).rstrip()]
    except (OSError, TypeError):
        return []


def _names(title: str, names: list[str]) -> list[str]:
    more = f", … {len(names) - 40} more" if len(names) > 40 else ""  # noqa: PLR2004 (a few lines)
    return [f"{title}: {', '.join(names[:40])}{more}"] if names else []


def _type_name(value: object) -> str:
    kind = type(value)
    return (
        kind.__qualname__ if kind.__module__ in {"builtins", "__main__"} else f"{kind.__module__}.{kind.__qualname__}"
    )


def _count(items: Sized, noun: str) -> str:
    return f"{len(items):,} {noun}{'' if len(items) == 1 else 's'}"


class _Items(reprlib.Repr):
    """A repr of few items with enough room for each."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlist = self.maxtuple = self.maxset = self.maxfrozenset = self.maxdeque = self.maxdict = MAX_ITEMS
        self.maxstring = self.maxother = self.maxlong = 120


_ITEMS = _Items()

_BY_NAME: tuple[tuple[str, str, Callable[[Any], str]], ...] = (
    ("pandas", "DataFrame", looks.frame),
    ("pandas", "Series", looks.series),
    ("numpy", "ndarray", looks.array),
    ("matplotlib.figure", "Figure", looks.figure),
    ("matplotlib.axes", "Axes", looks.axes),
    ("PIL.Image", "Image", looks.image),
)

_BY_TYPE: tuple[tuple[Any, Callable[[Any], str]], ...] = (
    (str, _text),
    (bool | int | float | complex | bytes | None, _scalar),
    (Mapping, _mapping),
    (list | tuple | set | frozenset, _collection),
    (FunctionType | BuiltinFunctionType | MethodType, _function),
    (ModuleType, _module),
    (type, _class),
)
