"""A run drawn while it happens."""

from __future__ import annotations

import asyncio
import time

from liteagent_nb.core.chat import Reply, ToolCall, Transcript
from liteagent_nb.core.steps import (
    ModelAsked,
    ReasoningDelta,
    Run,
    RunDone,
    Step,
    StepDone,
    TextDelta,
    ToolFinished,
    ToolStarted,
)
from liteagent_nb.core.tools import Observation, ToolInvocation
from liteagent_nb.panels.live_run import LiveRun
from liteagent_nb.panels.live_view import BoundedText, LiveView

EMPTY = {"text/plain": ""}


class Screen:
    """What was published: data, display id, whether it was an update, and when."""

    def __init__(self):
        self.sent = []

    def __call__(self, data, metadata=None, *, transient, update):
        self.sent.append((data, transient["display_id"], update, time.monotonic()))

    @property
    def drawn(self):
        return [data["text/html"] for data, *_ in self.sent if "text/html" in data]


def finished(name="t", call_id="a"):
    return ToolInvocation(0, name, call_id, {}, Observation(ok=True, result="done"), "")


async def test_the_area_begins_and_ends_as_the_same_empty_output():
    screen = Screen()

    with LiveRun(screen) as panel:
        panel(TextDelta("hello"))

    assert [data for data, *_ in (screen.sent[0], screen.sent[-1])] == [EMPTY, EMPTY]
    assert len({display_id for _, display_id, *_ in screen.sent}) == 1
    assert [update for *_, update, _ in screen.sent] == [False, True, True]


async def test_text_is_drawn_at_most_fifteen_times_a_second_and_the_tail_is_always_sent():
    screen = Screen()

    with LiveRun(screen) as panel:
        for number in range(200):
            panel(TextDelta(f"w{number} "))
            await asyncio.sleep(0.002)
        await asyncio.sleep(0.15)

    assert "w199" in screen.drawn[-1]
    times = [at for data, *_, at in screen.sent if "text/html" in data]
    assert len(times) < 15 * (times[-1] - times[0]) + 2
    assert len(times) > 3


async def test_long_text_is_drawn_more_seldom():
    screen = Screen()

    with LiveRun(screen) as panel:
        panel(TextDelta("x" * 90_000))
        for _ in range(50):
            panel(TextDelta("y"))
            await asyncio.sleep(0.002)

    assert len(screen.drawn) <= 2


async def test_nothing_is_drawn_after_the_end():
    screen = Screen()

    with LiveRun(screen) as panel:
        panel(TextDelta("a"))
        panel(TextDelta("b"))
    panel(TextDelta("late"))
    await asyncio.sleep(0.15)

    assert screen.sent[-1][0] == EMPTY


async def test_the_finished_run_is_kept_even_when_nothing_is_drawn():
    run = Run("", "cancelled", Transcript())

    with LiveRun(None) as panel:
        panel.say("starting")
        panel(TextDelta("a"))
        panel(RunDone(run))

    assert panel.run is run


async def test_ten_megabytes_cost_little_and_are_drawn_in_part():
    screen = Screen()
    started = time.monotonic()

    with LiveRun(screen) as panel:
        for _ in range(10_000):
            panel(TextDelta("z" * 1000))
        await asyncio.sleep(0.5)

    assert time.monotonic() - started < 5
    assert max(map(len, screen.drawn)) < 150_000
    assert "characters are not drawn" in screen.drawn[-1]


def drawn_by(*events):
    view = LiveView()
    for event in events:
        view.take(event, now_s=1.0)
    return view.html(now_s=4.5)


def test_waiting_shows_a_clock_that_goes_on_where_it_was():
    html = drawn_by(ModelAsked("m", 0))

    assert "thinking…" in html
    assert 'style="animation-delay:-3.5s"' in html


def test_the_clock_leaves_when_text_comes():
    assert "thinking" not in drawn_by(ModelAsked("m", 0), TextDelta("Hello"))


def test_thoughts_are_shown_while_waiting_only():
    assert "hmm" in drawn_by(ModelAsked("m", 0), ReasoningDelta("hmm"))
    assert "hmm" not in drawn_by(
        ModelAsked("m", 0), ReasoningDelta("hmm"), TextDelta("Hi"), StepDone(Step(Reply("Hi")))
    )


def test_a_card_runs_then_finishes_in_the_place_after_the_text():
    call = ToolCall("a", "lookup", '{"q": 1}')

    running = drawn_by(TextDelta("I look"), ToolStarted(0, call))
    done = drawn_by(TextDelta("I look"), ToolStarted(0, call), ToolFinished(finished("lookup")), TextDelta("more"))

    assert "la-running" in running
    assert "la-running" not in done
    assert done.index("I look") < done.index("la-card") < done.index("more")


def test_only_the_last_cards_of_many_are_drawn():
    html = drawn_by(*[ToolFinished(finished(f"tool{number}")) for number in range(300)])

    assert "tool299" in html
    assert html.count("<details") == 40
    assert "260 earlier" in html


def test_streamed_text_is_text_not_markdown():
    assert "**bold** &lt;b&gt;" in drawn_by(TextDelta("**bold** <b>"))


def test_a_bounded_text_keeps_head_and_tail():
    text = BoundedText()
    for _ in range(1000):
        text.add("a" * 1000)
    text.add("END")

    assert str(text).startswith("aaa")
    assert str(text).endswith("END")
    assert len(str(text)) < 110_000
    assert "900,003 characters are not drawn" in str(text)
