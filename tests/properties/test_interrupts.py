"""Random runs on the portal, interrupted by real SIGINTs at random moments of the wait."""

from __future__ import annotations

import asyncio
import inspect
import signal
import threading
import time
from contextlib import contextmanager

import pytest
from checks import check, check_next_question
from hypothesis import given, settings
from hypothesis import strategies as st
from leaks import nothing_is_left, tasks_left
from scenes import HANGS_S, Stage, scenes
from toolsets import CALLS, mixed

from liteagent_nb.core.errors import ConfigError
from liteagent_nb.core.portal import Portal

STOPS_WITHIN_S = 1.5
"""A second is promised; this machine may be busy."""


@contextmanager
def sigint_after(delays_us):
    """Send SIGINTs to the main thread; they count only while it waits for the portal, as in a cell. Yields when."""
    pressed_s = []

    def interrupt(signum, frame):
        while frame is not None:
            if frame.f_code is Portal.wait_for.__code__:
                pressed_s.append(time.monotonic())
                raise KeyboardInterrupt
            frame = frame.f_back

    def send():
        for delay_us in delays_us:
            time.sleep(delay_us / 1e6)
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    before = signal.signal(signal.SIGINT, interrupt)
    sender = threading.Thread(target=send)
    sender.start()
    try:
        yield pressed_s
    finally:
        sender.join()
        signal.signal(signal.SIGINT, before)


async def noted(stage, tasks):
    tasks.append(asyncio.current_task())
    stage.trigger.aim(tasks[0])
    async with asyncio.timeout(2.0 if stage.scene.is_endless else HANGS_S):
        return await stage.run()


@pytest.mark.timeout(600)  # making a failing example small takes a while
@settings(max_examples=200)
@given(
    scene=scenes(CALLS, interrupts=st.none()),
    delays_us=st.lists(st.integers(0, 1000) | st.integers(0, 30_000), min_size=1, max_size=2),
    is_fresh=st.booleans(),
)
def test_a_run_is_whole_and_leaves_nothing_whenever_the_stop_button_is_pressed(scene, delays_us, is_fresh):
    with nothing_is_left(with_processes=False):
        portal, stage, tasks = Portal(), Stage(scene, mixed), []
        if not is_fresh:
            portal.wait_for(tasks_left())

        with sigint_after(delays_us) as pressed_s:
            work = noted(stage, tasks)
            try:
                portal.wait_for(work)
            except KeyboardInterrupt:
                # A script that cancels itself counts as interrupted, too.
                took_s = time.monotonic() - pressed_s[0] if pressed_s else 0.0
                stage.trigger.has_fired = bool(pressed_s)
                assert took_s < STOPS_WITHIN_S
            except TimeoutError:
                assert scene.is_endless
                stage.trigger.has_fired = True
            except ConfigError:
                pass  # the script refuses before anything was answered; what is told then is checked below

        left = portal.wait_for(tasks_left(within_s=2.0))
        if inspect.getcoroutinestate(work) == inspect.CORO_CREATED:  # the first line of the wait was not reached
            work.close()
        if tasks:
            check(stage.played(tasks[0], left))
        if stage.events and (run := stage.played(tasks[0], left).run) is not None:
            portal.wait_for(check_next_question(run, mixed(stage.trigger)))
        portal.close()
