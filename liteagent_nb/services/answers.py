"""What a service answers: JSON, and one JSON shape for everything that is refused or failed."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from liteagent_nb.core.errors import (
    ConfigError,
    DeadKernel,
    ExecBusy,
    ExecError,
    ExecTimeout,
    LiteAgentError,
    ToolError,
    UnknownContext,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.types import ExceptionHandler

__all__ = [
    "ClientGone",
    "Refusal",
    "error_answer",
    "error_handlers",
    "failed_answer",
    "house_error_answer",
    "json_answer",
    "json_bytes",
]

_CLIENT_GONE = 499
_WRONG_METHOD = 405
_STATUS_OF: tuple[tuple[type[LiteAgentError], int], ...] = (
    (UnknownContext, 404),
    (ExecBusy, 429),
    (ExecTimeout, 504),
    (DeadKernel, 503),
    (ExecError, 503),
    (ToolError, 502),
    (ConfigError, 400),
)


class Refusal(Exception):
    """A request that is answered with a status of 4xx or 5xx. *kind* is the error's `type`."""

    def __init__(
        self, status: int, kind: str, message: str, *, hint: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.hint = hint
        self.headers = headers

    def answer(self) -> Response:
        """Return it as a response."""
        return error_answer(self.status, self.kind, str(self), hint=self.hint, headers=self.headers)


def stopping() -> Refusal:
    """Return what is answered to work that a stop of the server cuts short."""
    return Refusal(503, "Stopping", "the service stops", hint="try again when it is back")


class ClientGone(Exception):
    """The client went away before its answer."""


def json_bytes(content: object) -> bytes:
    """Return *content* as JSON that every reader takes: NaN, which JSON does not know, becomes null."""
    try:
        return json.dumps(content, allow_nan=False, separators=(",", ":"), default=str).encode()
    except ValueError:
        return json.dumps(_finite(content), allow_nan=False, separators=(",", ":"), default=str).encode()


def json_answer(content: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return *content* as a JSON response."""
    return Response(json_bytes(content), status, headers, "application/json")


def error_answer(
    status: int, kind: str, message: str, *, hint: str = "", headers: Mapping[str, str] | None = None
) -> Response:
    """Return the one JSON of everything that is refused or failed."""
    error = {"type": kind, "message": message, "status": status, "hint": hint}
    return json_answer({"ok": False, "error": error}, status, headers)


def house_error_answer(error: LiteAgentError) -> Response:
    """Return the answer to an error of this package's tree."""
    status = next((status for kind, status in _STATUS_OF if isinstance(error, kind)), 500)
    headers = {"retry-after": str(max(1, math.ceil(error.retry_after_s)))} if isinstance(error, ExecBusy) else None
    return error_answer(status, type(error).__name__, str(error), hint=error.hint, headers=headers)


def failed_answer(error: Exception) -> Response:
    """Return the answer to an error that nobody foresaw."""
    message = f"the service failed: {type(error).__name__}"
    return error_answer(500, "InternalError", message, hint="its log has the traceback")


async def _on_house_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, LiteAgentError)
    return house_error_answer(error)


async def _on_refusal(_request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    return error.answer()


async def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    where = f"{request.method} {request.url.path}"
    kind, message = {
        404: ("NotFound", f"there is no {where}"),
        405: ("MethodNotAllowed", f"there is no {where}, though there are other methods of this path"),
    }.get(error.status_code, ("HttpError", error.detail))
    headers = {"allow": _methods_of(request)} if error.status_code == _WRONG_METHOD else error.headers
    return error_answer(error.status_code, kind, message, hint="/openapi.json lists the routes", headers=headers)


def _methods_of(request: Request) -> str:
    """Return all methods of a path; starlette names those of its first route only."""
    at_path = [route for route in request.app.routes if route.path_regex.match(request.scope["path"])]
    return ", ".join(sorted({method for route in at_path for method in route.methods}))


async def _on_client_gone(_request: Request, _error: Exception) -> Response:
    return Response(status_code=_CLIENT_GONE)  # nobody reads it


async def _on_anything(_request: Request, error: Exception) -> Response:
    return failed_answer(error)


def error_handlers() -> dict[Any, ExceptionHandler]:
    """Return starlette's `exception_handlers`: one answer for each kind of failure, and none that is bare."""
    return {
        LiteAgentError: _on_house_error,
        Refusal: _on_refusal,
        ClientGone: _on_client_gone,
        ClientDisconnect: _on_client_gone,
        HTTPException: _on_http_exception,
        Exception: _on_anything,
    }


def _finite(value: object) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return value
