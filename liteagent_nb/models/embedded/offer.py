"""What a request offers for each parameter of a tool: the values among which the embedded model may choose."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from liteagent_nb.models.embedded.habits import name_words
from liteagent_nb.models.embedded.words import numbers_in, quoted_in, spans_in, words_in

if TYPE_CHECKING:
    from liteagent_nb.core.tools import Tool

__all__ = ["Example", "Offer", "fields_of", "spelled"]

Schema: TypeAlias = Mapping[str, object]
Example: TypeAlias = tuple[str, Mapping[str, object]]
"""A request with the arguments it leads to."""

_LONGEST_SPAN = 8
_LARGEST_GUESS = 100
_LOOSE = frozenset("about and are at by do for from how i in into is it me of on or to was what which who with".split())
"""Words that no value begins or ends with, unless it is quoted."""


def fields_of(tool: Tool) -> dict[str, Schema]:
    """Return the schema of each parameter; of a union, the branch that is not null."""
    properties = tool.parameters.get("properties")
    if not isinstance(properties, Mapping):
        return {}
    return {str(name): _plain(schema) for name, schema in properties.items() if isinstance(schema, Mapping)}


def _plain(schema: Schema) -> Schema:
    branches = schema.get("anyOf") or schema.get("oneOf")
    if not isinstance(branches, Sequence):
        return schema
    given = (branch for branch in branches if isinstance(branch, Mapping) and branch.get("type") != "null")
    return next(given, schema)


def spelled(value: object) -> str:
    """Return *value* as it stands in a prompt."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _enum(schema: Schema) -> list[object]:
    values = [schema["const"]] if "const" in schema else schema.get("enum")
    return list(values) if isinstance(values, Sequence) and not isinstance(values, str) else []


class Offer:
    """What *request* offers; what one parameter took is not offered to the next, as long as there is other."""

    def __init__(self, request: str, examples: Sequence[Example]) -> None:
        self._request = request
        self._examples = examples
        self._taken: list[str] = []

    def values(self, name: str, schema: Schema) -> list[str]:
        """Return what the parameter *name* may be, as text."""
        if values := [spelled(value) for value in _enum(schema)]:
            return [value for value in values if value.lower() in self._request.lower()] or values
        match schema.get("type"):
            case "boolean":
                found = ["true", "false"]
            case "integer" | "number":
                found = self._numbers(is_whole=schema["type"] == "integer")
            case "array":
                found = [self._list(schema)]
            case "object":
                found = []
            case _:
                found = self._texts(name)
        return found

    def _numbers(self, *, is_whole: bool) -> list[str]:
        numbers = [number for number in numbers_in(self._request) if not (is_whole and "." in number)]
        for taken in self._taken:
            if taken in numbers and len(numbers) > 1:
                numbers.remove(taken)
        return numbers or [str(number) for number in range(_LARGEST_GUESS + 1)]

    def _list(self, schema: Schema) -> str:
        items = schema.get("items")
        kind = items.get("type") if isinstance(items, Mapping) else None
        numbers = numbers_in(self._request)
        if numbers and kind != "string":
            return f"[{', '.join(numbers)}]"
        told = self._request.rpartition(":")[2].strip(" .?!")
        parts = quoted_in(self._request) or re.split(r",\s*(?:and\s+)?|\s+and\s+", told)
        return json.dumps([part for part in parts if part], ensure_ascii=False)

    def _texts(self, name: str) -> list[str]:
        """Return the runs of words in the request, with a first word that the tool's examples add (`echo hi`)."""
        spans = spans_in(self._request, longest=_LONGEST_SPAN)
        whole = " ".join(self._request.split()).strip(" .?!")
        fresh = [span for span in spans if self._is_fresh(span) and (span != whole or " " not in span)]
        marked = [part.strip() for part in re.findall(r"`([^`]+)`", self._request) if part.strip()]
        fresh = marked or self._after_known_words(name, fresh) or fresh
        added = self._added_words(name)
        fresh = [span for span in fresh if span.split()[0] in added and " " in span] or fresh
        return [*(fresh or spans or [whole]), *(f"{word} {span}" for word in added for span in fresh if span != word)]

    def _is_fresh(self, span: str) -> bool:
        words = span.lower().split()
        loose = words[0] in _LOOSE or words[-1] in _LOOSE | {"the", "a"}
        return span not in self._taken and (not loose or span in quoted_in(self._request))

    def _after_known_words(self, name: str, spans: Sequence[str]) -> list[str]:
        """Return the spans behind the words that the same parameter is behind in the examples: `to` for a target."""
        own = set(name_words(name))
        told = ((asked, key, str(value)) for asked, given in self._examples for key, value in given.items())
        known = {_word_before(asked, value) for asked, key, value in told if own & set(name_words(key))} - {""}
        return [span for span in spans if _word_before(self._request, span) in known]

    def _added_words(self, name: str) -> list[str]:
        told = ((asked, str(given.get(name, ""))) for asked, given in self._examples)
        return sorted({text.split()[0] for asked, text in told if text and text not in asked})

    def take(self, text: str, schema: Schema) -> object:
        """Return *text* as the value that the schema asks for, and offer it no more."""
        self._taken.append(text)
        for value in _enum(schema):
            if spelled(value) == text:
                return value
        if schema.get("type") in {"boolean", "integer", "number", "array"}:
            return json.loads(text)
        return text


def _word_before(text: str, part: str) -> str:
    """Return the word before *part* in *text*, `0` for a number; nothing where there is none."""
    before, found, _ = text.partition(part)
    words = words_in(before)
    return words[-1] if found and words else ""
