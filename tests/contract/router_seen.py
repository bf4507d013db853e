"""What a caller of a Router can see of its questions: a core is asked, all is noted, nothing is judged."""

from __future__ import annotations

import asyncio
import copy
import itertools
import json
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scripted_wire import HANG, Answer, Stage, Wire
from seen_plain import Plain, differences

from liteagent_nb.models.quiet_litellm import inside_litellm as litellm

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scripted_wire import Asked

QUESTION = [{"role": "user", "content": "hi"}]
RUNS = itertools.count(1)
AT_ONCE = 8
LIMIT_S = 60.0
PATIENCE_S = 3.0
"""How long what comes from threads is waited for."""


@dataclass(frozen=True)
class Case:
    """One question, or several, and what the servers answer. Names of deployments are `GROUP` or `GROUP-NUMBER`."""

    name: str
    servers: Mapping[str, Answer | tuple[Answer, ...]]
    asks: Mapping[str, object] = field(default_factory=dict)
    router: Mapping[str, object] = field(default_factory=dict)
    deployments: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    """More `litellm_params` by deployment."""
    reading: Callable[[object, Asking], Awaitable[None]] | None = None
    times: int = 1
    at_once: bool = False
    is_sync: bool = False
    core: str = "extracted"
    """Who has to carry it where the extracted core is asked; "" where no stream begins."""

    @property
    def scripts(self) -> dict[str, tuple[Answer, ...]]:
        return {name: told if isinstance(told, tuple) else (told,) for name, told in self.servers.items()}

    @property
    def is_left(self) -> bool:
        """Whether it is the client who ends: otherwise both ends come at the same time."""
        answers = [answer for script in self.scripts.values() for answer in script]
        return any(HANG in (*answer.early, *answer.steps) for answer in answers)


@dataclass
class Asking:
    """One question on its way, and what was seen of it."""

    router: object
    stage: Stage
    request: dict[str, object]
    chunks: list[object] = field(default_factory=list)
    hidden: list[object] = field(default_factory=list)
    error: BaseException | None = None
    stream: object = None
    metrics: object = None
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)

    def take(self, chunk: object) -> None:
        self.chunks.append(chunk)
        self.hidden.append(dict(getattr(chunk, "_hidden_params", None) or {}))


class Recorder(litellm.integrations.custom_logger.CustomLogger):
    """Notes every event that litellm tells, for the run it belongs to."""

    def __init__(self) -> None:
        super().__init__()
        self.plains: dict[str, Plain] = {}
        self.runs: dict[str, list[tuple[str, object]]] = defaultdict(list)

    def note(self, name: str, told: Mapping, *more: object) -> None:
        litellm_params = told.get("litellm_params") or {}
        run = (litellm_params.get("metadata") or told.get("metadata") or {}).get("run")
        if plain := self.plains.get(run):
            self.runs[run].append((name, plain([told, *more])))

    def note_piece(self, name: str, told: Mapping, piece: object) -> None:
        """Sync streams tell pieces from threads, while the answer is put together: now before it, now after it."""
        if (told.get("litellm_params") or {}).get("acompletion"):
            self.note(name, told, piece)

    def log_pre_api_call(self, model, messages, kwargs):
        self.note("log_pre_api_call", kwargs, model, messages)

    def log_post_api_call(self, kwargs, response_obj, start_time, end_time):
        self.note("log_post_api_call", kwargs, response_obj)

    def log_stream_event(self, kwargs, response_obj, start_time, end_time):
        self.note_piece("log_stream_event", kwargs, response_obj)

    def log_success_event(self, kwargs, response_obj, start_time, end_time):
        self.note("log_success_event", kwargs, response_obj)

    def log_failure_event(self, kwargs, response_obj, start_time, end_time):
        self.note("log_failure_event", kwargs, response_obj)

    async def async_log_stream_event(self, kwargs, response_obj, start_time, end_time):
        self.note_piece("async_log_stream_event", kwargs, response_obj)

    async def async_log_success_event(self, kwargs, response_obj, start_time, end_time):
        self.note("async_log_success_event", kwargs, response_obj, start_time <= end_time)

    async def async_log_failure_event(self, kwargs, response_obj, start_time, end_time):
        self.note("async_log_failure_event", kwargs, response_obj, start_time <= end_time)

    async def log_success_fallback_event(self, original_model_group, kwargs, original_exception):
        self.note("log_success_fallback_event", kwargs, original_model_group, original_exception)

    async def log_failure_fallback_event(self, original_model_group, kwargs, original_exception):
        self.note("log_failure_fallback_event", kwargs, original_model_group, original_exception)

    async def async_post_call_streaming_deployment_hook(self, request_data, response_chunk, call_type):
        self.note("async_post_call_streaming_deployment_hook", request_data, response_chunk, call_type)
        return response_chunk


@dataclass
class Seen:
    """Everything that one core let a caller, its callbacks and its servers see."""

    case: Case
    run: str
    plain: Plain
    stage: Stage
    recorder: Recorder
    asked: list[Asking]

    @property
    def events(self) -> list[tuple[str, object]]:
        """What callbacks were told, in order, by the name of the callback."""
        return self.recorder.runs[self.run]

    def told(self) -> dict[str, object]:
        """Return it as plain values that can be compared."""
        events = self.events
        return {
            "answers": [self._answer(one) for one in self.asked],
            "requests": sorted(map(self._received, self.stage.asked), key=str),
            "order": [one.name for one in self.stage.asked],
            "events": {
                name: sorted((told for told_as, told in events if told_as == name), key=str) for name in dict(events)
            },
            "order of events": [] if self.case.at_once else [name for name, _ in events if name.startswith("async_")],
        }

    def _answer(self, one: Asking) -> dict[str, object]:
        return {
            "chunks": [self.plain(chunk) for chunk in one.chunks],
            "hidden": [self.plain(hidden) for hidden in one.hidden],
            "stream": self.plain(_public(one.stream)),
            "error": self.plain(one.error),
            "notes": one.notes,
        }

    def _received(self, one: Asked) -> object:
        return self.plain([one.name, one.headers, one.body, one.outcome if self.case.is_left else "over"])


def _public(stream: object) -> dict[str, object]:
    """Return what a stream tells of itself, its hidden params too, which litellm's documents name."""
    told = vars(stream) if stream else {}
    names = [name for name in told if not name.startswith("_") or name == "_hidden_params"]
    plain = {name: told[name] for name in names if isinstance(told[name], str | int | dict | None)}
    return plain | {"chunks": len(told.get("chunks", ()))}


@dataclass(frozen=True)
class Theatre:
    """Where cases are played: a server, a recorder, and what makes a router of a core."""

    wire: Wire
    recorder: Recorder
    make_router: Callable[..., object]
    patience_s: float = PATIENCE_S
    routers: dict[object, object] = field(default_factory=dict)

    async def play(self, cases: Sequence[Case], cores: Sequence[str]) -> dict[str, Played]:
        """Ask every core every case's questions, several cases at a time; return what came of each by its name."""
        before, places = asyncio.all_tasks(), asyncio.Queue()
        for place in range(AT_ONCE):
            places.put_nowait(place)
        rows = await asyncio.gather(*(self._row(case, cores, places) for case in cases))
        await _settled(before)
        until = asyncio.get_running_loop().time() + self.patience_s
        return {case.name: await _played(row, cores, until) for case, row in zip(cases, rows, strict=True)}

    async def _row(self, case: Case, cores: Sequence[str], places: asyncio.Queue) -> list[Seen]:
        place = await places.get()
        try:
            named = [(core, f"place-{place}-{number}") for number, core in enumerate(cores)]
            return await asyncio.gather(*(self._asked(case, *each) for each in named))
        finally:
            places.put_nowait(place)

    async def _asked(self, case: Case, core: str, place: str) -> Seen:
        run = f"run{next(RUNS):06}"
        stage = self.wire.stage(place, case.scripts)
        plain = Plain({run: "RUN", stage.url: "SERVER", stage.name: "PLACE"})
        self.recorder.plains[run] = plain
        router = self._router(case, core, stage)
        asked = [Asking(router, stage, _request(case, run, number)) for number in range(case.times)]
        async with asyncio.timeout(LIMIT_S):
            if case.at_once:
                await asyncio.gather(*(_ask(case, one) for one in asked))
            else:
                for one in asked:
                    await _ask(case, one)
        await asyncio.to_thread(lambda: [one.ended.wait(self.patience_s) for one in stage.asked])
        return Seen(case, run, plain, stage, self.recorder, asked)

    def _router(self, case: Case, core: str, stage: Stage) -> object:
        """Return a router; cases without settings of their own share one, which takes long to make."""
        if case.router or case.deployments:
            return self._new_router(case, core, stage)
        key = (core, stage.url, tuple(case.servers))
        if key not in self.routers:
            self.routers[key] = self._new_router(case, core, stage, disable_cooldowns=True)
        return self.routers[key]

    def _new_router(self, case: Case, core: str, stage: Stage, **more: object) -> object:
        model_list = [_deployment(name, stage.url_of(name), **case.deployments.get(name, {})) for name in case.servers]
        return self.make_router(model_list, core=core, **{"num_retries": 0, **case.router, **more})


def _deployment(name: str, url: str, *, model_info: Mapping[str, object] | None = None, **more: object) -> object:
    params = {"model": "openai/gpt-4o-mini", "api_base": url, "api_key": "sk-of-tests", **more}
    return {
        "model_name": name.partition("-")[0],
        "litellm_params": params,
        "model_info": {"id": name, **(model_info or {})},
    }


@dataclass(frozen=True)
class Played:
    """What the cores let be seen of one case, and how every core but the first differs from the first."""

    seen: dict[str, Seen]
    differences: dict[str, list[str]]


async def _played(row: list[Seen], cores: Sequence[str], until: float) -> Played:
    """Compare; what differs may still be on its way from a thread, so it is looked at until *until*."""
    loop = asyncio.get_running_loop()
    while True:
        first, *others = [one.told() for one in row]
        found = {core: differences(first, told) for core, told in zip(cores[1:], others, strict=True)}
        if not any(found.values()) or loop.time() > until:
            return Played(dict(zip(cores, row, strict=True)), found)
        await asyncio.sleep(0.02)


def _request(case: Case, run: str, number: int) -> dict[str, object]:
    messages = [{"role": "user", "content": f"hi {number}"}] if case.at_once else QUESTION
    asks = {"model": next(iter(case.servers)).partition("-")[0], "messages": messages, "stream": True, **case.asks}
    return asks | {"metadata": {"run": run, **asks.get("metadata", {})}}


async def _ask(case: Case, asking: Asking) -> None:
    """Ask and read; whatever is raised is what the caller sees."""
    started = time.monotonic()
    try:
        if case.is_sync:
            await asyncio.to_thread(_read_sync, asking)
        else:
            await (case.reading or read_all)(asking)
    except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - whatever a caller gets is compared
        asking.error = error.with_traceback(None)
    asking.seconds = time.monotonic() - started
    asking.metrics = asking.metrics or getattr(asking.stream, "metrics", None)


async def opened(asking: Asking) -> object:
    asking.stream = await asking.router.acompletion(**asking.request)
    return asking.stream


async def read_all(asking: Asking) -> None:
    async for chunk in await opened(asking):
        asking.take(chunk)


def _read_sync(asking: Asking) -> None:
    asking.stream = asking.router.completion(**asking.request)
    for chunk in asking.stream:
        asking.take(chunk)


def close_after(count: int):
    """Return a reader that closes the stream after so many pieces, and tries to read on."""

    async def read(asking: Asking) -> None:
        stream = await opened(asking)
        for _ in range(count):
            asking.take(await anext(stream))
        await stream.aclose()
        asking.notes.append("closed")
        async for chunk in stream:
            asking.take(chunk)
        asking.notes.append("ended")

    return read


async def read_past_the_end(asking: Asking) -> None:
    """Read, and go on where there is nothing more."""
    stream = await opened(asking)
    for _ in range(3):
        try:
            async for chunk in stream:
                asking.take(chunk)
            asking.notes.append("ended")
        except litellm.exceptions.APIError as error:
            asking.notes.append(f"{type(error).__name__} {error.status_code}")


async def read_and_change(asking: Asking) -> None:
    """Read, and write into every piece."""
    async for chunk in await opened(asking):
        asking.take(chunk)
        for choice in chunk.choices:
            choice.delta.content = (choice.delta.content or "") + "!"
            choice.delta.of_mine = choice.index
        chunk.model = "mine"
        chunk._hidden_params["mine"] = len(asking.chunks)


async def read_and_copy(asking: Asking) -> None:
    """Read copies of all kinds of every piece."""
    async for chunk in await opened(asking):
        asking.take(copy.deepcopy(chunk))
        asking.take(chunk.model_copy(deep=True))
        asking.take(type(chunk)(**chunk.model_dump()))
        asking.take(json.loads(chunk.model_dump_json(exclude_unset=True)))
        asking.take([chunk["choices"][0]["delta"].get("content"), "usage" in chunk, sorted(chunk.model_fields_set)])


def leave_after(count: int):
    """Return a reader that leaves after so many pieces and lets go of the stream."""

    async def read(asking: Asking) -> None:
        stream = await opened(asking)
        async for chunk in stream:
            asking.take(chunk)
            if len(asking.chunks) == count:
                break
        asking.metrics, asking.stream = getattr(stream, "metrics", None), None

    return read


def cancel_after(count: int):
    """Return a reader that is cancelled when it has so many pieces and waits for the next one."""

    async def read(asking: Asking) -> None:
        reading = asyncio.create_task(read_all(asking))
        while len(asking.chunks) < count or not asking.stage.asked:  # noqa: ASYNC110 - the server tells nobody
            await asyncio.sleep(0.005)
        await asyncio.sleep(0.02)
        reading.cancel()
        await reading

    return read


async def _settled(before: set[asyncio.Task]) -> None:
    """Wait for what litellm does after an answer: tasks of its own, and the queue of its callbacks."""
    loop = asyncio.get_running_loop()
    until = loop.time() + 4 * PATIENCE_S
    while (others := [task for task in asyncio.all_tasks() - before if not _is_kept(task)]) and loop.time() < until:
        await asyncio.wait(others, timeout=PATIENCE_S)
    await litellm.litellm_core_utils.logging_worker.GLOBAL_LOGGING_WORKER.flush()


def _is_kept(task: asyncio.Task) -> bool:
    return task is asyncio.current_task() or "_worker_loop" in repr(task.get_coro())
