"""The text of a cassette: JSON that people can read and compare line by line."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from liteagent_nb.cassettes.requests import Request
from liteagent_nb.cassettes.tracks import Track, Tracks
from liteagent_nb.core.chat import Price
from liteagent_nb.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["read_tracks", "written_tracks"]

_FORMAT = 1
_WIDTH = 110
_LINES = "|"
"""Marks a text of several lines, as YAML does: `{"|": ["first", "second"]}`."""
_SHORT = 12
"""How many digits of a fingerprint name a track or a set of tools within the file."""
_SURROGATE = re.compile("[\ud800-\udfff]")
"""Half characters, which a tool may print and UTF-8 does not know: they are escaped."""

_Json: TypeAlias = dict[str, Any]


def written_tracks(tracks: Tracks) -> str:
    """Return the text of a cassette.

    A set of tools stands there once. A question that goes on from an earlier one names it, and has only what is new.
    """
    tools: _Json = {}
    written: list[_Json] = []
    earlier: list[Request] = []
    for track in tracks:
        content = dict(track.request.content)
        if track.request.kind == "model":
            content |= _without_repetition(track.request, earlier, tools)
            earlier.append(track.request)
        head = {"kind": track.request.kind, "name": track.request.name, "id": track.request.key[:_SHORT]}
        written.append({**head, **content, "takes": track.takes})
    prices = {name: price and [price.prompt_usd, price.completion_usd] for name, price in tracks.prices.items()}
    whole: _Json = {"liteagent_cassette": _FORMAT, "prices": prices}
    whole |= {"seeing": sorted(tracks.seeing)} if tracks.seeing else {}
    whole |= {"tracks": written, "tools": tools}
    return _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", _laid_out(_with_lines(whole))) + "\n"


def read_tracks(text: str, *, source: str) -> Tracks:
    """Read what `written_tracks` wrote. Raises `ConfigError` that names *source* for anything else."""
    try:
        whole = _without_lines(json.loads(text))
        if whole["liteagent_cassette"] != _FORMAT:
            raise ConfigError(
                f"{source} has format {whole['liteagent_cassette']}, which this version does not know",
                hint="upgrade liteagent_nb, or record it anew",
            )
        prices = {name: Price(*price) if price else None for name, price in whole["prices"].items()}
        return Tracks(_tracks(whole["tracks"], whole["tools"]), prices, whole.get("seeing", ()))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ConfigError(
            f"{source} is no cassette: {type(error).__name__}: {error}",
            hint="get it back from version control, or delete it and record it anew",
        ) from None


def _tracks(written: Sequence[_Json], tools: _Json) -> list[Track]:
    found: dict[str, Track] = {}
    for entry in written:
        content = {name: value for name, value in entry.items() if name not in {"kind", "name", "id", "takes"}}
        if entry["kind"] == "model":
            before = found[content.pop("continues")].request.content["messages"] if "continues" in content else []
            content["messages"] = [*_list(before), *content["messages"]]
            content["tools"] = tools[content["tools"]] if content["tools"] else []
        found[entry["id"]] = Track(Request(entry["kind"], entry["name"], content), list(entry["takes"]))
    return list(found.values())


def _without_repetition(request: Request, earlier: Sequence[Request], tools: _Json) -> _Json:
    messages = _list(request.content["messages"])
    before = max(
        (one for one in earlier if _begins_with(messages, _list(one.content["messages"]))),
        key=lambda one: len(_list(one.content["messages"])),
        default=None,
    )
    told: _Json = {} if before is None else {"continues": before.key[:_SHORT]}
    told["messages"] = messages[len(_list(before.content["messages"])) :] if before else messages
    told["tools"] = ""
    if offered := request.content["tools"]:
        told["tools"] = Request("tool", "", {"tools": offered}).key[:_SHORT]
        tools.setdefault(told["tools"], offered)
    return told


def _begins_with(messages: list[object], start: list[object]) -> bool:
    return len(start) < len(messages) and messages[: len(start)] == start


def _list(value: object) -> list[object]:
    assert isinstance(value, list)
    return value


def _with_lines(value: object) -> object:
    """Return *value* with texts of several lines as lists of lines."""
    if isinstance(value, str) and "\n" in value:
        return {_LINES: value.split("\n")}
    if isinstance(value, Mapping):
        return {(_LINES + key if _is_marker(key) else key): _with_lines(inner) for key, inner in value.items()}
    return [_with_lines(inner) for inner in value] if isinstance(value, list | tuple) else value


def _without_lines(value: Any) -> Any:
    if isinstance(value, dict):
        if value.keys() == {_LINES}:
            return "\n".join(value[_LINES])
        return {(key[1:] if _is_marker(key) else key): _without_lines(inner) for key, inner in value.items()}
    return [_without_lines(inner) for inner in value] if isinstance(value, list) else value


def _is_marker(key: str) -> bool:
    """Whether a key that somebody else chose could be taken for our own; it is written with one more sign."""
    return bool(key) and not key.strip(_LINES)


def _laid_out(value: object, indent: int = 0) -> str:
    """Return JSON with one line for whatever fits on one, and one for each line of a text."""
    line = json.dumps(value, ensure_ascii=False)
    is_short = len(line) + indent <= _WIDTH and f'{{"{_LINES}": [' not in line
    if is_short or not isinstance(value, dict | list) or not value:
        return line
    if isinstance(value, list):
        return _bracketed("[", [_laid_out(inner, indent + 1) for inner in value], "]", indent)
    if value.keys() == {_LINES}:
        return _bracketed(
            f'{{"{_LINES}": [', [json.dumps(one, ensure_ascii=False) for one in value[_LINES]], "]}", indent
        )
    parts = [f"{json.dumps(key, ensure_ascii=False)}: {_laid_out(inner, indent + 1)}" for key, inner in value.items()]
    return _bracketed("{", parts, "}", indent)


def _bracketed(begin: str, parts: Sequence[str], end: str, indent: int) -> str:
    inner = "\n" + " " * (indent + 1)
    return f"{begin}{inner}{f',{inner}'.join(parts)}\n{' ' * indent}{end}"
