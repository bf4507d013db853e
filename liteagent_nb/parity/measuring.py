"""measure: put one prompt to one arm, and say how its answer went."""

from __future__ import annotations

import asyncio
import hashlib
import inspect
import threading
import time
from collections.abc import AsyncIterable, Callable, Iterable
from contextlib import aclosing, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from liteagent_nb.core.chat import Usage
from liteagent_nb.core.measurement import Measurement
from liteagent_nb.core.streaming import ReplyBuilder
from liteagent_nb.core.tasks import is_being_cancelled
from liteagent_nb.core.text import printed, shorten
from liteagent_nb.core.threads import Thread
from liteagent_nb.parity.pieces import delta_of, is_one_piece

if TYPE_CHECKING:
    from collections.abc import Iterator

    from liteagent_nb.core.streaming import Delta
    from liteagent_nb.parity.arms import Arm, Prompt, ServerTimes

__all__ = ["CLOCKS", "EMPTY", "Clocks", "measure"]

EMPTY = "the answer is empty"
_ERROR_CHARS = 300


def _today() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Clocks:
    """What is read for times."""

    now: Callable[[], float] = time.perf_counter
    """Seconds; may jump forward, a machine may sleep."""
    cpu: Callable[[], float] = time.process_time
    today: Callable[[], datetime] = _today
    """For what people read only; may jump as it likes."""


CLOCKS = Clocks()
"""The machine's own."""


@dataclass(slots=True)
class _Take:
    """The pieces of one answer as they come; they are read after the clock has stopped."""

    clocks: Clocks
    started_s: float = 0.0
    started_cpu_s: float = 0.0
    ended_s: float | None = None
    pieces: list[tuple[float, object]] = field(default_factory=list)
    is_over: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        self.started_cpu_s, self.started_s = self.clocks.cpu(), self.clocks.now()

    def add(self, piece: object) -> None:
        self.pieces.append((self.clocks.now(), piece))

    def end(self) -> None:
        self.ended_s = self.clocks.now()


async def measure(
    arm: Arm,
    prompt: Prompt,
    *,
    clocks: Clocks = CLOCKS,
    timeout_s: float = 60.0,
    raises: tuple[type[Exception], ...] = (),
    told: Callable[[str], str] = str,
) -> Measurement:
    """Return how *arm* answered *prompt*. A failure is a measurement with `error`, but for those of *raises*.

    *told* takes secrets out of what is shown of errors.
    """
    take, error = _Take(clocks), ""
    try:
        async with asyncio.timeout(timeout_s) as limit:
            await _asked(arm, prompt, take)
    except raises:
        raise
    except Exception as broken:  # noqa: BLE001 - an arm may raise anything
        error = f"no end within {timeout_s:g} seconds" if limit.expired() else told(_shown(broken))
    await asyncio.sleep(arm.settle_s)
    cpu_s = clocks.cpu() - take.started_cpu_s
    times = await _server_times(arm)
    return _measurement(take, error, cpu_s=cpu_s, times=times)


async def _server_times(arm: Arm) -> ServerTimes | None:
    try:
        return await arm.server_times() if arm.server_times else None
    except Exception:  # noqa: BLE001 - the server has gone: the next answers will say so
        return None


def _shown(error: Exception) -> str:
    return shorten(f"{type(error).__name__}: {printed(error)}", _ERROR_CHARS)


async def _asked(arm: Arm, prompt: Prompt, take: _Take) -> None:
    """Ask and read to the end: on the loop where the arm is async, else in a thread of its own, reading included."""
    if inspect.iscoroutinefunction(arm.ask) or inspect.isasyncgenfunction(arm.ask):
        take.start()
        await _read(arm.ask(prompt), take)
    else:
        thread = Thread(lambda: _asked_in_thread(arm, prompt, take), name="parity-arm").start()
        try:
            answer = await thread.outcome
        finally:
            take.is_over.set()
            thread.stop()
        if answer is not None:
            await _read(answer, take)
    take.end()


def _asked_in_thread(arm: Arm, prompt: Prompt, take: _Take) -> object:
    """Return what is to be read on the loop; None where all was read here."""
    take.start()
    answer = arm.ask(prompt)
    if inspect.isawaitable(answer) or _is_async(answer):
        return answer
    for piece in _pieces(answer):
        if take.is_over.is_set():  # nobody waits any more
            break
        take.add(piece)
    return None


async def _read(answer: object, take: _Take) -> None:
    if inspect.isawaitable(answer):
        answer = await answer
    if not _is_async(answer):
        for piece in _pieces(answer):
            take.add(piece)
        return
    stream = cast("Any", answer)
    async with aclosing(stream) if hasattr(stream, "aclose") else nullcontext():
        async for piece in stream:
            take.add(piece)
    if is_being_cancelled():  # the stream has swallowed it
        raise asyncio.CancelledError


def _is_async(answer: object) -> bool:
    """Whether it is read asynchronously; of litellm's streams, which have both sides, the connection's tells."""
    source = getattr(answer, "completion_stream", None) or answer
    return isinstance(source, AsyncIterable) and isinstance(answer, AsyncIterable)


def _pieces(answer: object) -> Iterator[object]:
    if is_one_piece(answer) or not isinstance(answer, Iterable):
        yield answer
    else:
        yield from answer


def _measurement(take: _Take, error: str, *, cpu_s: float, times: ServerTimes | None) -> Measurement:
    deltas = [(at_s, delta_of(piece)) for at_s, piece in take.pieces]
    content = [(at_s, delta) for at_s, delta in deltas if delta.is_content]
    text, chars = _said(delta for _, delta in deltas)
    has_ended = take.ended_s is not None
    error = error or ("" if content else EMPTY)
    own = _own_times(take, content[0][0], times) if times and content and has_ended else (None, None)
    return Measurement(
        ttft_ms=_first_ms(take, (at_s for at_s, delta in content if delta.text)),
        total_ms=_ms(take.ended_s - take.started_s) if take.ended_s is not None else None,
        chunks=len(content),
        chars=chars,
        text_sha256=hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest() if content else "",
        error=error,
        finish_reason=next((delta.finish_reason for _, delta in reversed(deltas) if delta.finish_reason), ""),
        first_reasoning_ms=_first_ms(take, (at_s for at_s, delta in content if delta.reasoning)),
        first_call_ms=_first_ms(take, (at_s for at_s, delta in content if delta.calls)),
        cpu_ms=_ms(cpu_s),
        before_ms=own[0],
        after_ms=own[1],
        text=text,
    )


def _said(deltas: Iterator[Delta]) -> tuple[str, int]:
    """Return the text with the calls below it, and how many characters the text alone has."""
    builder = ReplyBuilder(model="", started_s=0.0)
    for delta in deltas:
        builder.add(delta, now_s=0.0)
    reply = builder.reply(usage=Usage())
    calls = [f"{call.name}({call.arguments})" for call in reply.tool_calls]
    return "\n".join([*([reply.text] if reply.text or not calls else []), *calls]), len(reply.text)


def _first_ms(take: _Take, moments: Iterator[float]) -> float | None:
    first = next(moments, None)
    return None if first is None else _ms(first - take.started_s)


def _own_times(take: _Take, first_s: float, times: ServerTimes) -> tuple[float | None, float | None]:
    assert take.ended_s is not None
    waited_s = times.first_s - times.received_s
    return _ms(first_s - take.started_s - waited_s), _ms(take.ended_s - times.last_s)


def _ms(seconds: float) -> float | None:
    """Return milliseconds to six digits; None where the clock went backwards."""
    return float(f"{seconds * 1000:.6g}") if seconds > 0 else None
