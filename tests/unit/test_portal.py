from __future__ import annotations

import asyncio
import contextvars
import inspect
import os
import signal
import threading
import time

import pytest

from liteagent_nb.core.portal import Portal


@pytest.fixture
def portal():
    portal = Portal()
    yield portal
    portal.close()


async def loop_and_thread():
    return asyncio.get_running_loop(), threading.current_thread().name


def test_one_loop_is_kept_over_calls(portal):
    assert portal.wait_for(loop_and_thread()) == portal.wait_for(loop_and_thread())


async def test_it_works_inside_a_running_loop(portal):
    loop, _ = portal.wait_for(loop_and_thread())

    assert loop is not asyncio.get_running_loop()


def test_what_the_work_raises_comes_out(portal):
    async def fails():
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        portal.wait_for(fails())


def test_the_caller_does_something_meanwhile_and_may_return_sooner(portal):
    went_on = threading.Event()

    async def work():
        await asyncio.to_thread(went_on.wait, 5)
        return "done"

    assert portal.wait_for(work(), meanwhile=lambda ended: went_on.set()) == "done"


def test_what_fails_meanwhile_cancels_the_work(portal):
    cancelled = threading.Event()

    async def work():
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    def fails(ended):
        ended.wait(0.1)
        raise ValueError("no front end")

    with pytest.raises(ValueError, match="no front end"):
        portal.wait_for(work(), meanwhile=fails)
    assert cancelled.is_set()


def test_context_variables_come_along(portal):
    cell = contextvars.ContextVar("cell", default="none")
    cell.set("this one")

    async def which():
        return cell.get()

    assert portal.wait_for(which()) == "this one"


def test_a_real_interrupt_cancels_the_work_and_waits_for_its_cleanup(portal):
    steps = []

    async def work():
        try:
            threading.Timer(0.1, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
            await asyncio.sleep(30)
        finally:
            await asyncio.sleep(0.05)
            steps.append("cleaned up")

    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        portal.wait_for(work())

    assert steps == ["cleaned up"]
    assert time.monotonic() - started < 1
    assert portal.wait_for(loop_and_thread())


def test_waiting_for_itself_is_refused_and_does_not_hang(portal):
    async def nested():
        return portal.wait_for(loop_and_thread())

    with pytest.raises(RuntimeError, match="cannot wait for itself"):
        portal.wait_for(nested())


def test_closing_cancels_what_runs_and_leaves_no_thread(portal):
    started, ended = threading.Event(), threading.Event()
    threads = []

    async def work():
        threads.append(threading.current_thread())
        started.set()
        try:
            await asyncio.sleep(30)
        finally:
            ended.set()

    def wait():
        with pytest.raises(KeyboardInterrupt):
            portal.wait_for(work())

    waiter = threading.Thread(target=wait)
    waiter.start()
    started.wait(5)
    portal.close()
    waiter.join(5)

    assert ended.is_set()
    assert not threads[0].is_alive()


def test_a_closed_portal_opens_again(portal):
    portal.wait_for(loop_and_thread())
    portal.close()

    assert portal.wait_for(loop_and_thread())


async def test_an_interrupt_before_the_work_begins_closes_it_at_once():
    class Interrupted(Portal):
        interrupts = 1

        def _opened(self):
            self.interrupts -= 1
            if self.interrupts == 0:
                raise KeyboardInterrupt
            return super()._opened()

    portal, work = Interrupted(), loop_and_thread()
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        portal.wait_for(work)
    took_s = time.monotonic() - started
    portal.close()

    assert took_s < 1
    assert inspect.getcoroutinestate(work) == inspect.CORO_CLOSED


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt])
def test_an_exit_inside_the_work_comes_out_and_the_portal_goes_on(portal, error):
    async def leaves():
        raise error

    async def works():
        await asyncio.create_task(leaves())

    with pytest.raises(error):
        portal.wait_for(works())

    assert portal.wait_for(loop_and_thread())


def test_an_interrupt_that_hits_the_lock_of_the_event_is_an_interrupt(portal):
    def hit(ended):
        try:
            raise KeyboardInterrupt
        finally:
            threading.Lock().release()  # as a `with` of the event's own lock does, left before it had it again

    with pytest.raises(KeyboardInterrupt):
        portal.wait_for(asyncio.sleep(30), meanwhile=hit)
