"""What every way of `router_stream.py` is asked to do: read a stream of so many pieces, and note when what came."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

KEY = "sk-test"
MODEL = "gpt-4o-mini"
REQUEST = {"messages": [{"role": "user", "content": "go"}], "stream": True}


@dataclass(frozen=True)
class StreamTask:
    """One kind of stream."""

    server: str
    pieces: int
    is_paced: bool = False
    """Whether the server sends 50 pieces a second, rather than all at once."""

    @property
    def base_url(self) -> str:
        return f"{self.server}/{'paced' if self.is_paced else 'plain'}/0/0/{self.pieces}/v1"

    @property
    def text(self) -> str:
        return "".join(f"w{number:04} " for number in range(self.pieces))


@dataclass
class Reading:
    """One stream that is read: its text, and the moments that count."""

    start_s: float = field(default_factory=time.perf_counter)
    start_cpu_s: float = field(default_factory=time.process_time)
    first_s: float = 0.0
    first_cpu_s: float = 0.0
    last_s: float = 0.0
    pieces: list[str] = field(default_factory=list)

    def take(self, piece: str | None) -> None:
        if piece:
            self.last_s = time.perf_counter()
            if not self.pieces:
                self.first_s, self.first_cpu_s = self.last_s, time.process_time()
            self.pieces.append(piece)

    def end(self, text: str) -> dict[str, float]:
        """Return what it took; raises `ValueError` where another text came than *text*."""
        end_s = time.perf_counter()
        if (told := "".join(self.pieces)) != text:
            raise ValueError(f"a wrong text: {told!r:.200}")
        return {
            "ttft_s": self.first_s - self.start_s,
            "ttft_cpu_s": self.first_cpu_s - self.start_cpu_s,
            "tail_s": end_s - self.last_s,
            "total_s": end_s - self.start_s,
        }


async def read_chunks(task: StreamTask, open_stream):
    """Read a stream of chunks of OpenAI's shape."""
    reading = Reading()
    async for chunk in await open_stream():
        for choice in chunk.choices:
            reading.take(choice.delta.content)
    return reading.end(task.text)
