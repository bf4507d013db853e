"""What an arm may bring, read as Deltas: text, our own pieces, chunks and whole answers in OpenAI's shape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from liteagent_nb.core.chat import text_of
from liteagent_nb.core.streaming import CallDelta, Delta

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["delta_of", "is_one_piece"]


def is_one_piece(answer: object) -> bool:
    """Whether *answer* is text, a piece or a whole answer, and no stream: SDK objects may be iterated, too."""
    return answer is None or isinstance(answer, str | Delta | dict) or hasattr(answer, "choices")


def delta_of(piece: object) -> Delta:
    """Return what *piece* carries; what is none of the above counts by its printed form."""
    if isinstance(piece, Delta):
        return piece
    if piece is None or isinstance(piece, str):
        return Delta(text=piece or "")
    choices = _field(piece, "choices")
    if choices is None:
        return Delta(text=text_of(piece))
    return _of_choice(choices[0]) if choices else Delta()


def _of_choice(choice: Any) -> Delta:
    said = _field(choice, "delta") or _field(choice, "message")
    return Delta(
        text=text_of(_field(said, "content")),
        calls=tuple(_calls(said)),
        reasoning=text_of(_field(said, "reasoning_content")),
        finish_reason=_field(choice, "finish_reason") or "",
    )


def _calls(said: Any) -> Iterator[CallDelta]:
    for call in _field(said, "tool_calls") or ():
        function = _field(call, "function")
        name, arguments = _field(function, "name") or "", _field(function, "arguments") or ""
        yield CallDelta(_field(call, "index"), _field(call, "id") or "", name, arguments)


def _field(thing: Any, name: str) -> Any:
    return thing.get(name) if isinstance(thing, dict) else getattr(thing, name, None)
