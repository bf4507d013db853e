"""Functions as tools: whatever they do, the loop goes on and the model is told."""

import asyncio
import contextvars
import dataclasses
import inspect
import subprocess
import sys
import threading
import time

import numpy as np
import pandas as pd
import pytest

from liteagent_nb.core.errors import ConfigError
from liteagent_nb.core.protocols import Invoker
from liteagent_nb.core.tools import Observation
from liteagent_nb.tools.toolbox import Toolbox


async def call(function, timeout_s=5.0, /, **arguments):
    return await Toolbox({"it": function}).call_tool("it", arguments, timeout_s=timeout_s)


async def tool_threads(within_s=0.5):
    """Return the threads that are still there after a moment."""
    until = time.monotonic() + within_s
    while found := [thread for thread in threading.enumerate() if thread.name == "liteagent-tool"]:
        if time.monotonic() > until:
            break
        await asyncio.sleep(0.01)
    return found


async def test_a_toolbox_is_an_invoker():
    def add(a: int, b: int) -> int:
        """Add."""
        return a + b

    toolbox = Toolbox([add])

    assert isinstance(toolbox, Invoker)
    assert [tool.name for tool in await toolbox.list_tools()] == ["add"]
    assert (await toolbox.call_tool("add", {"a": "2", "b": 3}, timeout_s=1)).result == 5


async def test_async_functions_methods_and_objects_are_tools():
    class Doubler:
        async def __call__(self, n: int):
            await asyncio.sleep(0)
            return n * 2

        def halve(self, n: int):
            return n / 2

    assert (await call(Doubler(), n=4)).result == 8
    assert (await call(Doubler().halve, n=4)).result == 2.0


async def test_a_function_that_returns_something_awaitable_is_awaited():
    async def later(n):
        return n + 1

    assert (await call(lambda n: later(n=n), n=1)).result == 2


async def test_what_comes_too_late_to_be_awaited_is_closed():
    async def later():
        return 1

    promised, may_end = later(), threading.Event()
    task = asyncio.create_task(call(lambda: may_end.wait(5) and promised))
    await asyncio.sleep(0.02)
    may_end.set()
    time.sleep(0.05)  # noqa: ASYNC251 - the thread shall end while the loop does not look
    task.cancel()
    await asyncio.wait({task})

    assert inspect.getcoroutinestate(promised) == inspect.CORO_CLOSED


@pytest.mark.parametrize("is_async", [False, True])
async def test_a_function_that_raises_is_an_observation_with_the_end_of_its_traceback(is_async):
    def divide(a: int):
        return a / 0

    async def divide_async(a: int):
        return divide(a)

    observation = await call(divide_async if is_async else divide, a=1)

    assert not observation.ok
    assert observation.error == "ZeroDivisionError: division by zero"
    assert "return a / 0" in observation.stderr
    assert "liteagent_nb" not in observation.stderr
    assert observation.t_ms > 0


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize(
    "error", [SystemExit(3), KeyboardInterrupt(), GeneratorExit(), StopIteration(), BaseException("bare")]
)
async def test_an_exit_or_interrupt_inside_a_tool_ends_nothing_else(error, is_async):
    def leave():
        raise error

    async def leave_async():
        raise error

    observation = await call(leave_async if is_async else leave)

    assert not observation.ok
    assert observation.error


async def test_an_error_that_cannot_be_shown_is_still_an_observation():
    class ShyError(Exception):
        def __str__(self):
            raise RuntimeError

    def shy():
        raise ShyError

    assert "ShyError" in (await call(shy)).error


async def test_endless_recursion_is_told_briefly():
    def again():
        again()

    observation = await call(again)

    assert observation.error.startswith("RecursionError")
    assert len(observation.stderr) < 5_000


async def test_a_tool_that_cancels_itself_is_an_observation():
    async def give_up():
        raise asyncio.CancelledError

    assert (await call(give_up)).error == "the tool cancelled itself"


async def test_a_sync_tool_does_not_hold_up_the_loop():
    beats = 0

    async def beat():
        nonlocal beats
        while True:
            await asyncio.sleep(0.01)
            beats += 1

    heart = asyncio.create_task(beat())
    await call(lambda: time.sleep(0.2))
    heart.cancel()

    assert beats > 5


async def test_context_variables_come_along():
    cell = contextvars.ContextVar("cell")
    cell.set("cell 7")

    async def where():
        return cell.get()

    assert (await call(cell.get)).result == "cell 7"
    assert (await call(where)).result == "cell 7"


def spin():
    while True:
        pass


def spin_and_swallow():
    swallowed = 0
    while True:
        try:
            while True:
                pass
        except BaseException:  # noqa: BLE001 - as careless code does
            swallowed += 1
            if swallowed == 2:
                return


async def hang():
    await asyncio.sleep(3600)


@pytest.mark.parametrize("function", [spin, spin_and_swallow, hang])
async def test_the_time_limit_stops_a_function(function):
    started = time.monotonic()

    observation = await call(function, 0.2)

    assert time.monotonic() - started < 0.7
    assert (observation.ok, observation.error, observation.rc) == (False, "timeout after 0.2s", -1)
    assert await tool_threads() == []


@pytest.mark.parametrize("function", [spin, hang])
async def test_cancelling_stops_a_function_within_a_second(function):
    work = asyncio.create_task(call(function, 60))
    await asyncio.sleep(0.1)
    started = time.monotonic()

    work.cancel()
    await asyncio.wait({work})

    assert time.monotonic() - started < 1.0
    assert work.cancelled()
    assert await tool_threads() == []


async def test_a_function_stuck_in_c_is_left_behind_and_that_is_said():
    observation = await call(lambda: time.sleep(1.0), 0.1)

    assert observation.error == "timeout after 0.1s; it does not stop and was left behind, running"
    assert await tool_threads(within_s=3) == []


async def test_an_async_function_that_ignores_its_end_is_left_behind_and_that_is_said():
    release = asyncio.Event()

    async def stubborn():
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue

    observation = await call(stubborn, 0.1)

    assert "left behind" in observation.error
    release.set()
    await asyncio.sleep(0.01)


async def test_the_cleanup_of_an_async_function_is_not_broken_off():
    cleaned = []

    async def tidy():
        try:
            await asyncio.sleep(3600)
        finally:
            await asyncio.sleep(0.15)
            cleaned.append(True)

    await call(tidy, 0.05)

    assert cleaned


def test_a_tool_that_hangs_does_not_hold_up_the_exit():
    code = (
        "import asyncio, time\n"
        "from liteagent_nb.tools.toolbox import Toolbox\n"
        "box = Toolbox({'nap': lambda: time.sleep(3600)})\n"
        "print(asyncio.run(box.call_tool('nap', {}, timeout_s=0.1)).ok)\n"
    )

    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=20, check=False
    )

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "False\n", "")


@dataclasses.dataclass
class Point:
    x: int


class Unprintable:
    def __str__(self):
        raise RuntimeError


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("as it is", "as it is"),
        (None, ""),
        (3, "3"),
        ([1, "ä"], '[1, "ä"]'),
        ({"k": [1]}, '{"k": [1]}'),
        (Point(1), '{"x": 1}'),
        ({1}, "{1}"),
        (float("nan"), "NaN"),
        (np.arange(3), "[0 1 2]"),
        (np.float64(1.5), "1.5"),
        (pd.DataFrame({"a": [1]}), "   a\n0  1"),
        (Observation(ok=True, stdout="its own"), "its own"),
    ],
)
async def test_what_a_function_returns_is_told(value, text):
    observation = await call(lambda: value)

    assert observation.ok
    assert observation.text == text


async def test_a_result_that_cannot_be_shown_is_named():
    assert (await call(Unprintable)).text == "<a Unprintable that cannot be shown: RuntimeError>"


@pytest.mark.parametrize("value", ["x" * 10_000_000, list(range(1_000_000)), {"k": "x" * 100_000}, {*range(100_000)}])
async def test_a_huge_result_is_bounded_and_its_size_named(value):
    observation = await call(lambda: value)

    assert len(observation.text) <= 20_000
    assert "characters, middle left out]" in observation.text


async def test_wrong_arguments_are_told_before_anything_is_called():
    called = []

    def act(city: str):
        called.append(city)

    observation = await call(act, town="Rome")

    assert "argument 'city' is missing" in observation.error
    assert "it takes city" in observation.error
    assert called == []


async def test_an_argument_that_cannot_be_made_is_told_too():
    @dataclasses.dataclass
    class Even:
        n: int

        def __post_init__(self):
            raise TypeError("odd")

    def act(number: "Even"): ...

    act.__annotations__["number"] = Even

    assert (await call(act, number={"n": 1})).error == "TypeError: odd"


async def test_an_unknown_tool_is_told_with_the_list():
    observation = await Toolbox([spin, hang]).call_tool("spinn", {}, timeout_s=1)

    assert observation.error == "unknown tool 'spinn'; tools: spin, hang"


def test_two_tools_of_one_name_are_refused():
    with pytest.raises(ConfigError, match="two tools are named 'spin'"):
        Toolbox([spin, spin])


def test_what_is_no_function_is_refused():
    with pytest.raises(ConfigError, match="cannot be called"):
        Toolbox([3])


def test_a_lambda_needs_a_name():
    with pytest.raises(ConfigError, match="lambda"):
        Toolbox([lambda: 1])
