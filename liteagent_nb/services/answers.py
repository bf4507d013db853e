"""What a service answers: JSON, and one JSON shape for everything that is refused or failed."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from liteagent_nb.core.errors import (
    BudgetError,
    CassetteMiss,
    ConfigError,
    DeadKernel,
    ExecBusy,
    ExecError,
    ExecTimeout,
    LiteAgentError,
    ModelError,
    ToolError,
    UnknownContext,
    UnknownModel,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.types import ExceptionHandler

__all__ = [
    "ClientGone",
    "Failure",
    "Refusal",
    "Shape",
    "ShapeOf",
    "error_answer",
    "error_handlers",
    "failure_answer",
    "failure_of",
    "house_error_answer",
    "house_shape",
    "in_house_shape",
    "json_answer",
    "json_bytes",
    "stopping",
]

_CLIENT_GONE = 499
_WRONG_METHOD = 405
_STATUS_OF: tuple[tuple[type[LiteAgentError], int], ...] = (
    (UnknownContext, 404),
    (ExecBusy, 429),
    (ExecTimeout, 504),
    (DeadKernel, 503),
    (ExecError, 503),
    (UnknownModel, 404),
    (ConfigError, 400),
    (BudgetError, 400),
    (ToolError, 502),
    (ModelError, 502),
    (CassetteMiss, 502),
)
_STATUS_OF_MODEL = {400: 400, 404: 404, 408: 504, 413: 400, 422: 400, 508: 508}
"""What a provider says of the request itself is the caller's to mend; all else it says is between it and us."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What is said of a request that was refused or failed. *kind* is the error's `type`."""

    status: int
    kind: str
    message: str
    hint: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


Shape: TypeAlias = "Callable[[Failure], object]"
"""How a failure is said in JSON."""

ShapeOf: TypeAlias = "Callable[[str], Shape]"
"""Which shape the failures of a path have."""


def house_shape(failure: Failure) -> object:
    """Return *failure* in the services' own shape."""
    said = {"type": failure.kind, "message": failure.message, "status": failure.status, "hint": failure.hint}
    return {"ok": False, "error": said}


def in_house_shape(_path: str) -> Shape:
    """Return the services' own shape, whatever the path."""
    return house_shape


class Refusal(Exception):
    """A request that is answered with a status of 4xx or 5xx. *kind* is the error's `type`."""

    def __init__(
        self, status: int, kind: str, message: str, *, hint: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.failure = Failure(status, kind, message, hint, headers or {})

    def answer(self, shape: Shape = house_shape) -> Response:
        """Return it as a response."""
        return failure_answer(self.failure, shape)


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


def failure_answer(failure: Failure, shape: Shape = house_shape) -> Response:
    """Return the answer to a request that was refused or failed."""
    return json_answer(shape(failure), failure.status, failure.headers)


def error_answer(
    status: int, kind: str, message: str, *, hint: str = "", headers: Mapping[str, str] | None = None
) -> Response:
    """Return the one JSON of everything that is refused or failed."""
    return failure_answer(Failure(status, kind, message, hint, headers or {}))


def failure_of(error: Exception) -> Failure:
    """Return what is said of *error*: of this package's tree, a refusal, or one that nobody foresaw."""
    if isinstance(error, Refusal):
        return error.failure
    if not isinstance(error, LiteAgentError):
        message = f"the service failed: {type(error).__name__}"
        return Failure(500, "InternalError", message, "its log has the traceback")
    status = next((status for kind, status in _STATUS_OF if isinstance(error, kind)), 500)
    if isinstance(error, ModelError) and error.status is not None:
        status = _STATUS_OF_MODEL.get(error.status, status)
    headers = {"retry-after": str(max(1, math.ceil(error.retry_after_s)))} if isinstance(error, ExecBusy) else {}
    return Failure(status, type(error).__name__, str(error), error.hint, headers)


def house_error_answer(error: LiteAgentError) -> Response:
    """Return the answer to an error of this package's tree."""
    return failure_answer(failure_of(error))


def _http_failure(request: Request, error: HTTPException) -> Failure:
    where = f"{request.method} {request.url.path}"
    kind, message = {
        404: ("NotFound", f"there is no {where}"),
        405: ("MethodNotAllowed", f"there is no {where}, though there are other methods of this path"),
    }.get(error.status_code, ("HttpError", error.detail))
    headers = {"allow": _methods_of(request)} if error.status_code == _WRONG_METHOD else error.headers
    return Failure(error.status_code, kind, message, "/openapi.json lists the routes", headers or {})


def _methods_of(request: Request) -> str:
    """Return all methods of a path; starlette names those of its first route only."""
    at_path = [route for route in request.app.routes if route.path_regex.match(request.scope["path"])]
    return ", ".join(sorted({method for route in at_path for method in route.methods}))


async def _on_client_gone(_request: Request, _error: Exception) -> Response:
    return Response(status_code=_CLIENT_GONE)  # nobody reads it


def error_handlers(shape_of: ShapeOf = in_house_shape) -> dict[Any, ExceptionHandler]:
    """Return starlette's `exception_handlers`: one answer for each kind of failure, and none that is bare."""

    async def on_failure(request: Request, error: Exception) -> Response:
        failure = _http_failure(request, error) if isinstance(error, HTTPException) else failure_of(error)
        return failure_answer(failure, shape_of(request.url.path))

    kinds = (LiteAgentError, Refusal, HTTPException, Exception)
    gone = (ClientGone, ClientDisconnect)
    return {**dict.fromkeys(kinds, on_failure), **dict.fromkeys(gone, _on_client_gone)}


def _finite(value: object) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return value
