"""What to say where nothing was recorded: the nearest recording, and how it differs."""

from __future__ import annotations

import difflib
import json
from itertools import zip_longest
from typing import TYPE_CHECKING

from liteagent_nb.core.errors import CassetteMiss

if TYPE_CHECKING:
    from collections.abc import Iterator

    from liteagent_nb.cassettes.requests import Request
    from liteagent_nb.cassettes.tracks import Tracks

__all__ = ["miss"]

_MAX_DIFFERENCES = 6
_MAX_CHARS = 160
_LONG = 60
_ASKED = {"model": "question to {}", "tool": "call of {}", "execution": "{} code", "listing": "list of the tools of {}"}
_HINT = "re-record it with `%agent cassette auto` or LITEAGENT_CASSETTE=auto, or undo what changed"


def miss(request: Request, tracks: Tracks, *, source: str) -> CassetteMiss:
    """Return the error for *request*, which is not on the cassette named *source*."""
    asked = _ASKED[request.kind].format(request.name)
    near = _nearest(request, tracks)
    if near is None:
        recorded = sorted({track.request.name for track in tracks.of(request.kind)})
        known = f"it holds what was asked of {', '.join(recorded)}" if recorded else "it holds nothing of that kind"
        return CassetteMiss(f"{source} has no recording of this {asked}; {known}", hint=_HINT)
    found = list(_differences(near.content, request.content, ""))
    lines = [f"  {line}" for line in found[:_MAX_DIFFERENCES]]
    lines += [f"  … and {len(found) - _MAX_DIFFERENCES} more"] if len(found) > _MAX_DIFFERENCES else []
    told = "\n".join([f"{source} has no recording of this {asked}; the nearest one differs in", *lines])
    return CassetteMiss(told, hint=_HINT)


def _nearest(request: Request, tracks: Tracks) -> Request | None:
    """Return the recorded request of the same kind and name that shares most with this one."""
    same = [track.request for track in tracks.of(request.kind) if track.request.name == request.name]
    text = _text(request)
    return max(same, key=lambda one: _likeness(text, _text(one)), default=None)


def _text(request: Request) -> list[str]:
    return json.dumps(request.content, indent=0, sort_keys=True, ensure_ascii=False).split("\n")


def _likeness(a: list[str], b: list[str]) -> float:
    return difflib.SequenceMatcher(None, a, b, autojunk=False).ratio()


def _differences(old: object, new: object, place: str) -> Iterator[str]:
    """Yield where *new* is not as *old* was, one line a place: `messages[1].content: 'a' → 'b'`."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys([*old, *new]):
            inner = f"{place}.{key}" if place else str(key)
            yield from _differences(old.get(key, _ABSENT), new.get(key, _ABSENT), inner)
    elif isinstance(old, list) and isinstance(new, list):
        for index, (a, b) in enumerate(zip_longest(old, new, fillvalue=_ABSENT)):
            yield from _differences(a, b, f"{place}[{index}]")
    elif old != new:
        yield "what ran before it in its context" if place == "after" else f"{place}: {_told(old, new)}"


class _Absent:
    """Nothing where the other has something."""


_ABSENT = _Absent()


def _told(old: object, new: object) -> str:
    if old is _ABSENT:
        return f"new: {_short(new)}"
    if new is _ABSENT:
        return f"missing: {_short(old)}"
    if isinstance(old, str) and isinstance(new, str) and max(len(old), len(new)) > _LONG:
        return _text_difference(old, new)
    return f"{_short(old)} → {_short(new)}"


def _text_difference(old: str, new: str) -> str:
    """Return the first place where two long texts part, with a little of what is around it."""
    same = next((i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    start = max(0, same - _LONG // 3)
    lead = "…" if start else ""
    a, b = (_short(text[start : start + _LONG]) for text in (old, new))
    return f"from character {same}: {lead}{a} → {lead}{b}"


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _MAX_CHARS else f"{text[: _MAX_CHARS - 1]}…"
