"""HttpExecutor: the far ContextExecutor. Code runs where an exec service is."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote, urlsplit

import httpx

from liteagent_nb.core.errors import ConfigError, ExecError, ExecTimeout, LiteAgentError
from liteagent_nb.kernels.http_wire import error_of, events_of, object_of, read_context, read_language, read_result

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from liteagent_nb.core.execution import ExecResult, OutputWatcher
    from liteagent_nb.kernels.protocol import ContextStatus, LanguageStatus

__all__ = ["HttpExecutor"]

_MARGIN_S = 60.0
"""What an execution gets beyond its own time limit: for the way, its kernel's start, and its turn."""
_CONNECT_TIMEOUT_S = 10.0
_IDLE_S = 4.0
"""How long an idle connection is kept: less than the 5 s after which uvicorn closes it."""
_BROKEN_AT_ONCE_S = 1.0
_CLOSING_TIMEOUT_S = 5.0
_BROKEN = (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError, httpx.CloseError)


class HttpExecutor:
    """Runs code on the exec service at *url*; *token* is sent there and nowhere else.

    Redirects are not followed, and proxies of the environment are not asked. Opens nothing until it is asked for
    something. `aclose` closes the contexts that it made.
    """

    def __init__(self, url: str, token: str = "", *, margin_s: float = _MARGIN_S) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username:
            raise ConfigError(f"{url!r} is not the URL of an exec service", hint="such as http://127.0.0.1:8790")
        self._url = url.rstrip("/")
        self._headers = {"authorization": f"Bearer {token}"} if token else {}
        self._margin_s = margin_s
        self._client: httpx.AsyncClient | None = None
        self._made: set[str] = set()

    def __repr__(self) -> str:
        return f"HttpExecutor({self._url!r})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.aclose()

    async def execute(
        self,
        code: str,
        *,
        language: str = "python",
        timeout_s: float = 10.0,
        context: str = "",
        watch: OutputWatcher | None = None,
    ) -> ExecResult:
        """Run *code* over there. Being cancelled closes the connection, which interrupts it."""
        body = {"language": language, "code": code, "timeout_sec": timeout_s, "context": context}
        within_s = timeout_s + self._margin_s
        if watch is None:
            return read_result(await self._ask("POST", "/exec", body, within_s=within_s))
        async with self._answer("POST", "/exec/stream", body, within_s=within_s) as answer:
            return await _watched(answer, watch)

    async def create(self, language: str = "python", *, name: str = "") -> ContextStatus:
        """Open a context over there."""
        made = read_context(await self._ask("POST", "/contexts", {"language": language, "name": name}))
        self._made.add(made.id)
        return made

    async def contexts(self) -> Sequence[ContextStatus]:
        """Return all contexts that are open over there, other clients' too."""
        return [read_context(said) for said in (await self._ask("GET", "/contexts")).get("contexts", ())]

    async def interrupt(self, context: str) -> None:
        """Interrupt what runs in *context*."""
        await self._ask("POST", f"{_path(context)}/interrupt")

    async def restart(self, context: str) -> ContextStatus:
        """Give *context* a new kernel; its state is gone."""
        return read_context(await self._ask("POST", f"{_path(context)}/restart"))

    async def close(self, context: str) -> None:
        """Close *context* and end its kernel."""
        await self._ask("DELETE", _path(context))
        self._made.discard(context)

    async def languages(self) -> Sequence[LanguageStatus]:
        """Return the languages that can be run over there."""
        return [read_language(said) for said in (await self._ask("GET", "/languages")).get("languages", ())]

    async def aclose(self) -> None:
        """Close the contexts that were made here, and all connections."""
        made, self._made = self._made, set()
        for context in made:
            with contextlib.suppress(LiteAgentError):  # gone already, or nobody is there any more
                await self._ask("DELETE", _path(context), within_s=_CLOSING_TIMEOUT_S)
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _ask(
        self, method: str, path: str, body: Mapping[str, object] | None = None, *, within_s: float = _MARGIN_S
    ) -> Mapping[str, Any]:
        async with self._answer(method, path, body, within_s=within_s) as answer:
            return object_of(await answer.aread())

    @contextlib.asynccontextmanager
    async def _answer(
        self, method: str, path: str, body: Mapping[str, object] | None, *, within_s: float
    ) -> AsyncIterator[httpx.Response]:
        """Give the answer where it is a good one. Raises what another one stands for."""
        try:
            async with asyncio.timeout(within_s):
                answer = await self._sent(method, path, body)
                try:
                    if answer.status_code >= httpx.codes.MULTIPLE_CHOICES:
                        raise await _failure(answer)
                    yield answer
                finally:
                    await answer.aclose()
        except TimeoutError:
            hint = "the service is too busy, or the network is gone"
            raise ExecTimeout(f"{self._url} did not answer within {within_s:g} s", hint=hint) from None
        except httpx.HTTPError as error:
            what = str(error) or type(error).__name__
            raise ExecError(f"{self._url} cannot be reached: {what}", hint="is the service running?") from None

    async def _sent(self, method: str, path: str, body: Mapping[str, object] | None) -> httpx.Response:
        """Send a request; once more where a kept connection turned out to be closed before it could be read."""
        is_new: list[str] = []

        async def note(event: str, _details: object) -> None:
            if event.startswith("connection.connect"):
                is_new.append(event)

        started_s = time.monotonic()
        try:
            return await self._opened().send(self._request(method, path, body, note), stream=True)
        except _BROKEN:
            # Later, or on a new connection, the code may have run already.
            if is_new or time.monotonic() - started_s > _BROKEN_AT_ONCE_S:
                raise
            return await self._opened().send(self._request(method, path, body, note), stream=True)

    def _request(self, method: str, path: str, body: Mapping[str, object] | None, note: object) -> httpx.Request:
        headers, content = dict(self._headers), None
        if body is not None:
            content = json.dumps(body).encode()
            headers["content-type"] = "application/json"
        extensions = {"trace": note}
        return self._opened().build_request(
            method, self._url + path, headers=headers, content=content, extensions=extensions
        )

    def _opened(self) -> httpx.AsyncClient:
        if self._client is None:
            self._client = httpx.AsyncClient(
                timeout=httpx.Timeout(None, connect=_CONNECT_TIMEOUT_S),  # the whole has its limit in `_answer`
                limits=httpx.Limits(max_connections=None, max_keepalive_connections=20, keepalive_expiry=_IDLE_S),
                follow_redirects=False,
                trust_env=False,  # a proxy would see the token, and ~/.netrc would replace it
            )
        return self._client


def _path(context: str) -> str:
    return f"/contexts/{quote(context, safe='')}"


async def _watched(answer: httpx.Response, watch: OutputWatcher) -> ExecResult:
    result = None
    async for name, data in events_of(answer.aiter_bytes()):  # to its end, so that the connection is kept
        said = object_of(data)
        if name == "output":
            watch(said)
        elif name == "result":
            result = read_result(said)
        elif name == "error":
            raise error_of(said.get("error", {}).get("status", 0), data)
    if result is None:
        raise ExecError("the connection ended before the result came", hint="did the service stop?")
    return result


async def _failure(answer: httpx.Response) -> LiteAgentError:
    if answer.status_code < httpx.codes.BAD_REQUEST:
        where = answer.headers.get("location", "elsewhere")
        return ExecError(f"the service redirects to {where}; that is not followed", hint="give the URL it has moved to")
    return error_of(answer.status_code, await answer.aread(), answer.headers.get("retry-after", ""))
