"""What goes wrong on the way to an agent, so that litellm makes its own kinds of errors of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from liteagent_nb.models.direct.errors import json_of, message_of
from liteagent_nb.models.quiet_litellm import litellm

if TYPE_CHECKING:
    import httpx

    from liteagent_nb.core.errors import LiteAgentError

__all__ = ["Refused", "no_reply", "refused", "unsendable"]

_BAD_REQUEST, _BAD_GATEWAY = 400, 502
_NO_SPACE = "context_length_exceeded"


class Refused(Exception):
    """An answer that is no reply. litellm reads the fields, and raises the error of its own that fits the status."""

    def __init__(self, status: int, message: str, response: httpx.Response | None = None) -> None:
        super().__init__(message)
        self.status_code = status
        self.message = message
        self.response = response
        self.litellm_response_headers = response.headers if response is not None else None


def refused(response: httpx.Response, *, model: str) -> Exception:
    """Return the error for *response*, whose body has been read and whose status is none of success."""
    told = json_of(response.content)
    message = message_of(told) or f"status {response.status_code} from {response.url}"
    error = told.get("error") if isinstance(told, dict) else None
    if isinstance(error, dict):
        if error.get("code") == _NO_SPACE:
            return _no_space(message, response, model=model)
        message += f" ({error['hint']})" if error.get("hint") else ""
    if response.has_redirect_location:
        message = f"{response.url} redirects to {response.headers['location']}: name that address as api_base"
    # A redirect is no status that litellm knows an error for.
    return Refused(max(response.status_code, _BAD_REQUEST), message, response)


def _no_space(message: str, response: httpx.Response, *, model: str) -> Exception:
    error: Exception = litellm.exceptions.ContextWindowExceededError(message, model, "codex-agent", response)
    return error


def no_reply(why: str, *, url: str) -> Refused:
    """Return the error for an answer that makes no sense."""
    return Refused(_BAD_GATEWAY, f"no usable reply from {url}: {why}")


def unsendable(error: LiteAgentError) -> Refused:
    """Return *error*, for which nothing was sent, with what to do about it."""
    return Refused(_BAD_REQUEST, f"{error}: {error.hint}")
