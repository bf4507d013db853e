"""A server that sends the very bytes that a script names: cut where it says, with pauses, silences and breaks."""

from __future__ import annotations

import asyncio
import contextlib
import enum
import json
import re
import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from liteagent_nb.core.portal import Portal

if TYPE_CHECKING:
    from collections.abc import Mapping

LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


class Mark(enum.Enum):
    """What a script does other than to send."""

    HANG = "say nothing more until the client has left"
    CUT = "close the connection, the answer unfinished"


HANG, CUT = Mark.HANG, Mark.CUT


@dataclass(frozen=True, slots=True)
class Pause:
    seconds: float = 0.005


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer. *early* comes before its head: only pauses and marks can."""

    steps: tuple[bytes | Pause | Mark, ...] = ()
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    content_type: str = "text/event-stream; charset=utf-8"
    early: tuple[Pause | Mark, ...] = ()

    def told(self, question: str) -> Answer:
        """Return it with `<said>` replaced by the question."""
        steps = (step.replace(b"<said>", question.encode()) if isinstance(step, bytes) else step for step in self.steps)
        return replace(self, steps=tuple(steps))

    @property
    def head(self) -> bytes:
        lines = [f"HTTP/1.1 {self.status} Told", f"content-type: {self.content_type}", "transfer-encoding: chunked"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        return "\r\n".join([*lines, "", ""]).encode()


@dataclass(slots=True)
class Asked:
    """One request. *outcome* is `done`, `cut` (by the script), or `left` (by the client)."""

    name: str
    headers: dict[str, str]
    body: dict[str, object]
    outcome: str = "open"
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def question(self) -> str:
        """What was said last, where it is text."""
        said = self.body["messages"][-1]["content"]
        return said if isinstance(said, str) else ""

    def end(self, outcome: str) -> None:
        self.outcome = outcome
        self.ended.set()


@dataclass
class Stage:
    """Who answers in one run: a script for each name, its last answer again and again."""

    name: str
    url: str
    scripts: dict[str, list[Answer]]
    asked: list[Asked] = field(default_factory=list)

    def url_of(self, name: str) -> str:
        return f"{self.url}/{name}/v1"

    def next_answer(self, asked: Asked) -> Answer:
        script = self.scripts[asked.name]
        answer = script.pop(0) if len(script) > 1 else script[0]
        return answer.told(asked.question)


class Wire:
    """The server. Stages of different names have addresses of their own, so that they can be played at once."""

    def __init__(self) -> None:
        self.url = ""
        self._stages: dict[str, Stage] = {}

    def stage(self, name: str, scripts: Mapping[str, tuple[Answer, ...]]) -> Stage:
        """Set the stage *name* anew: its address stays, so that clients can keep what they have for it."""
        self._stages[name] = Stage(name, f"{self.url}/{name}", {one: list(script) for one, script in scripts.items()})
        return self._stages[name]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer what comes over one connection, request after request."""
        eaten = b""
        try:
            while request := await self._request(reader, eaten):
                stage, asked = request
                eaten = await _watched(stage.next_answer(asked), asked, reader, writer)
                if asked.outcome != "done":
                    break
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client left, or the server ends
        finally:
            writer.transport.abort()

    async def _request(self, reader, eaten: bytes) -> tuple[Stage, Asked] | None:
        head = eaten + await reader.readuntil(b"\r\n\r\n")
        length = LENGTH.search(head)
        body = await reader.readexactly(int(length[1]) if length else 0)
        first, *lines = head.decode("latin-1").strip().split("\r\n")
        _, place, name, *_ = first.split(" ")[1].split("/")
        headers = dict(line.lower().split(": ", 1) for line in lines if ": " in line)
        stage, asked = self._stages[place], Asked(name, headers, json.loads(body))
        stage.asked.append(asked)
        return stage, asked


async def _watched(answer: Answer, asked: Asked, reader, writer) -> bytes:
    """Play *answer* until its end or the client's; return what came of the next request meanwhile."""
    playing, left = asyncio.create_task(_play(answer, writer)), asyncio.create_task(reader.read(1))
    try:
        await asyncio.wait({playing, left}, return_when=asyncio.FIRST_COMPLETED)
        asked.end(playing.result() if playing.done() and not playing.exception() else "left")
        return left.result() if left.done() and not left.exception() else b""
    finally:
        for task in (playing, left):
            task.cancel()
        await asyncio.gather(playing, left, return_exceptions=True)


async def _play(answer: Answer, writer) -> str:
    """Send an answer; each bytes of its steps is a chunk of its own. Return how it ended."""
    chunks = [b"%x\r\n%b\r\n" % (len(step), step) if isinstance(step, bytes) else step for step in answer.steps]
    for step in (*answer.early, answer.head, *chunks):
        if step is CUT:
            return "cut"
        if step is HANG:
            await asyncio.Event().wait()
        if isinstance(step, Pause):
            await asyncio.sleep(step.seconds)
        else:
            writer.write(step)
            await writer.drain()
    writer.write(b"0\r\n\r\n")
    await writer.drain()
    return "done"


@contextlib.contextmanager
def serving_wire():
    """Serve on a free port, in a thread with a loop of its own, away from the clients that are compared."""
    portal = Portal()
    wire = Wire()
    server = portal.wait_for(_started(wire))
    try:
        yield wire
    finally:
        server.get_loop().call_soon_threadsafe(server.close)
        portal.close()


async def _started(wire: Wire) -> asyncio.Server:
    server = await asyncio.start_server(wire.serve, "127.0.0.1", 0, backlog=256)
    wire.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    return server
