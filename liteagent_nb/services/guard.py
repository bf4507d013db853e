"""Guard: who may ask a service, from where, how much at once. One place for all services."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import hmac
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from liteagent_nb.services.answers import Refusal, in_house_shape, stopping

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from liteagent_nb.services.answers import ShapeOf
    from liteagent_nb.services.metrics import Tally

__all__ = ["Guard", "GuardSettings", "is_loopback", "warn_if_open"]

_LOOPBACK_NAMES = frozenset({"localhost", "::1"})
_TOKEN_HINT = "send `Authorization: Bearer TOKEN`"  # noqa: S105 - a hint
_HEADERS = frozenset({b"host", b"origin", b"authorization", b"content-type", b"content-length", b"transfer-encoding"})


@dataclass(frozen=True, slots=True)
class GuardSettings:
    """What a guard lets through."""

    token: str = field(default="", repr=False)
    """Without one, everybody on this machine may ask, and nobody else."""
    hosts: frozenset[str] = frozenset()
    """Names the service is asked by, beside those of loopback and the address that was bound."""
    open_paths: frozenset[str] = frozenset({"/health"})
    """What is answered without a token."""
    limited_paths: frozenset[str] = frozenset()
    """The paths whose POSTs count as work."""
    max_work: int = 64
    """How many of these may be under way at once."""
    max_body_bytes: int = 10 << 20
    body_timeout_s: float = 30.0
    """How long a request may take to arrive."""


class Guard:
    """ASGI middleware that refuses what must not come in; its refusals are JSON like every other error.

    A port of this machine can be reached from every web page: the Host allow-list stops DNS rebinding, the Origin
    check and JSON bodies stop requests that a browser sends without asking first.
    """

    def __init__(self, app: ASGIApp, settings: GuardSettings, tally: Tally, shape_of: ShapeOf = in_house_shape) -> None:
        self._app = app
        self._shape_of = shape_of
        self._settings = settings
        self._tally = tally
        self._token = settings.token.encode()
        self._work = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what may come in, and refuse the rest."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await self._answer(scope, receive, _Counted(send, self._tally))

    async def _answer(self, scope: Scope, receive: Receive, send: _Counted) -> None:
        try:
            headers = {name: value for name, value in scope["headers"] if name in _HEADERS}
            self._check(scope, headers)
            is_work = scope["method"] == "POST" and scope["path"] in self._settings.limited_paths
            with self._place() if is_work else contextlib.nullcontext():
                await self._app(scope, await self._received(headers, receive), send)
        except Refusal as refusal:
            await refusal.answer(self._shape_of(scope["path"]))(scope, receive, send)
        except asyncio.CancelledError:  # the server stops, and would answer a bare 500 by itself
            if send.has_begun:
                raise
            await stopping().answer(self._shape_of(scope["path"]))(scope, receive, send)

    @contextlib.contextmanager
    def _place(self) -> Iterator[None]:
        """Hold one of the places for work; a request holds it while its body arrives, too, so memory is bounded."""
        if self._work >= self._settings.max_work:
            raise Refusal(
                429, "TooBusy", f"{self._work} requests are under way already", hint="try again after Retry-After",
                headers={"retry-after": "1"},
            )  # fmt: skip
        self._work += 1
        try:
            yield
        finally:
            self._work -= 1

    def _check(self, scope: Scope, headers: dict[bytes, bytes]) -> None:
        """Raise a `Refusal` for what a look at the head is enough to refuse."""
        host = headers.get(b"host", b"")
        address = (scope.get("server") or ("", None))[0] or ""
        self._check_address(scope, address)
        if not _is_own_name(_name_of(host), address, self._settings.hosts):
            raise Refusal(
                403, "ForeignHost", f"this service is not known as {host.decode('latin-1')!r}",
                hint="ask it by 127.0.0.1 or localhost, or start it with --allow-host NAME",
            )  # fmt: skip
        origin = headers.get(b"origin")
        if origin is not None and origin.lower() != scope.get("scheme", "http").encode() + b"://" + host.lower():
            raise Refusal(
                403, "ForeignOrigin", "a web page of another origin asked",
                hint="call this service from a program, not from a page",
            )  # fmt: skip
        if self._token and scope["path"] not in self._settings.open_paths:
            self._check_token(headers.get(b"authorization", b""))

    def _check_address(self, scope: Scope, address: str) -> None:
        # A unix socket has a path and no port: its file's mode says who may connect.
        is_far = not self._token and scope.get("server", ("", None))[1] is not None and not is_loopback(address)
        if is_far:
            raise Refusal(
                403, "TokenNeeded", "without a token this service answers on loopback only",
                hint="set MINI_AGENT_API_KEY for the service, or bind 127.0.0.1",
            )  # fmt: skip

    def _check_token(self, sent: bytes) -> None:
        scheme, _, token = sent.partition(b" ")
        if scheme.lower() != b"bearer" or not hmac.compare_digest(token.strip(), self._token):
            message = "the token is not right" if sent else "a token is needed"
            raise Refusal(401, "Unauthorized", message, hint=_TOKEN_HINT, headers={"www-authenticate": "Bearer"})

    async def _received(self, headers: dict[bytes, bytes], receive: Receive) -> Receive:
        """Return a `receive` that has the whole body in one message. Raises a `Refusal` for a body that must not be."""
        told = headers.get(b"content-length", b"0")
        length = int(told) if told.isdigit() else 0  # what is no number, no server lets through
        if not length and b"transfer-encoding" not in headers:
            return receive
        kind = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
        if kind != b"application/json":
            raise Refusal(
                415, "NotJson", f"bodies must be application/json, not {kind.decode('latin-1') or 'untyped'}",
                hint="send the header `content-type: application/json`",
            )  # fmt: skip
        if length > self._settings.max_body_bytes:
            raise self._too_large()
        try:
            async with asyncio.timeout(self._settings.body_timeout_s):
                body = await self._read(receive)
        except TimeoutError:
            raise Refusal(408, "BodyTimeout", "the body did not arrive in time", hint="send it at once") from None
        return _replay(body, receive)

    async def _read(self, receive: Receive) -> Message:
        """Read the body, however it is cut; *content-length* is a claim only."""
        pieces, size, more = [], 0, True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return message
            pieces.append(message.get("body", b""))
            size += len(pieces[-1])
            if size > self._settings.max_body_bytes:
                raise self._too_large()
            more = message.get("more_body", False)
        return {"type": "http.request", "body": b"".join(pieces), "more_body": False}

    def _too_large(self) -> Refusal:
        limit = self._settings.max_body_bytes
        return Refusal(413, "BodyTooLarge", f"bodies are limited to {limit} bytes", hint="send less, or in parts")


class _Counted:
    """A `send` that counts the answer, and knows whether it has begun."""

    def __init__(self, send: Send, tally: Tally) -> None:
        self.has_begun = False
        self._send = send
        self._tally = tally

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.has_begun = True
            self._tally.answered(message["status"])
        await self._send(message)


def is_loopback(address: str) -> bool:
    """Whether *address*, a number or a name, is this machine's own."""
    return address in _LOOPBACK_NAMES or address.startswith(("127.", "::ffff:127."))


def warn_if_open(settings: GuardSettings, service: str) -> None:
    """Say so where a service is open to every program on this machine."""
    if not settings.token:
        text = "%s asks for no token: it is open to every program on this machine (MINI_AGENT_API_KEY would set one)"
        logging.getLogger(__name__).warning(text, service)


@functools.lru_cache(maxsize=256)
def _name_of(host: bytes) -> str:
    """Return the name in a Host header, without its port."""
    text = host.decode("latin-1").strip().lower()
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0].rstrip(".")


def _is_own_name(name: str, address: str, hosts: frozenset[str]) -> bool:
    is_number = name.startswith("127.") and name.replace(".", "").isdigit()
    return name in _LOOPBACK_NAMES or is_number or name in hosts or (bool(name) and name == address)


def _replay(body: Message, receive: Receive) -> Receive:
    left = [body]

    async def replay() -> Message:
        return left.pop() if left else await receive()

    return replay
