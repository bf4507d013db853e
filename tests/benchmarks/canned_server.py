"""A server process for benchmarks: HTTP/1.1 with kept connections, answers made beforehand, no delay, no checks.

Only the dialect `paced` sends its pieces one by one, 50 a second.

It parses no JSON and keeps no state, so that it is not what is measured: which turn it is, it counts from the
assistant's messages in the request. Run as a script it prints its port and serves until its standard input closes.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import subprocess
import sys
from pathlib import Path

from canned_answers import Script, at_once, streamed, streamed_parts

SAID = re.compile(rb'"role": ?"assistant"')
STREAMS = re.compile(rb'"stream": ?true')
LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
HEAD_END = b"\r\n\r\n"
PACE_S = 1 / 50


def answer(head: bytes, body: bytes) -> bytes | tuple[bytes, ...]:
    """Return the bytes of the whole response, or its parts where it is paced."""
    script = Script.from_path(head.split(b" ", 2)[1].decode())
    turn = len(SAID.findall(body))
    if script.dialect == "paced":
        return streamed_parts(script, turn)
    return streamed(script, turn) if STREAMS.search(body) else at_once(script, turn)


class Connection(asyncio.Protocol):
    """One kept connection."""

    def connection_made(self, transport):
        self._transport, self._received = transport, b""

    def data_received(self, data):
        self._received += data
        while HEAD_END in self._received:
            head, _, rest = self._received.partition(HEAD_END)
            length = LENGTH.search(head)
            size = int(length[1]) if length else 0
            if len(rest) < size:
                return
            self._received = rest[size:]
            told = answer(head, rest[:size])
            if isinstance(told, bytes):
                self._transport.write(told)
            else:
                self._pace(told)

    def _pace(self, parts):
        loop = asyncio.get_running_loop()
        for number, part in enumerate(parts):
            loop.call_later(number * PACE_S, self._transport.write, part)


async def serve():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Connection, "127.0.0.1", 0, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


@contextlib.contextmanager
def serving():
    """Run the server as a process of its own; give its address."""
    command = [sys.executable, str(Path(__file__))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        try:
            yield f"http://127.0.0.1:{int(server.stdout.readline())}"
        finally:
            server.stdin.close()


if __name__ == "__main__":
    asyncio.run(serve())
