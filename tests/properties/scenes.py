"""A scene: a script, limits, habits and an interrupt, all at random; and playing it."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass, field

from hypothesis import strategies as st
from leaks import tasks_left

from liteagent_nb.core.agent import run_agent
from liteagent_nb.core.chat import Price, Reply, Transcript, Usage
from liteagent_nb.core.config import AgentConfig
from liteagent_nb.core.errors import ConfigError, ModelError
from liteagent_nb.core.meter import estimate, request_chars
from liteagent_nb.core.steps import RunDone
from liteagent_nb.core.tasks import is_being_cancelled
from liteagent_nb.testing import ScriptedModel, breaks_off, call, calls, endless, slow
from liteagent_nb.testing.script import Endless

HANGS_S = 10.0
"""A run that goes on for so long will not end."""


@dataclass(frozen=True)
class Interrupt:
    """Where a run is cancelled: at the n-th time that it comes to a *place*; and whether, so much later, once more.

    A place is an event's name, `stream` (a piece of the answer is due), `tool` or `thread` (one of them has begun),
    `turn` (of the event loop) or `ms`.
    """

    place: str
    nth: int
    again_after_turns: int | None = None


class Trigger:
    """Cancels a task once an interrupt's place is reached."""

    def __init__(self, interrupt):
        self._interrupt = interrupt
        self._left = interrupt.nth if interrupt else 0
        self.has_fired = False

    def aim(self, task):
        self._task, self._loop = task, asyncio.get_running_loop()
        if self._interrupt and self._interrupt.place == "turn":
            self._after_turns(self._interrupt.nth)
        if self._interrupt and self._interrupt.place == "ms":
            self._loop.call_later(self._interrupt.nth / 1000, self.fire)

    def reached(self, place):
        if self._interrupt and self._interrupt.place == place and not self.has_fired:
            self._left -= 1
            if self._left < 0:
                self.fire()

    def reached_in_thread(self):
        self._loop.call_soon_threadsafe(self.reached, "thread")

    def fire(self):
        """Cancel, once: on a busy machine the end of an endless scene may come while its interrupt is cleared away."""
        if self.has_fired:
            return
        self.has_fired = self._task.cancel()
        if self._interrupt and self._interrupt.again_after_turns is not None:
            self._after_turns(self._interrupt.again_after_turns, self._task.cancel)

    def _after_turns(self, turns, then=None):
        if turns:
            self._loop.call_soon(self._after_turns, turns - 1, then)
        else:
            (then or self.fire)()


@dataclass
class Asked:
    """One question that was put to the model, and what came of it."""

    transcript: Transcript
    tools: tuple
    price: Price | None
    deltas: list = field(default_factory=list)
    is_closed: bool = False

    @property
    def usage(self):
        """What it cost: what the model told last, or the estimate."""
        told = [delta.usage for delta in self.deltas if delta.usage]
        return told[-1] if told else self.estimate

    @property
    def estimate(self):
        chars = sum(len(delta.text) + len(delta.reasoning) for delta in self.deltas)
        chars += sum(len(piece.name) + len(piece.arguments) for delta in self.deltas for piece in delta.calls)
        return estimate(request_chars(self.transcript, self.tools), chars, self.price)

    @property
    def estimate_before(self):
        return estimate(request_chars(self.transcript, self.tools), 0, self.price)


@dataclass(frozen=True)
class Habits:
    """How a model streams: pieces, turns of the loop before each and at the end, cancellations that it ignores."""

    chunk_chars: int | None = None
    turns: int = 0
    closing_turns: int = 0
    ignores: int = 0


class Recorded:
    """A scripted model that keeps accounts, has habits, and lets an interrupt in."""

    def __init__(self, inner, name, *, habits, trigger, accounts):
        self.name, self.price = name, inner.price
        self._inner, self._habits, self._trigger, self._accounts = inner, habits, trigger, accounts

    async def stream(self, transcript, tools, settings):
        asked = Asked(transcript, tuple(tools), self.price)
        self._accounts.append(asked)
        try:
            async with aclosing(self._inner.stream(transcript, tools, settings)) as deltas:
                async for delta in deltas:
                    self._trigger.reached("stream")
                    await ignoring(self._habits.ignores, self._habits.turns)
                    if not (self._accounts.is_closed or is_being_cancelled()):
                        asked.deltas.append(delta)
                    yield delta
        finally:
            asked.is_closed = True
            await ignoring(self._habits.ignores, self._habits.closing_turns)


async def ignoring(cancellations, turns):
    """Take *turns* of the loop, and swallow so many cancellations meanwhile."""
    for _ in range(turns):
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            if cancellations <= 0:
                raise
            cancellations -= 1


class Accounts(list):
    """Every question of a run, until it is told to be done."""

    is_closed = False


@dataclass(frozen=True)
class Scene:
    """All that a run depends on."""

    start: Transcript
    script: list
    config: AgentConfig
    habits: Habits
    interrupt: Interrupt | None
    price: Price | None

    @property
    def is_endless(self):
        return any(isinstance(line, Endless) for line in self.script)

    @property
    def is_impatient(self):
        """Whether it may be told to stop twice: the second does not wait for the cleanup, which goes on for a moment.

        The end of its time is the first one as much as an interrupt is.
        """
        if self.interrupt is None:
            return False
        return self.interrupt.again_after_turns is not None or self.config.max_total_seconds is not None


@dataclass
class Played:
    """What came of a scene."""

    scene: Scene
    accounts: Accounts
    events: list
    trigger: Trigger
    task: asyncio.Task
    tasks_left: list[str]

    @property
    def run(self):
        return next((event.run for event in self.events if isinstance(event, RunDone)), None)


class Stage:
    """Where a scene is played: its model, its tools, and notes of all that happens. *make_tools* is given the trigger."""

    def __init__(self, scene, make_tools, *, model=None):
        self.scene, self._make_tools = scene, make_tools
        self.trigger, self.accounts, self.events = Trigger(scene.interrupt), Accounts(), []
        self._model = model or ScriptedModel(
            *scene.script, "the end", "the end", chunk_chars=scene.habits.chunk_chars, price=scene.price
        )

    def watch(self, event):
        self.accounts.is_closed = self.accounts.is_closed or isinstance(event, RunDone)
        self.events.append(event)
        self.trigger.reached(type(event).__name__)

    async def run(self):
        """Run the scene, to be interrupted."""
        small, strong = (
            Recorded(self._model, name, habits=self.scene.habits, trigger=self.trigger, accounts=self.accounts)
            for name in ("small", "strong")
        )
        tools, config = self._make_tools(self.trigger), self.scene.config
        return await run_agent(
            self.scene.start, model=small, escalate_to=strong, tools=tools, config=config, watch=self.watch
        )

    def played(self, task, left):
        return Played(self.scene, self.accounts, self.events, self.trigger, task, left)


async def play(scene, make_tools, *, model=None, settle_s=0.0):
    """Run the scene to its end, interrupt included."""
    before = asyncio.all_tasks()
    stage = Stage(scene, make_tools, model=model)
    task = asyncio.create_task(stage.run())
    stage.trigger.aim(task)
    await asyncio.wait({task}, timeout=0.05 if scene.is_endless else HANGS_S)
    if not task.done() and scene.is_endless:
        stage.trigger.fire()
        await asyncio.wait({task}, timeout=HANGS_S)
    assert task.done(), "the run hangs"
    left = await tasks_left(before, within_s=2.0 if scene.is_impatient else settle_s)
    return stage.played(task, left)


TEXTS = st.sampled_from(
    ["", "hello", "I'm not sure.", "The budget is exceeded.", "```python\nprint(1)\n```", "\ud800 half", "x" * 300]
)
STARTS = st.sampled_from(
    [
        Transcript.of("task"),
        Transcript.of("task"),
        Transcript.of([{"role": "system", "content": "be brief"}, {"role": "user", "content": "task"}]),
        Transcript.of(  # broken off by another program
            [
                {"role": "user", "content": "task"},
                {"role": "assistant", "content": None, "tool_calls": [call("good").to_message() | {"id": "old"}]},
                {"role": "user", "content": "go on"},
            ]
        ),
    ]
)
CONFIGS = st.builds(
    AgentConfig,
    max_iterations=st.integers(1, 5),
    max_tools_per_iter=st.integers(0, 5),
    tool_concurrency=st.integers(1, 4),
    enable_repair=st.booleans(),
    research_on_unsure=st.booleans(),
    max_research_hops=st.integers(0, 2),
    auto_run_code_on_code_block=st.booleans(),
    escalate_on_budget_exceeded=st.booleans(),
    stagnation_window=st.integers(1, 3),
    hard_char_budget=st.sampled_from([16_000, 300, 1]),
    max_history_messages=st.sampled_from([50, 3, 1]),
    tool_timeout_sec=st.sampled_from([0.02, 0.04]),
    max_total_seconds=st.sampled_from([None, None, None, None, 0.001, 0.01, 0.04]),
    max_tokens_total=st.sampled_from([None, None, None, None, 300, 2000]),
)
HABITS = st.builds(
    Habits,
    chunk_chars=st.sampled_from([None, 7, 1]),
    turns=st.integers(0, 3),
    closing_turns=st.integers(0, 3),
    ignores=st.sampled_from([0, 0, 0, 1, 3]),
)
PLACES = ["stream", "tool", "thread", "ModelAsked", "TextDelta", "ReasoningDelta", "ToolStarted", "ToolFinished"]
AGAIN = st.none() | st.integers(0, 6)
INTERRUPTS = st.one_of(  # those that come again at the same place first: they shrink best
    st.none(),
    st.builds(Interrupt, st.sampled_from([*PLACES, "StepDone", "RunDone"]), st.integers(0, 6), AGAIN),
    st.builds(Interrupt, st.just("turn"), st.integers(0, 40) | st.integers(0, 400), AGAIN),
    st.builds(Interrupt, st.just("ms"), st.integers(0, 30), AGAIN),
)


def lines(one_call, *, begins_with_calls=False):
    """Return a strategy for the lines of a script, which ask for what *one_call* gives."""
    asked = st.builds(lambda text, asked: calls(*asked, text=text), TEXTS, st.lists(one_call, min_size=1, max_size=6))
    usages = st.builds(Usage, st.integers(0, 500), st.integers(0, 50))
    whole = TEXTS | asked | st.builds(lambda text, usage: Reply(text, usage=usage, reasoning="hm"), TEXTS, usages)
    faults = st.one_of(
        st.builds(breaks_off, whole),
        st.builds(ModelError, st.just("down"), status=st.sampled_from([503, None])),
        st.builds(ConfigError, st.just("no")),
        st.builds(endless, st.just("so on ")),
        st.builds(lambda line: slow(0.005, line, each_s=0.002), whole),
        st.builds(asyncio.CancelledError),
    )
    first = st.lists(asked, min_size=int(begins_with_calls), max_size=1)
    return st.builds(_script, first, st.lists(asked | whole, max_size=3), whole | faults)


def _script(first, then, last):
    return [*first, *then, last]


def scenes(one_call, *, interrupts=INTERRUPTS, configs=CONFIGS, begins_with_calls=False):
    """Return a strategy for scenes whose scripts call what *one_call* gives."""
    prices = st.sampled_from([None, Price(1e-6, 2e-6)])
    return st.builds(
        Scene, STARTS, lines(one_call, begins_with_calls=begins_with_calls), configs, HABITS, interrupts, prices
    )
