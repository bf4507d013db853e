"""One question to a tools host and its answer: redirects, a full host, and how much is read, all within bounds."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import httpx

from liteagent_nb.core.errors import ConfigError, LiteAgentError, ToolError
from liteagent_nb.core.redaction import redact
from liteagent_nb.tools._http_headers import read_url

if TYPE_CHECKING:
    from liteagent_nb.core.per_loop import PerLoop
    from liteagent_nb.tools._http_headers import HostHeaders

__all__ = ["MAX_BYTES", "Answer", "Exchange"]

MAX_BYTES = 16 << 20
"""How much of an answer is read."""

_ERROR_BYTES = 4096
_ERROR_CHARS = 256
_MAX_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_KEEP_THE_METHOD = frozenset({307, 308})
_MAX_WAIT_S = 10.0
"""The longest `Retry-After` that is waited for."""
_WAIT_S = 1.0
"""How long is waited where a full host does not say."""
_OWN = {"accept": "application/json", "accept-encoding": "identity"}  # a packed answer could be a bomb


@dataclass(frozen=True, slots=True)
class Answer:
    """What a host answered."""

    status: int
    kind: str
    """Its media type."""
    body: bytes
    location: str = ""
    retry_after: str = ""


class Exchange:
    """Asks the host at *base*. *headers* go there, and to no other origin."""

    def __init__(self, base: httpx.URL, headers: HostHeaders, clients: PerLoop[httpx.AsyncClient]) -> None:
        self._base = base
        self._where = str(base).rstrip("/")
        self._headers = headers
        self._clients = clients

    async def ask(self, method: str, path: str, content: bytes | None = None, *, until_s: float) -> Answer:
        """Return a good answer; a host that is full is asked once more, if it says so before *until_s* (of the loop).

        Raises `ToolError` where the host cannot be reached, fails or is full, `ConfigError` for other refusals.
        """
        answer = await self._asked(method, path, content)
        if answer.status == httpx.codes.TOO_MANY_REQUESTS:
            wait_s = _wait_s(answer.retry_after)
            if wait_s <= min(_MAX_WAIT_S, until_s - asyncio.get_running_loop().time()):
                await asyncio.sleep(wait_s)
                answer = await self._asked(method, path, content)
        if answer.status >= httpx.codes.BAD_REQUEST:
            raise self._failure(answer)
        return answer

    async def _asked(self, method: str, path: str, content: bytes | None) -> Answer:
        url = self._base.copy_with(raw_path=self._base.raw_path.rstrip(b"/") + path.encode())
        headers = dict(self._headers.values)
        for _ in range(_MAX_REDIRECTS + 1):
            answer = await self._sent(method, url, headers, content)
            if answer.status not in _REDIRECTS:
                return answer
            url = self._next(url, answer, method)
            if _origin(url) != _origin(self._base):
                headers = {}  # for good: what leaves the host does not come back with them
        raise ConfigError(f"{self._where} redirects more than {_MAX_REDIRECTS} times", hint="check the URL")

    def _next(self, url: httpx.URL, answer: Answer, method: str) -> httpx.URL:
        """Return where a redirect leads. Raises `ConfigError` for one that is not followed."""
        target = read_url(answer.location, beside=url) if answer.location else httpx.URL()
        is_url = target.scheme in {"http", "https"} and target.host and not target.userinfo
        # A call may have been carried out by the one who redirects; and its arguments are for the host alone.
        is_safe = method == "GET" or (answer.status in _KEEP_THE_METHOD and _origin(target) == _origin(url))
        if not is_url or not is_safe:
            where = redact(str(target.copy_with(query=None, fragment=None)) if is_url else "nowhere", self._secrets)
            message = f"{self._where} redirects ({answer.status}) to {where}; a {method} does not follow there"
            raise ConfigError(message, hint="give the URL that it has moved to")
        return target

    async def _sent(self, method: str, url: httpx.URL, headers: dict[str, str], content: bytes | None) -> Answer:
        own = {**_OWN, "content-type": "application/json"} if content is not None else _OWN
        client = await self._clients.get()
        try:
            async with client.stream(method, url, headers=[*headers.items(), *own.items()], content=content) as answer:
                return await self._read(answer)
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:  # httpx reads where a redirect leads
            what = redact(str(error), self._secrets)[:_ERROR_CHARS] or type(error).__name__
            raise ToolError(f"{self._where} cannot be reached: {what}", hint="does the tools host run there?") from None

    async def _read(self, answer: httpx.Response) -> Answer:
        kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
        is_error = answer.status_code >= httpx.codes.BAD_REQUEST
        body = b""
        if answer.status_code not in _REDIRECTS:
            body = await self._body(answer, _ERROR_BYTES if is_error else MAX_BYTES, is_error=is_error)
        location, retry_after = (answer.headers.get(name, "") for name in ("location", "retry-after"))
        return Answer(answer.status_code, kind, body, location, retry_after)

    async def _body(self, answer: httpx.Response, limit: int, *, is_error: bool) -> bytes:
        if answer.headers.get("content-encoding", "identity").lower() != "identity":
            raise ToolError(f"{self._where} sends packed answers, though none was asked for", hint="ask its maker")
        body = bytearray()
        async for piece in answer.aiter_raw():
            body += piece
            if len(body) > limit and is_error:
                break
            if len(body) > limit:
                raise ToolError(f"{self._where} answers more than {limit >> 20} MB", hint="let the tool answer less")
        return bytes(body)

    def _failure(self, answer: Answer) -> LiteAgentError:
        said = redact(answer.body.decode(errors="replace"), self._secrets)[:_ERROR_CHARS].strip()
        message = f"HTTP {answer.status} from {self._where}{f': {said}' if said else ''}"
        if answer.status in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}:
            return ConfigError(message, hint=self._headers.hint)
        if answer.status == httpx.codes.TOO_MANY_REQUESTS:
            again = f"after {answer.retry_after} (Retry-After)" if answer.retry_after else "later"
            return ToolError(message, hint=f"the host is full: try again {again[:80]}")
        if answer.status >= httpx.codes.INTERNAL_SERVER_ERROR:
            return ToolError(message, hint="the tools host fails: its log may say why")
        return ConfigError(message, hint="check the URL, the tool's name and its arguments")

    @property
    def _secrets(self) -> list[str]:
        return self._headers.secrets


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _wait_s(retry_after: str) -> float:
    """Return how long to wait: seconds, or until a date."""
    if retry_after.isdecimal():
        return float(retry_after)
    try:
        until = parsedate_to_datetime(retry_after)
    except (ValueError, OverflowError):
        return _WAIT_S
    return max(0.0, (until.replace(tzinfo=until.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
