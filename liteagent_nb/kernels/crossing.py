"""Variables that cross into a context and back, by executing code alone: near, over HTTP and over a gateway alike."""

from __future__ import annotations

import contextlib
import inspect
import json
import secrets
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from hashlib import sha256
from typing import Any, NoReturn, TypeAlias

from liteagent_nb.core.errors import ConfigError, ExecError
from liteagent_nb.core.execution import ExecResult
from liteagent_nb.kernels import crossing_codec

__all__ = ["Packed", "digest", "fetch", "of_plain", "packed", "plain", "send", "unpacked"]

Runner: TypeAlias = Callable[[str], Awaitable[ExecResult]]
"""Executes code in the context."""

_MAX_MB = 50
_MAX_CHARS = _MAX_MB * 4_000_000 // 3  # bytes take a third more as text
_PIECE_CHARS = 500_000
"""Small enough for any limit of a request's size or of a printed output."""
_TOO_LARGE = "take a part of it, or write it to a file that both can read"

_SOURCE = inspect.getsource(crossing_codec)
_MODULE = f"_liteagent_crossing_{sha256(_SOURCE.encode()).hexdigest()[:12]}"
_CALL = f"__import__('sys').modules[{_MODULE!r}]"
_INSTALL = f"""
import sys, types
if {_MODULE!r} not in sys.modules:
    module = types.ModuleType({_MODULE!r})
    exec(compile({_SOURCE!r}, {_MODULE!r}, "exec", dont_inherit=True), module.__dict__)
    sys.modules[{_MODULE!r}] = module
"""
_INSTALLED = f"exec({_INSTALL!r}, {{}})"
"""Code that brings the codec into a context and defines no name there."""


@dataclass(frozen=True, slots=True)
class Packed:
    """A variable on its way: its name and its value as text."""

    name: str
    text: str


def packed(name: str, value: object) -> Packed:
    """Pack a variable of the notebook; what has no safe form is pickled, the context being the notebook's own.

    Raises `ConfigError` for what cannot cross.
    """
    try:
        text = crossing_codec.dumps(value, pickles=True)
    except crossing_codec.CannotCross as error:
        raise ConfigError(f"{name} cannot cross: {error}", hint=f"what can: {crossing_codec.KINDS}") from None
    if len(text) > _MAX_CHARS:
        raise ConfigError(f"{name} is too large to cross: {_mb(len(text))}, more than {_MAX_MB} MB", hint=_TOO_LARGE)
    return Packed(name, crossing_codec.pack(text))


async def send(variable: Packed, run: Runner) -> None:
    """Define *variable* in the context. Raises `ExecError` where that fails."""
    for code in _sending(variable):
        result = await run(code)
        if not result.ok:
            hint = "a class or a function of the notebook must be defined in the context first"
            raise ExecError(f"{variable.name} did not arrive: {result.error}", hint=hint)


def _sending(variable: Packed) -> Iterator[str]:
    ticket, text = secrets.token_hex(8), variable.text
    pieces = [text[start : start + _PIECE_CHARS] for start in range(0, len(text), _PIECE_CHARS)]
    calls = [f"{_CALL}.receive({ticket!r}, {piece!r})" for piece in pieces]
    define = f"{_CALL}.define(globals(), {variable.name!r}, {ticket!r})"
    yield f"{_INSTALLED}\n{calls[0]}" if len(calls) > 1 else f"{_INSTALLED}\n{calls[0]}\n{define}"
    yield from calls[1:-1]
    if len(calls) > 1:
        yield f"{calls[-1]}\n{define}"


async def fetch(name: str, run: Runner) -> Packed:
    """Return a variable of the context, still packed. Raises `ExecError` where there is none, or it cannot cross."""
    ticket = secrets.token_hex(8)
    text, size = "", 1
    while len(text) < size:
        call = (
            f"{_CALL}.tell(globals(), {name!r}, {ticket!r}, {len(text)}, size={_PIECE_CHARS}, max_chars={_MAX_CHARS})"
        )
        told = _told(await run(call if text else f"{_INSTALLED}\n{call}"), ticket)
        if told["error"]:
            _refuse(name, told)
        piece, size = str(told["text"]), int(told["size"])
        if not piece or size > _MAX_CHARS:
            raise ExecError(f"{name} did not come back whole", hint="run the cell again")
        text += piece
    return Packed(name, text)


def _told(result: ExecResult, ticket: str) -> dict[str, Any]:
    """Return the line of JSON with this *ticket*; other threads may have printed around it."""
    for line in result.stdout.splitlines():
        if f'"{ticket}"' in line:
            with contextlib.suppress(ValueError):  # it was cut off
                told: dict[str, Any] = json.loads(line[line.index("{") : line.rindex("}") + 1])
                return told
    raise ExecError(f"the context did not answer: {result.error or 'it printed something else'}", hint="%exec restart")


def _refuse(name: str, told: dict[str, Any]) -> NoReturn:
    if told["error"] == "missing":
        near = get_close_matches(name, told["names"], n=3)
        hint = f"did you mean {' or '.join(near)}?" if near else f"assign it there: {name} = …"
        raise ExecError(f"there is no {name} in the context", hint=hint)
    if told["error"] == "large":
        raise ExecError(
            f"{name} is too large to cross: {_mb(told['size'])}, more than {_MAX_MB} MB", hint="take a part of it"
        )
    hint = f"what can: {crossing_codec.KINDS}; no pickle, since reading one would run the context's code here"
    raise ExecError(f"{name} cannot come back: {told['text']}", hint=hint)


def unpacked(variable: Packed) -> object:
    """Return the value that `fetch` brought, without running code of the context. Raises `ExecError` for nonsense."""
    try:
        return crossing_codec.loads(crossing_codec.unpack(variable.text, _MAX_CHARS))
    except ImportError as error:
        raise ExecError(
            f"{variable.name} needs {error.name} in this notebook, too", hint=f"%pip install {error.name}"
        ) from None
    except Exception as error:  # noqa: BLE001 - whatever a context sends: it is data, and may be nonsense
        raise ExecError(f"{variable.name} came back as nonsense: {error!r:.200}", hint="run the cell again") from None


def plain(variable: Packed) -> object:
    """Return what crosses as JSON, so that a recording of it can be read."""
    return json.loads(crossing_codec.unpack(variable.text, _MAX_CHARS))


def of_plain(name: str, value: object) -> Packed:
    """Return the variable whose `plain` form is *value*."""
    return Packed(name, crossing_codec.pack(json.dumps(value)))


def digest(variable: Packed) -> str:
    """Return a fingerprint of the value; one packed by another version of zlib has the same."""
    return sha256(crossing_codec.unpack(variable.text, _MAX_CHARS).encode()).hexdigest()[:12]


def _mb(chars: int) -> str:
    return f"{chars * 3 / 4e6:,.0f} MB"
