"""The least HTTP client there can be: kept connections, one answer each, so that it is not what is measured."""

from __future__ import annotations

import asyncio
import json


class Http:
    """Requests with JSON to one address; a connection is taken for each, and kept after it."""

    def __init__(self, port, token=""):
        self._port = port
        self._head = f"host: 127.0.0.1:{port}\r\ncontent-type: application/json\r\nauthorization: Bearer {token}\r\n"
        self._idle = []

    async def ask(self, method, path, body=None):
        reader, writer = await self._send(method, path, body)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
        answer = await reader.readexactly(length)
        self._idle.append((reader, writer))
        status = int(head.split(b" ", 2)[1])
        if status >= 400:
            raise OSError(f"{method} {path}: {status} {answer[:200].decode()}")
        return json.loads(answer) if answer else None

    async def pieces(self, method, path, body):
        """Yield what comes of a streamed answer, until its last chunk."""
        reader, writer = await self._send(method, path, body)
        await reader.readuntil(b"\r\n\r\n")
        while (size := int(await reader.readline(), 16)) > 0:
            yield await reader.readexactly(size)
            await reader.readline()
        writer.close()

    async def _send(self, method, path, body):
        reader, writer = await self._connection()
        data = b"" if body is None else json.dumps(body).encode()
        writer.write(f"{method} {path} HTTP/1.1\r\n{self._head}content-length: {len(data)}\r\n\r\n".encode() + data)
        return reader, writer

    async def _connection(self):
        while self._idle:
            reader, writer = self._idle.pop()
            if not reader.at_eof():  # servers close what is idle for some seconds
                return reader, writer
            writer.close()
        return await asyncio.open_connection("127.0.0.1", self._port, limit=1 << 26)

    def close(self):
        for _, writer in self._idle:
            writer.close()
