"""StdioLink: an MCP server's process, its messages on stdin and stdout, its last words on stderr."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from typing import TYPE_CHECKING

import anyio
from mcp.shared.message import SessionMessage
from mcp_types import jsonrpc_message_adapter

from liteagent_nb import environment
from liteagent_nb.core.errors import ConfigError, ToolError
from liteagent_nb.core.tasks import wait_in_any_case
from liteagent_nb.core.text import without_colours
from liteagent_nb.kernels._capped import CappedOutput
from liteagent_nb.kernels._supervisor import kill_session
from liteagent_nb.kernels.processes import ProcessLimits, is_installed, supervised
from liteagent_nb.tools._mcp_config import filled_in

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
    from mcp.client._transport import TransportStreams

    from liteagent_nb.tools._mcp_config import StdioServer

__all__ = ["MAX_MESSAGE_BYTES", "StdioLink"]

MAX_MESSAGE_BYTES = 128 << 20
"""A server that sends a longer message is ended: nobody can say how long it would go on."""

_GENEROUS = ProcessLimits(memory_mb=1 << 20, file_mb=1 << 20, open_files=1 << 16, processes=4096)
"""A server is the user's own program, not an agent's code: it is supervised, not bounded."""
_PIECE_BYTES = 1 << 18
_STDERR_BYTES = 16_000
_LAST_LINES = 8
_WORDS_WITHIN_S = 0.5
_LEAVE_WITHIN_S = 1.0
"""How long a server may take to end by itself when its stdin is closed, as MCP wants it to."""
_END_WITHIN_S = 3.0


class StdioLink:
    """A server's process. It and all that it started are gone when `streams` is left, and when this process dies."""

    def __init__(self, server: StdioServer) -> None:
        self._server = server
        self._process: asyncio.subprocess.Process | None = None
        self._stderr = CappedOutput(_STDERR_BYTES)
        self._complaint = ""
        self._ends: list[asyncio.Task[None] | asyncio.Task[int]] = []

    @property
    def is_gone(self) -> bool:
        """Whether the process has ended."""
        return self._process is not None and self._process.returncode is not None

    async def last_words(self) -> str:
        """Return how it ended, if it did, and the last lines of its stderr."""
        if self._ends and not self._complaint:
            await asyncio.wait(self._ends, timeout=_WORDS_WITHIN_S)
        return "\n".join(self._words())

    def _words(self) -> Iterator[str]:
        if self._complaint:
            yield self._complaint
        elif self._process is not None and (code := self._process.returncode) is not None:
            yield f"it ended with exit code {code}"
        if lines := without_colours(self._stderr.text).strip().splitlines()[-_LAST_LINES:]:
            yield "the end of its stderr:"
            yield from (line[-500:] for line in lines)

    @contextlib.asynccontextmanager
    async def streams(self) -> AsyncIterator[TransportStreams]:
        """Start the process and give what reads and writes its messages."""
        process = self._process = await self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        arriving, incoming = anyio.create_memory_object_stream[SessionMessage | Exception](0)
        outgoing, leaving = anyio.create_memory_object_stream[SessionMessage](0)
        writing = asyncio.create_task(_write(process.stdin, leaving))
        self._ends = [
            asyncio.create_task(self._read(process.stdout, arriving)),
            asyncio.create_task(self._listen(process.stderr)),
            asyncio.create_task(process.wait()),
        ]
        try:
            yield incoming, outgoing
        finally:
            for stream in (arriving, incoming, outgoing, leaving):
                stream.close()
            await wait_in_any_case(asyncio.create_task(_end(process, [writing, *self._ends])))

    async def _start(self) -> asyncio.subprocess.Process:
        server = self._server
        env = {**environment.server_environment(), **filled_in(server, server.env)}
        if not is_installed(server.command, env.get("PATH"), server.cwd or os.curdir):
            raise ConfigError(
                f"MCP server {server.name!r}: {server.command} is not installed on this machine",
                hint="install it, or give its whole path as `command`",
            )
        try:
            return await asyncio.create_subprocess_exec(
                *supervised([server.command, *server.args], limits=_GENEROUS),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                cwd=server.cwd or None,
                env=env,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:  # no such folder, a NUL in an argument
            raise ToolError(f"MCP server {server.name!r} cannot be started: {error}", hint="see its entry") from None

    async def _read(
        self, stdout: asyncio.StreamReader, arriving: MemoryObjectSendStream[SessionMessage | Exception]
    ) -> None:
        """Pass on its messages; whatever else it prints there counts as stderr."""
        with contextlib.suppress(anyio.BrokenResourceError, anyio.ClosedResourceError, _TooLong):
            async with arriving:
                async for line in self._lines(stdout):
                    try:
                        message = jsonrpc_message_adapter.validate_json(line, by_name=False)
                    except ValueError:
                        self._stderr.feed(line + b"\n")
                        continue
                    await arriving.send(SessionMessage(message))
        while await stdout.read(_PIECE_BYTES):  # its end is noticed only when the pipe is empty
            pass

    async def _lines(self, stdout: asyncio.StreamReader) -> AsyncIterator[bytes]:
        # Not readline: a StreamReader buffers twice its limit, which would have to be the largest message's size.
        pieces: list[bytes] = []
        size = 0
        while piece := await stdout.read(_PIECE_BYTES):
            *whole, rest = piece.split(b"\n")
            for line in whole:
                yield b"".join([*pieces, line])
                pieces, size = [], 0
            pieces.append(rest)
            size += len(rest)
            if size > MAX_MESSAGE_BYTES:
                self._complaint = f"it sent a message of more than {MAX_MESSAGE_BYTES >> 20} MB"
                raise _TooLong

    async def _listen(self, stderr: asyncio.StreamReader) -> None:
        while piece := await stderr.read(_PIECE_BYTES):
            self._stderr.feed(piece)


class _TooLong(Exception):
    """A message that has no end."""


async def _write(stdin: asyncio.StreamWriter, leaving: MemoryObjectReceiveStream[SessionMessage]) -> None:
    with contextlib.suppress(OSError, anyio.ClosedResourceError):
        async with leaving:
            async for session_message in leaving:
                text = session_message.message.model_dump_json(by_alias=True, exclude_unset=True)
                stdin.write(text.encode() + b"\n")
                await stdin.drain()


async def _end(process: asyncio.subprocess.Process, tasks: list[asyncio.Task[None] | asyncio.Task[int]]) -> None:
    """End the process: MCP's way first, then by its supervisor, which takes everything with it."""
    assert process.stdin is not None
    process.stdin.close()
    exited = tasks[-1]
    await asyncio.wait({exited}, timeout=_LEAVE_WITHIN_S)
    for signum in (signal.SIGTERM, signal.SIGKILL):
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signum)
            await asyncio.wait({exited}, timeout=_END_WITHIN_S)
    if (process.returncode or 0) < 0:  # the supervisor was killed: it could not clear up
        kill_session(process.pid)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks, timeout=_END_WITHIN_S)
    process._transport.close()  # type: ignore[attr-defined]  # noqa: SLF001 - a stray grandchild may hold a pipe open
