"""Tools hosts for tests that answer as they are told, and remember what they were asked."""

from __future__ import annotations

import asyncio
import json
from contextlib import contextmanager
from dataclasses import dataclass, field

from exec_server import serving

ECHO = {"type": "function", "function": {"name": "echo", "parameters": {"type": "object", "properties": {}}}}


@dataclass
class Asked:
    """A request."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


def said(content, status=200, kind="application/json", **headers):
    """Return an answer; names of headers with _ for -."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    sent = [(b"content-type", kind.encode())]
    sent += [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return status, sent, [body]


def redirect(location, status=302):
    return said(b"", status, location=location)


@dataclass
class Host:
    """An ASGI app. *answers* gives them by method and path; a list is used up one by one, its last one stays."""

    answers: dict[str, object] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    url: str = ""
    is_left: bool = False

    def will(self, listing=None, call=None, **more):
        """Forget what was, and answer so from now on."""
        self.asked.clear()
        self.is_left = False
        self.answers = {
            "GET /tools": said([ECHO]) if listing is None else listing,
            "POST /invoke": said({"ok": True, "result": "hi"}) if call is None else call,
            **more,
        }
        return self

    def posts(self):
        return [asked for asked in self.asked if asked.method == "POST"]

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            return
        body = b""
        while (message := await receive()).get("more_body"):
            body += message["body"]
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        asked = Asked(scope["method"], scope["path"], headers, body + message["body"])
        self.asked.append(asked)
        answer = self.answers.get(f"{asked.method} {asked.path}", said(b"gone", 404, "text/plain"))
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        if answer is None:  # never
            while (await receive())["type"] != "http.disconnect":
                pass
            self.is_left = True
            return
        await self._send(*answer, receive, send)

    async def _send(self, status, headers, pieces, receive, send):
        leaving = asyncio.ensure_future(receive())
        await send({"type": "http.response.start", "status": status, "headers": headers})
        for piece in pieces:
            if isinstance(piece, float):
                await asyncio.sleep(piece)
            else:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
                await asyncio.sleep(0)  # to a client that is gone all can be sent at once, and nobody else gets a turn
            if leaving.done():
                self.is_left = True
                return
        leaving.cancel()
        await send({"type": "http.response.body", "body": b"", "more_body": False})


@contextmanager
def hosting():
    """Serve a Host on a free port."""
    host = Host()
    with serving(host) as host.url:
        yield host.will()
