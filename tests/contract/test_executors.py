"""What every ContextExecutor promises, near and far alike."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack

import jupyter_servers
import pytest
from exec_server import serving
from jupyter_servers import GATEWAY, NOTICES_DEATH_SOON

from liteagent_nb.core.errors import ConfigError, UnknownContext
from liteagent_nb.core.execution import ExecResult
from liteagent_nb.kernels.contexts import Contexts
from liteagent_nb.kernels.gateway import GatewayStarter
from liteagent_nb.kernels.http_executor import HttpExecutor
from liteagent_nb.services.exec_rpc_server import create_app


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    with jupyter_servers.serving(GATEWAY, tmp_path_factory.mktemp("gateway"), NOTICES_DEATH_SOON) as running:
        yield running.url


@pytest.fixture(params=["near", "http", "gateway"])
async def executor(request):
    async with AsyncExitStack() as stack:
        if request.param == "near":
            yield await stack.enter_async_context(Contexts())
        elif request.param == "gateway":
            starter = GatewayStarter(request.getfixturevalue("gateway"), jupyter_servers.TOKEN)
            yield await stack.enter_async_context(Contexts(starter, warm=0))
        else:
            url = stack.enter_context(serving(create_app(Contexts(), token="a-token")))
            yield await stack.enter_async_context(HttpExecutor(url, "a-token"))


@pytest.fixture
def has_programs(request, executor):
    """Whether languages without a kernel are run, as programs."""
    return request.node.callspec.params["executor"] != "gateway"


async def until(condition, within_s=5.0):
    end = time.monotonic() + within_s
    while not await condition():
        assert time.monotonic() < end
        await asyncio.sleep(0.02)


async def state_of(executor, context):
    return next(known.state for known in await executor.contexts() if known.id == context)


async def test_code_brings_back_what_it_printed_and_its_last_value(executor):
    result = await executor.execute("print(123)\n6 * 7")

    assert isinstance(result, ExecResult)
    assert (result.ok, result.rc, result.status) == (True, 0, "ok")
    assert (result.stdout, result.result, result.context) == ("123\n", "42", "")
    assert isinstance(result.outputs, tuple)
    assert [output["output_type"] for output in result.outputs] == ["stream", "execute_result"]


async def test_code_that_raises_is_a_result(executor):
    result = await executor.execute("1 / 0")

    assert (result.ok, result.rc, result.status) == (False, 1, "error")
    assert result.error == "ZeroDivisionError: division by zero"
    assert result.exception["ename"] == "ZeroDivisionError"
    assert result.exception["traceback"]


async def test_a_spent_time_limit_is_a_result(executor):
    result = await executor.execute("while True: pass", timeout_s=0.5)

    assert (result.ok, result.rc, result.status) == (False, -1, "timeout")
    assert result.error == "timeout after 0.5s"


async def test_a_watcher_is_told_outputs_while_they_come(executor):
    came = []

    def watch(output):
        came.append((output["text"].strip(), time.monotonic()))

    code = "import time\nprint('first', flush=True)\ntime.sleep(0.6)\nprint('second')"
    result = await executor.execute(code, watch=watch)

    assert result.stdout == "first\nsecond\n"
    assert [text for text, _ in came] == ["first", "second"]
    assert came[1][1] - came[0][1] > 0.4


async def test_a_watched_failure_is_the_same_result(executor):
    result = await executor.execute("1 / 0", watch=lambda output: None)

    assert (result.ok, result.status) == (False, "error")


async def test_a_program_fills_stdout_and_its_exit_code(executor, has_programs):
    if not has_programs:  # kernels elsewhere: a program would run on the wrong machine
        with pytest.raises(ConfigError, match="bash"):
            await executor.execute("echo out", language="bash")
        return
    result = await executor.execute("echo out; echo err >&2; exit 3", language="bash")

    assert (result.ok, result.rc, result.stdout, result.stderr) == (False, 3, "out\n", "err\n")


async def test_an_unknown_language_is_refused(executor):
    with pytest.raises(ConfigError, match="cobol"):
        await executor.execute("x", language="cobol")
    with pytest.raises(ConfigError, match="cobol"):
        await executor.execute("x", language="cobol", watch=lambda output: None)
    with pytest.raises(ConfigError, match="cobol"):
        await executor.create("cobol")


async def test_a_context_keeps_its_variables_until_it_is_restarted(executor):
    context = (await executor.create()).id

    await executor.execute("x = 5", context=context)
    kept = await executor.execute("x", context=context)
    status = await executor.restart(context)
    after = await executor.execute("x", context=context)

    assert (kept.result, kept.context) == ("5", context)
    assert (status.id, status.state) == (context, "idle")
    assert after.exception["ename"] == "NameError"


async def test_contexts_are_listed_by_the_name_they_were_given(executor):
    made = await executor.create("python", name="plot-1")

    await executor.execute("1", context="plot-1")

    (listed,) = await executor.contexts()
    assert (made.id, made.language, made.executions) == ("plot-1", "python", 0)
    assert (listed.id, listed.state, listed.executions) == ("plot-1", "idle", 1)
    with pytest.raises(ConfigError, match="plot-1"):
        await executor.create("python", name="plot-1")
    await executor.close("plot-1")
    assert list(await executor.contexts()) == []


async def test_an_unknown_context_is_said_to_be_unknown_by_everything(executor):
    for attempt in (
        executor.execute("1", context="nobody"),
        executor.execute("1", context="nobody", watch=lambda output: None),
        executor.interrupt("nobody"),
        executor.restart("nobody"),
        executor.close("nobody"),
    ):
        with pytest.raises(UnknownContext, match="nobody"):
            await attempt


async def test_an_interrupt_ends_what_runs_and_the_context_survives(executor):
    context = (await executor.create()).id
    await executor.execute("kept = 7", context=context)
    running = asyncio.create_task(executor.execute("import time; time.sleep(60)", context=context, timeout_s=60))

    async def is_busy():
        return await state_of(executor, context) == "busy"

    await until(is_busy)
    await executor.interrupt(context)
    result = await running

    assert (result.ok, result.status) == (False, "interrupted")
    assert (await executor.execute("kept", context=context)).result == "7"


@pytest.mark.parametrize("watch", [None, lambda output: None], ids=["whole", "watched"])
async def test_being_cancelled_interrupts_the_code_and_the_context_survives(executor, watch):
    context = (await executor.create()).id
    await executor.execute("kept = 7", context=context)
    code = "import time; time.sleep(60)"
    running = asyncio.create_task(executor.execute(code, context=context, timeout_s=60, watch=watch))

    async def is_busy():
        return await state_of(executor, context) == "busy"

    async def is_idle():
        return await state_of(executor, context) == "idle"

    await until(is_busy)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    await until(is_idle)
    assert (await executor.execute("kept", context=context)).result == "7"


async def test_a_kernel_that_dies_is_told_and_replaced(executor):
    context = (await executor.create()).id

    result = await executor.execute("import os; os._exit(3)", context=context)

    assert (result.ok, result.status, result.state_lost) == (False, "died", True)
    assert (await executor.execute("1 + 1", context=context)).result == "2"


async def test_the_languages_say_what_can_be_run(executor, has_programs):
    languages = {language.name: language for language in await executor.languages()}

    assert languages["python"].is_installed
    assert languages["python"].keeps_state
    assert ("bash" in languages) == has_programs
    assert not has_programs or (not languages["bash"].keeps_state and "shell" in languages["bash"].aliases)


async def test_many_at_once_are_all_answered_each_with_its_own(executor):
    codes = [f"print({number})" for number in range(12)]

    results = await asyncio.gather(*(executor.execute(code, timeout_s=60) for code in codes))

    assert [result.stdout for result in results] == [f"{number}\n" for number in range(12)]
