"""What the exec service sends, read: results, contexts, languages, server-sent events, errors as this house's own."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar

from liteagent_nb.core.errors import (
    ConfigError,
    DeadKernel,
    ExecBusy,
    ExecError,
    ExecTimeout,
    LiteAgentError,
    UnknownContext,
)
from liteagent_nb.core.execution import ExecResult
from liteagent_nb.kernels.protocol import ContextStatus, LanguageStatus

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Mapping

__all__ = ["error_of", "events_of", "object_of", "read_context", "read_language", "read_result"]

T = TypeVar("T", ExecResult, ContextStatus, LanguageStatus)

_OWN_TYPES = {kind.__name__: kind for kind in (ConfigError, DeadKernel, ExecError, ExecTimeout, UnknownContext)}
_OF_REQUEST = {400, 401, 403, 409, 413, 415, 422}
_BUSY = 429
_NO_SERVICE_HINT = "start one with `jupyter liteagent exec-rpc`, and check the URL"


def read_result(said: Mapping[str, Any]) -> ExecResult:
    """Return the result in *said*. Raises `ExecError` where it is none."""
    return _read(ExecResult, {**said, "outputs": tuple(said.get("outputs", ()))})


def read_context(said: Mapping[str, Any]) -> ContextStatus:
    """Return the context in *said*. Raises `ExecError` where it is none."""
    return _read(ContextStatus, said)


def read_language(said: Mapping[str, Any]) -> LanguageStatus:
    """Return the language in *said*. Raises `ExecError` where it is none."""
    return _read(LanguageStatus, {**said, "aliases": tuple(said.get("aliases", ()))})


def object_of(body: bytes) -> Mapping[str, Any]:
    """Return the JSON object in *body*. Raises `ExecError` for anything else: something else answers there."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        raise ExecError("what answers is not an exec service: it sends no JSON object", hint=_NO_SERVICE_HINT)
    return said


def error_of(status: int, body: bytes, retry_after: str = "") -> LiteAgentError:
    """Return the error that an answer of *status* stands for."""
    said = _error_in(body)
    if not said:
        return ExecError(f"what answers is not an exec service: status {status}", hint=_NO_SERVICE_HINT)
    message, hint = str(said.get("message")), str(said.get("hint") or "")
    if status == _BUSY:
        return ExecBusy(message, hint=hint, retry_after_s=float(retry_after) if retry_after.isdecimal() else 1.0)
    own = _OWN_TYPES.get(str(said.get("type")), ConfigError if status in _OF_REQUEST else ExecError)
    return own(message, hint=hint)


async def events_of(pieces: AsyncIterable[bytes]) -> AsyncIterator[tuple[str, bytes]]:
    """Cut a stream of server-sent events into names and data; comments are left out."""
    held, searched = bytearray(), 0
    async for piece in pieces:
        held += piece
        while (end := held.find(b"\n\n", searched)) >= 0:
            name, data = _event_of(bytes(held[:end]))
            del held[: end + 2]
            searched = 0
            if name:
                yield name, data
        searched = max(0, len(held) - 1)


def _event_of(block: bytes) -> tuple[str, bytes]:
    name, data = "", b""
    for line in block.split(b"\n"):
        key, _, value = line.partition(b": ")
        if key == b"event":
            name = value.decode()
        elif key == b"data":
            data += value
    return name, data


def _error_in(body: bytes) -> Mapping[str, Any]:
    try:
        said = object_of(body).get("error")
    except ExecError:
        return {}
    return said if isinstance(said, dict) else {}


def _read(kind: type[T], said: Mapping[str, Any]) -> T:
    """Return *said* as a value; a newer service may say more than we know."""
    known = {field.name for field in fields(kind)}
    try:
        return kind(**{name: value for name, value in said.items() if name in known})
    except TypeError:
        raise ExecError(f"what answers is not an exec service: no {kind.__name__}", hint=_NO_SERVICE_HINT) from None
