"""Whatever a caller was given as plain values that can be compared: times, addresses and made-up ids aside."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from pydantic import BaseModel

if TYPE_CHECKING:
    from collections.abc import Iterator

UUID = re.compile(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}")
IS_TIME = re.compile(r"(_ms|_at|[tT]ime|timing_windows|_timestamp|^created)$")
LEFT_OUT = frozenset(
    (
        "litellm_trace_id trace_id litellm_call_id traceback traceback_exception original_response "
        "model_map_value log_event_type"
    ).split()
)
"""Made up anew for every request, a long price list, or what the event that tells it is named by."""


class Plain:
    """Makes values plain. *names* are what only one run has, and what is shown instead."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names

    def __call__(self, value: object) -> object:  # noqa: PLR0911 - a kind of value each
        if isinstance(value, BaseModel):
            return {"<type>": type(value).__name__, **self._mapping(value.model_dump())}
        if isinstance(value, Mapping):
            return self._mapping(value)
        if isinstance(value, list | tuple | set | frozenset):
            return [self(one) for one in value]
        if isinstance(value, BaseException):
            return self._error(value)
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, float):
            return repr(value)  # no NaN is equal to itself
        return value if isinstance(value, int | None) else f"<{type(value).__name__}>"

    def _mapping(self, values: Mapping) -> dict[str, object]:
        return {str(name): self._field(str(name), one) for name, one in values.items() if name not in LEFT_OUT}

    def _field(self, name: str, value: object) -> object:
        if IS_TIME.search(name) and isinstance(value, int | float | list | tuple):
            return "<time>"
        return self(value)

    def _error(self, error: BaseException) -> object:
        cause = type(error.__cause__).__name__ if error.__cause__ else None
        return [type(error).__qualname__, self._text(str(error)), f"from {cause}", self._mapping(vars(error))]

    def _text(self, text: str) -> str:
        for name, shown in self._names.items():
            text = text.replace(name, shown)
        return UUID.sub("<id>", text)


def differences(first: object, other: object, path: str = "") -> list[str]:
    """Return where two plain values differ, one line each."""
    return list(_differences(first, other, path))


def _differences(first: object, other: object, path: str) -> Iterator[str]:
    if isinstance(first, dict) and isinstance(other, dict):
        for name in dict.fromkeys([*first, *other]):
            here = f"{path}.{name}"
            if name in first and name in other:
                yield from _differences(first[name], other[name], here)
            else:
                yield f"{here}: only the {'first' if name in first else 'other'} has it: {first.get(name, other.get(name))!r:.300}"
    elif isinstance(first, list) and isinstance(other, list):
        if len(first) != len(other):
            yield f"{path}: {len(first)} and {len(other)}: {first!r:.500} and {other!r:.500}"
        for number, (one, another) in enumerate(zip(first, other, strict=False)):
            yield from _differences(one, another, f"{path}[{number}]")
    elif first != other or type(first) is not type(other):
        yield f"{path}: {first!r:.500} and {other!r:.500}"
