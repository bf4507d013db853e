"""What litellm raises, as the house's errors: what went wrong, and what to do about it."""

from __future__ import annotations

import re
import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import httpx
import openai

from liteagent_nb.core.errors import ConfigError, ModelError
from liteagent_nb.core.redaction import redact
from liteagent_nb.core.retrying import is_quota
from liteagent_nb.models.quiet_litellm import litellm

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from liteagent_nb.core.errors import LiteAgentError

__all__ = ["as_house_error", "broken_off", "retry_after_s"]

_PREFIXES = re.compile(r"^(?:litellm\.\w+: |[\w-]+(?:Error|Exception)(?: -|:) )+")
_MAX_CHARS = 1000
_TOO_MANY, _SERVER_ERROR, _REQUEST_TIMEOUT = 429, 500, 408

_HINTS = {
    400: "the provider refuses the request as it stands; see what it says",
    403: "the key may not use this model: ask for another one, or check the key's project",
    404: "check the model's name and api_base",
    408: "try again, or raise `timeout` in completion_kwargs",
    413: "the request is too long: lower hard_char_budget",
    422: "the provider refuses the request as it stands; see what it says",
    429: "wait a little, or name another model",
}
_NO_SPACE = ("context_length", "context window", "maximum context")


def as_house_error(error: Exception, *, key_name: str, secrets: Iterable[str], had_content: bool) -> LiteAgentError:
    """Return *error* as `ModelError`, or as `ConfigError` where litellm itself refused before sending.

    No key is in its text: *secrets*, and what looks like one, are masked.
    """
    source = _source(error)
    words = _PREFIXES.sub("", str(source)).partition("\nTraceback (most recent call last)")[0].strip()
    text = redact(words, secrets)[:_MAX_CHARS] or type(source).__name__
    if isinstance(error, ImportError | litellm.exceptions.UnsupportedParamsError):
        return ConfigError(text, hint="leave the parameter out, or install what it names")
    if had_content:
        return ModelError(f"the reply broke off: {text}", hint="what came so far is kept; ask again")
    if isinstance(source, openai.APITimeoutError):
        return ModelError(f"no answer in time: {text}", hint=_HINTS[_REQUEST_TIMEOUT], status=_REQUEST_TIMEOUT)
    status = _status(error)
    if status is None and _is_connection_error(error):
        return ModelError(f"no connection: {text}", hint="is the server up, and is api_base right?")
    if status is None:
        return ModelError(f"no usable reply: {text}", hint="is there an OpenAI-compatible server at api_base?")
    hint, wait_s = _hint(status, text, key_name, error), retry_after_s(error)
    return ModelError(f"status {status}: {text}", hint=hint, status=status, retry_after_s=wait_s)


def broken_off(*, had_content: bool) -> ModelError:
    """Return the error for a stream that ended without saying so."""
    if had_content:
        return ModelError("the reply broke off", hint="what came so far is kept; ask again")
    return ModelError("no usable reply: the stream was empty", hint="is there an OpenAI-compatible server at api_base?")


def _source(error: Exception) -> Exception:
    """Return what is behind litellm's wrapper for a break in the middle of a stream."""
    inner = getattr(error, "original_exception", None)
    return inner if isinstance(inner, Exception) else error


def _chain(error: BaseException | None) -> list[BaseException]:
    links: list[BaseException] = []
    while error is not None and error not in links:
        links.append(error)
        error = error.__cause__ or error.__context__
    return links


def _status(error: Exception) -> int | None:
    """Return the status that a server answered with; litellm makes up a 500 where there was no answer."""
    is_made_up = hasattr(error, "original_exception") or isinstance(error, openai.APIConnectionError)
    if is_made_up or _is_connection_error(error):
        return None
    status = getattr(error, "status_code", None)
    return status if isinstance(status, int) else None


def _is_connection_error(error: Exception) -> bool:
    """Whether the network failed; litellm calls everything that it does not understand a connection error, too."""
    return any(
        type(link) is openai.APIConnectionError or isinstance(link, httpx.TransportError) for link in _chain(error)
    )


def _hint(status: int, text: str, key_name: str, error: Exception) -> str:
    if status == 401:  # noqa: PLR2004 - HTTP
        return f"set {key_name} to a valid key, or give api_key in completion_kwargs"
    if status == _TOO_MANY and is_quota(text):
        return "the quota is used up: check the plan, or name another model"
    if status == _TOO_MANY and (wait_s := retry_after_s(error)):
        return f"try again in {wait_s:.0f} s, or name another model"
    if any(word in text.lower() for word in _NO_SPACE):
        return "the transcript is too long for this model: lower hard_char_budget"
    if status >= _SERVER_ERROR:
        return "the provider is in trouble: try again, or name another model"
    return _HINTS.get(status, _HINTS[400])


def retry_after_s(error: Exception) -> float | None:
    """Return how long the server asks to wait: its `Retry-After` is a number of seconds or a date."""
    headers: Mapping[str, str] = getattr(error, "litellm_response_headers", None) or {}
    told = str(headers.get("retry-after", "")).strip()
    if not told:
        return None
    try:
        return max(0.0, float(told))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(told).timestamp() - time.time())
    except ValueError:
        return None
