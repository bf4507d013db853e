"""What is kept of an answer, whole or streamed, and the answer made of it again."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["Recording", "piece_of", "read_reply", "read_stream", "write_reply"]

_KEPT = ("model_id", "litellm_model_name", "custom_llm_provider")
"""Of litellm's hidden parameters those that say who answered; others tell of one sending, addresses and headers."""


def write_reply(reply: Any) -> bytes | None:
    """Return *reply* as bytes; None for what is not worth keeping: no chat completion, or one without output."""
    if not _is_a(reply, "ModelResponse") or not any(map(_says_something, reply.choices)) or _is_from_fallback(reply):
        return None
    return b'{"hidden":%s,"reply":%s}' % (_hidden_of(reply), reply.model_dump_json().encode())


def read_reply(data: bytes, *, key: str) -> Any:
    """Return the answer that *data* is of, marked as a hit. Raises `ValueError` for what is none."""
    types = _types()
    try:
        told = json.loads(data)
        if not told["reply"]["choices"][0]["message"]:  # litellm makes an empty answer of anything
            raise ValueError("this is no recorded answer")
        reply = types.ModelResponse(**told["reply"])
        reply._hidden_params = _of_a_hit(told["hidden"], key=key)  # noqa: SLF001 - where litellm itself says it
    except (LookupError, TypeError, AttributeError) as error:
        raise ValueError("this is no recorded answer") from error
    return reply


class Recording:
    """A stream's pieces, noted while they pass."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._hidden = b"{}"
        self._is_worth_keeping = True
        self._is_finished = False

    def note(self, piece: Any) -> None:
        """Note one piece."""
        if not _is_a(piece, "ModelResponseStream"):
            self._is_worth_keeping = False
            return
        if not self._pieces:
            self._hidden = _hidden_of(piece)
        self._is_finished = self._is_finished or any(choice.finish_reason for choice in piece.choices)
        self._pieces.append(piece.model_dump_json().encode())

    def data(self, stream: Any) -> bytes | None:
        """Return the whole of *stream*, which came to its end; None where that is not worth keeping."""
        if not (self._is_worth_keeping and self._is_finished) or _is_from_fallback(stream):
            return None
        return b'{"hidden":%s,"pieces":[%s]}' % (self._hidden, b",".join(self._pieces))


def read_stream(data: bytes, *, key: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return the pieces that *data* is of, as mappings, and what each says of itself. Raises `ValueError`."""
    try:
        told = json.loads(data)
        return list(told["pieces"]), _of_a_hit(told["hidden"], key=key)
    except (LookupError, TypeError, AttributeError) as error:
        raise ValueError("this is no recorded stream") from error


def piece_of(told: dict[str, Any], hidden: dict[str, Any]) -> Any:
    """Return a piece as litellm gives it."""
    piece = _types().ModelResponseStream(**told)
    piece._hidden_params = dict(hidden)  # noqa: SLF001 - where litellm itself says it
    return piece


def _of_a_hit(hidden: dict[str, Any], *, key: str) -> dict[str, Any]:
    return {**hidden, "cache_hit": True, "cache_key": key, "response_cost": 0.0, "additional_headers": {}}


def _says_something(choice: Any) -> bool:
    message = choice.message
    return any(getattr(message, name, None) for name in ("content", "tool_calls", "function_call", "audio", "images"))


def _is_from_fallback(response: Any) -> bool:
    """Whether another model stood in: the next time the right one may be back."""
    headers = _hidden(response).get("additional_headers")
    return bool(isinstance(headers, dict) and headers.get("x-litellm-attempted-fallbacks"))


def _hidden(response: Any) -> dict[str, Any]:
    hidden = getattr(response, "_hidden_params", None)
    return dict(hidden) if hidden else {}


def _hidden_of(response: Any) -> bytes:
    hidden = _hidden(response)
    return json.dumps({name: hidden[name] for name in _KEPT if isinstance(hidden.get(name), str)}).encode()


def _is_a(thing: object, name: str) -> bool:
    return isinstance(thing, getattr(_types(), name))


def _types() -> Any:
    import litellm.types.utils as types  # noqa: PLC0415 - whoever has a router has loaded it already

    return types
