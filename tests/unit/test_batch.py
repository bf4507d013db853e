"""Batches: order, windows, failures, and leaving early."""

from __future__ import annotations

import asyncio
import gc
import itertools
from contextlib import aclosing

import pytest

from liteagent_nb import acompletion_as_completed
from liteagent_nb.core.errors import ConfigError


class Answering:
    """A router whose requests say how long they take, and whether they fail."""

    def __init__(self):
        self.begun = self.open = self.most = 0
        self.cancelled = []

    async def acompletion(self, *, n, takes_s=0.0, fails=False):
        self.begun += 1
        self.open += 1
        self.most = max(self.most, self.open)
        try:
            await asyncio.sleep(takes_s)
        except asyncio.CancelledError:
            await asyncio.sleep(0)  # cleaning up takes a moment
            self.cancelled.append(n)
            raise
        finally:
            self.open -= 1
        if fails:
            raise ValueError(f"no answer to {n}")
        return f"answer {n}"


async def until(is_so):
    """Wait for what nobody tells."""
    async with asyncio.timeout(2):
        while not is_so():  # noqa: ASYNC110 - it is looked at from outside
            await asyncio.sleep(0)


@pytest.fixture
def router():
    return Answering()


@pytest.fixture(autouse=True)
async def nothing_is_left():
    yield
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_answers_come_in_the_order_they_complete_with_their_index(router):
    requests = [{"n": n, "takes_s": takes_s} for n, takes_s in enumerate((0.06, 0.0, 0.03))]

    got = [pair async for pair in acompletion_as_completed(router, requests)]

    assert got == [(1, "answer 1"), (2, "answer 2"), (0, "answer 0")]


async def test_no_more_are_under_way_than_asked_for(router):
    requests = ({"n": n, "takes_s": 0.001} for n in range(50))

    got = [index async for index, _ in acompletion_as_completed(router, requests, concurrency=4)]

    assert sorted(got) == list(range(50))
    assert router.most == 4


@pytest.mark.parametrize("is_async", [False, True])
async def test_an_endless_iterable_is_taken_lazily(router, is_async):
    taken = []

    def endless():
        for n in itertools.count():
            taken.append(n)
            yield {"n": n}

    async def endless_later():
        for request in endless():
            yield request

    async with aclosing(acompletion_as_completed(router, endless_later() if is_async else endless())) as answers:
        got = [await anext(answers) for _ in range(20)]

    assert len(got) == 20
    assert len(taken) <= 20 + 5 + 1


async def test_answers_do_not_wait_for_a_slow_async_iterable(router):
    never = asyncio.Event()

    async def requests():
        yield {"n": 0}
        await never.wait()

    async with aclosing(acompletion_as_completed(router, requests())) as answers:
        async with asyncio.timeout(2):
            assert await anext(answers) == (0, "answer 0")


async def test_a_failure_is_raised_with_its_index_after_the_others_were_cancelled(router):
    requests = [{"n": 0, "takes_s": 9}, {"n": 1, "fails": True}, {"n": 2, "takes_s": 9}]

    with pytest.raises(ValueError, match="no answer to 1") as caught:
        _ = [pair async for pair in acompletion_as_completed(router, requests)]

    assert caught.value.__notes__ == ["request 1 of the batch failed"]
    assert sorted(router.cancelled) == [0, 2]
    assert router.open == 0


async def test_failures_come_as_values_where_that_is_asked_for(router):
    requests = [{"n": n, "fails": n % 2 == 1} for n in range(6)]

    got = dict([pair async for pair in acompletion_as_completed(router, requests, return_exceptions=True)])

    assert {index for index, answer in got.items() if isinstance(answer, ValueError)} == {1, 3, 5}
    assert [got[index] for index in (0, 2, 4)] == ["answer 0", "answer 2", "answer 4"]


async def test_a_request_that_was_cancelled_by_itself_is_a_failure_too():
    class Cancelling:
        async def acompletion(self, **request):
            raise asyncio.CancelledError

    got = [answer async for _, answer in acompletion_as_completed(Cancelling(), [{}], return_exceptions=True)]

    assert [type(answer) for answer in got] == [asyncio.CancelledError]


async def test_closing_early_cancels_the_others_and_waits_for_them(router):
    requests = [{"n": 0}, *({"n": n, "takes_s": 9} for n in range(1, 9))]

    async with aclosing(acompletion_as_completed(router, requests, concurrency=4)) as answers:
        assert await anext(answers) == (0, "answer 0")
        begun = router.begun

    assert router.open == 0
    assert router.begun == begun <= 5
    assert sorted(router.cancelled) == list(range(1, begun))


async def test_a_break_is_enough(router):
    async for _ in acompletion_as_completed(router, [{"n": 0}, {"n": 1, "takes_s": 9}]):
        break
    gc.collect()
    await until(lambda: router.open == 0)

    assert router.cancelled == [1]


async def test_a_cancelled_batch_cancels_what_is_under_way(router):
    async def batch():
        return [pair async for pair in acompletion_as_completed(router, [{"n": n, "takes_s": 9} for n in range(3)])]

    task = asyncio.create_task(batch())
    await until(lambda: router.open == 3)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert sorted(router.cancelled) == [0, 1, 2]


@pytest.mark.parametrize("is_async", [False, True])
async def test_an_iterable_that_breaks_ends_the_batch(router, is_async):
    def broken():
        yield {"n": 0, "takes_s": 9}
        raise LookupError("the table is gone")

    async def broken_later():
        for request in broken():
            yield request

    with pytest.raises(LookupError, match="the table is gone"):
        _ = [pair async for pair in acompletion_as_completed(router, broken_later() if is_async else broken())]

    assert router.open == 0


async def test_no_requests_give_no_answers(router):
    assert [pair async for pair in acompletion_as_completed(router, [])] == []


async def test_none_from_an_async_iterable_is_no_end():
    async def requests():
        yield None

    with pytest.raises(ConfigError, match="request 0 is a NoneType"):
        _ = [pair async for pair in acompletion_as_completed(Answering(), requests())]


async def test_what_is_no_request_is_refused_by_its_index(router):
    with pytest.raises(ConfigError, match="request 1 is a str"):
        _ = [pair async for pair in acompletion_as_completed(router, [{"n": 0}, "hi"])]


async def test_a_window_of_none_is_refused(router):
    with pytest.raises(ConfigError, match="concurrency is 0"):
        _ = [pair async for pair in acompletion_as_completed(router, [], concurrency=0)]


async def test_answers_are_not_kept():
    class Large:
        alive = most = 0

        def __init__(self):
            Large.alive += 1
            Large.most = max(Large.most, Large.alive)

        def __del__(self):
            Large.alive -= 1

    class Giving:
        async def acompletion(self, **request):
            return Large()

    async for _ in acompletion_as_completed(Giving(), ({} for _ in range(500)), concurrency=8):
        pass

    assert Large.most <= 8 + 2
