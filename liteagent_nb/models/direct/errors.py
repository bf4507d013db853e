"""What goes wrong on the direct path, as the errors that litellm would raise."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx

from liteagent_nb.models.quiet_litellm import litellm

if TYPE_CHECKING:
    from collections.abc import Iterable

    from liteagent_nb.models.direct.request import DirectRequest

__all__ = ["NoRoomToAnswer", "broken_transport", "json_of", "message_of", "refused"]

_NO_ROOM = "could not finish the message because max_tokens or model output limit was reached"


class NoRoomToAnswer(Exception):
    """The server refused since not a single token of an answer fits into the limit."""


def refused(status: int, headers: Iterable[tuple[str, str]], body: bytes, *, request: DirectRequest) -> Exception:
    """Return litellm's error for an answer that is not a stream; which of its kinds, litellm decides."""
    from litellm.llms.openai.common_utils import OpenAIError  # noqa: PLC0415 - where it moved, only errors suffer

    answer = httpx.Response(status, headers=list(headers), request=httpx.Request("POST", request.url))
    told = json_of(body)
    message = message_of(told) or f"Error code: {status}"
    if status == 400 and _NO_ROOM in message.lower():  # noqa: PLR2004 - HTTP
        return NoRoomToAnswer(message)
    error = OpenAIError(status_code=status, message=message, headers=answer.headers, response=answer, body=told)
    try:
        mapped = litellm.exception_type(model=request.model, original_exception=error, custom_llm_provider="openai")
    except Exception as raised:  # noqa: BLE001 - it raises what it finds
        mapped = raised
    return mapped if isinstance(mapped, Exception) else error


def json_of(body: bytes) -> Any:
    """Return the JSON of an answer; its text where it is none."""
    text = body.decode("utf-8", errors="replace").strip()
    try:
        return json.loads(text)
    except ValueError:
        return text


def message_of(told: Any) -> str:
    """Return the words that are meant to be read: OpenAI's `error.message`, or `message`."""
    error = told.get("error", told) if isinstance(told, dict) else None
    message = error.get("message") if isinstance(error, dict) else None
    return message if isinstance(message, str) else ""


def broken_transport(error: Exception, *, model: str, url: str) -> Exception:
    """Return litellm's or httpx's error for a connection that failed, broke or stalled."""
    if isinstance(error, TimeoutError):
        return litellm.exceptions.Timeout("Request timed out.", model=model, llm_provider="openai")
    return httpx.ConnectError("Connection error.", request=httpx.Request("POST", url))
