"""Door: a route with what it takes and gives, so that the routes and their OpenAPI schema are one list."""

from __future__ import annotations

import http
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from starlette.routing import Route

from liteagent_nb.services.schema_words import ref

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

__all__ = ["ERROR_SCHEMA", "Door", "openapi", "routes"]

Method: TypeAlias = Literal["GET", "POST", "DELETE"]

Endpoint: TypeAlias = "Callable[[Request], Awaitable[Answer]]"

Schema: TypeAlias = "Mapping[str, object]"

ERROR_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["ok", "error"],
    "properties": {
        "ok": {"const": False},
        "error": {
            "type": "object",
            "required": ["type", "message", "status", "hint"],
            "properties": {
                "type": {"type": "string"},
                "message": {"type": "string"},
                "status": {"type": "integer"},
                "hint": {"type": "string", "description": "What to do, in one line"},
            },
        },
    },
}
"""Every 4xx and 5xx."""

_RETRY_AFTER = {"Retry-After": {"required": True, "schema": {"type": "integer", "minimum": 1}}}
_GUARDED = (401, 403)
_OF_BODY = (400, 408, 413, 415, 422)


class Answer(Protocol):
    """What an endpoint returns: a response of starlette's, or what sends one."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send, /) -> None:
        """Send it."""


@dataclass(frozen=True, slots=True)
class Door:
    """A route."""

    method: Method
    path: str
    endpoint: Endpoint
    about: str
    gives: Schema
    """The schema of its answer."""
    takes: Schema | None = None
    """The schema of its body."""
    is_body_optional: bool = False
    media_type: str = "application/json"
    also: tuple[str, Schema] | None = None
    """Another media type of its answer, and the schema of that."""
    status: int = 200
    errors: tuple[int, ...] = ()
    """What else it may answer, beside what the guard and the reading of bodies may."""
    is_open: bool = False
    """Whether it is answered without a token."""
    id: str = ""
    """Its name in the schema, where that of the endpoint is another door's."""
    error: str = "Error"
    """The name of its failures' schema."""


def routes(doors: Sequence[Door]) -> list[Route]:
    """Return the routes of *doors*."""
    return [Route(door.path, door.endpoint, methods=[door.method]) for door in doors]


def openapi(doors: Sequence[Door], *, title: str, version: str, schemas: Mapping[str, Schema]) -> dict[str, object]:
    """Return the OpenAPI 3.1 schema of *doors*."""
    paths: dict[str, dict[str, object]] = {}
    for door in doors:
        paths.setdefault(door.path, {})[door.method.lower()] = _operation(door)
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version},
        "paths": paths,
        "components": {
            "schemas": {**schemas, "Error": ERROR_SCHEMA},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(door: Door) -> dict[str, object]:
    """Return one operation."""
    about: dict[str, object] = {
        "operationId": door.id or door.endpoint.__name__.strip("_"),
        "summary": door.about,
        "security": [] if door.is_open else [{"token": []}],
        "responses": {str(door.status): _answer(door), **_failures(door)},
    }
    if names := re.findall(r"\{(\w+)\}", door.path):
        about["parameters"] = [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
            for name in names
        ]
    if door.takes is not None:
        body = {"application/json": {"schema": door.takes}}
        about["requestBody"] = {"required": not door.is_body_optional, "content": body}
    return about


def _failures(door: Door) -> dict[str, object]:
    return {str(code): _failure(code, door.error) for code in _errors_of(door)}


def _answer(door: Door) -> dict[str, object]:
    kinds = [(door.media_type, door.gives), *([door.also] if door.also else [])]
    return {"description": door.about, "content": {kind: {"schema": schema} for kind, schema in kinds}}


def _errors_of(door: Door) -> list[int]:
    of_guard = _GUARDED[1:] if door.is_open else _GUARDED
    # A body that nobody asked for is refused like one of the wrong kind.
    return sorted({*of_guard, *(_OF_BODY if door.takes is not None else (408, 413, 415)), *door.errors, 500})


def _failure(status: int, schema: str) -> dict[str, object]:
    content = {"application/json": {"schema": ref(schema)}}
    about: dict[str, object] = {"description": http.HTTPStatus(status).phrase, "content": content}
    return {**about, "headers": _RETRY_AFTER} if status == http.HTTPStatus.TOO_MANY_REQUESTS else about
