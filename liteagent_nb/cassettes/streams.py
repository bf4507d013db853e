"""A streamed reply as JSON: pieces of one kind are one readable text, with the places where it was cut and when."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from liteagent_nb.core.chat import Usage
from liteagent_nb.core.streaming import CallDelta, Delta

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from liteagent_nb.cassettes.masking import Mask

__all__ = ["Piece", "read_stream", "written_stream"]

_Part: TypeAlias = dict[str, Any]
"""The fields of a delta that are not empty. `pieces` has the lengths of what its text came in, `ms` the waits."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A delta, and how many milliseconds it came after the one before; the first, after the question."""

    delta: Delta
    ms: int


def written_stream(pieces: Iterable[Piece], mask: Mask) -> list[_Part]:
    """Return a reply as JSON, without secrets."""
    parts: list[tuple[_Part, list[str], list[int]]] = []
    for piece in pieces:
        head, text = _taken_apart(piece.delta)
        if parts and text and _goes_on(parts[-1][0], head):
            parts[-1][1].append(text)
            parts[-1][2].append(piece.ms)
        else:
            parts.append((head, [text], [piece.ms]))
    return [_part(*part, mask) for part in parts]


def read_stream(parts: Iterable[Mapping[str, Any]]) -> Iterator[Piece]:
    """Yield the pieces of a reply that `written_stream` wrote."""
    for part in parts:
        head = {name: value for name, value in part.items() if name not in {"pieces", "ms"}}
        growing = _growing(head)
        text = head.get(growing, "")
        sizes = [int(size) for size in part["pieces"].split()] if "pieces" in part else [len(text)]
        waits = [int(ms) for ms in str(part["ms"]).split()]
        position = 0
        for number, (size, ms) in enumerate(zip(sizes, waits, strict=True)):
            piece = text[position : position + size]
            yield Piece(_delta({**head, growing: piece} if growing else head, is_first=number == 0), ms)
            position += size


def _taken_apart(delta: Delta) -> tuple[_Part, str]:
    """Return the fields of a delta, and the one text that may grow, apart from them; none where it carries more."""
    head: _Part = {name: value for name in ("model", "finish_reason") if (value := getattr(delta, name))}
    if delta.usage is not None:
        head["usage"] = asdict(delta.usage)
    if len(delta.calls) == 1 and not (delta.text or delta.reasoning):
        call = asdict(delta.calls[0])
        arguments = call.pop("arguments")
        return {**head, "call": call, "arguments": ""}, arguments
    if delta.calls:
        head["calls"] = [asdict(call) for call in delta.calls]
    texts = {name: text for name in ("text", "reasoning") if (text := getattr(delta, name))}
    if len(texts) == 1 and not delta.calls:
        ((name, text),) = texts.items()
        return {**head, name: ""}, text
    return {**head, **texts}, ""


def _growing(head: Mapping[str, Any]) -> str:
    """Return which field is the text that may grow."""
    if "call" in head:
        return "arguments"
    texts = [name for name in ("text", "reasoning") if name in head]
    return texts[0] if len(texts) == 1 and "calls" not in head else ""


def _goes_on(part: _Part, head: _Part) -> bool:
    """Whether a delta with *head* brings nothing but more of the text of *part*."""
    if "finish_reason" in head or "usage" in head or "finish_reason" in part or "usage" in part:
        return False
    if "call" in part and "call" in head:
        # What goes on carries the index alone; where a server repeats id and name, its pieces stay apart.
        return head == {**part, "call": {**part["call"], "id": "", "name": ""}}
    return part == head and bool(_growing(part))


def _part(head: _Part, texts: list[str], waits: list[int], mask: Mask) -> _Part:
    growing, whole = _growing(head), "".join(texts)
    masked = mask({**head, growing: whole} if growing else head)
    assert isinstance(masked, dict)
    if len(texts) == 1 or masked.get(growing) != whole:
        # Masking moved the cuts: such a text comes in one piece.
        return {**masked, "ms": sum(waits)}
    return {**masked, "pieces": " ".join(str(len(text)) for text in texts), "ms": " ".join(map(str, waits))}


def _delta(fields: Mapping[str, Any], *, is_first: bool) -> Delta:
    delta = Delta(
        text=fields.get("text", ""),
        reasoning=fields.get("reasoning", ""),
        calls=tuple(CallDelta(**call) for call in fields.get("calls", ())),
        usage=Usage(**fields["usage"]) if "usage" in fields else None,
        finish_reason=fields.get("finish_reason", ""),
        model=fields.get("model", ""),
        is_replayed=True,
    )
    if "call" not in fields:
        return delta
    head = fields["call"] if is_first else {**fields["call"], "id": "", "name": ""}
    return replace(delta, calls=(CallDelta(**head, arguments=fields["arguments"]),))
