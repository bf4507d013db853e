"""Contexts whose kernels are on real Jupyter servers: what works near works there."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from jupyter_servers import GATEWAY, NOTICES_DEATH_SOON, TOKEN, serving

from liteagent_nb.assembly import make_executor
from liteagent_nb.core.errors import ConfigError, ExecError
from liteagent_nb.kernels.contexts import Contexts
from liteagent_nb.kernels.gateway import GatewayStarter

PICTURE = (
    "from IPython.display import Image, display; display(Image(b'\\x89PNG\\r\\n\\x1a\\n' + bytes(1000), format='png'))"
)
SWALLOWS_INTERRUPTS = """
import time
while True:
    try:
        time.sleep(60)
    except KeyboardInterrupt:
        pass
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with serving(GATEWAY, tmp_path_factory.mktemp("jupyter"), NOTICES_DEATH_SOON) as server:
        yield server


@pytest.fixture
async def executor(running):
    async with Contexts(GatewayStarter(running.url, TOKEN), warm=0) as executor:
        yield executor
    assert running.kernels() == []


async def test_a_print_comes_back(executor):
    result = await executor.execute("print(123)")

    assert (result.ok, result.rc, result.stdout, result.status) == (True, 0, "123\n", "ok")


async def test_no_program_runs_here_where_kernels_run_elsewhere(executor):
    with pytest.raises(ConfigError, match="bash"):
        await executor.execute("echo on the wrong machine", language="bash")
    assert "bash" not in {language.name for language in await executor.languages()}


async def test_a_context_keeps_its_state_and_its_last_value_is_the_result(executor):
    context = (await executor.create()).id

    await executor.execute("x = 6", context=context)
    result = await executor.execute("x * 7", context=context)

    assert (result.result, result.context, result.execution_count) == ("42", context, 2)


async def test_a_picture_is_an_output_and_a_watcher_is_told_while_it_comes(executor):
    told = []

    result = await executor.execute(f"print('first')\n{PICTURE}", watch=told.append)

    assert [output["output_type"] for output in result.outputs] == ["stream", "display_data"]
    assert "image/png" in result.outputs[1]["data"]
    assert [output["output_type"] for output in told] == ["stream", "display_data"]


async def test_an_error_has_its_name_and_its_traceback(executor):
    result = await executor.execute("1 / 0")

    assert (result.ok, result.rc, result.status) == (False, 1, "error")
    assert result.error == "ZeroDivisionError: division by zero"
    assert result.exception["traceback"]


async def test_a_time_limit_interrupts_and_the_state_is_kept(executor):
    context = (await executor.create()).id
    await executor.execute("x = 1", context=context)

    result = await executor.execute("while True: pass", timeout_s=1, context=context)

    assert (result.rc, result.status, result.error, result.state_lost) == (-1, "timeout", "timeout after 1s", False)
    assert (await executor.execute("x", context=context)).result == "1"


async def test_code_that_swallows_interrupts_loses_its_kernel_and_says_so(executor):
    context = (await executor.create()).id

    result = await executor.execute(SWALLOWS_INTERRUPTS, timeout_s=1, context=context)

    assert (result.status, result.state_lost) == ("timeout", True)
    assert (await executor.execute("print(1)", context=context)).stdout == "1\n"


async def test_who_leaves_interrupts_and_the_context_survives(executor):
    context = (await executor.create()).id
    await executor.execute("x = 1", context=context)

    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(executor.execute("while True: pass", timeout_s=60, context=context), 1)

    assert (await executor.execute("x", context=context)).result == "1"


async def test_a_restart_forgets(executor):
    context = (await executor.create()).id
    await executor.execute("x = 1", context=context)

    await executor.restart(context)

    assert (await executor.execute("x", context=context)).error == "NameError: name 'x' is not defined"


async def test_a_kernel_that_dies_is_told_and_replaced(executor, running):
    context = (await executor.create()).id

    result = await executor.execute("import os; os._exit(3)", context=context)

    assert (result.status, result.state_lost) == ("died", True)
    assert "died" in result.error
    assert (await executor.execute("print(1)", context=context)).stdout == "1\n"


async def test_closing_a_context_leaves_no_kernel(executor, running):
    context = (await executor.create()).id
    there = len(running.kernels())

    await executor.close(context)

    assert (there, running.kernels()) == (1, [])


async def test_two_contexts_run_side_by_side(executor):
    one, two = [(await executor.create()).id for _ in range(2)]
    began = asyncio.get_running_loop().time()

    await asyncio.gather(*(executor.execute("import time; time.sleep(1)", context=context) for context in (one, two)))

    assert asyncio.get_running_loop().time() - began < 1.9


async def test_an_unknown_kernel_is_a_config_error(executor):
    with pytest.raises(ConfigError, match="no kernel for 'cobol'"):
        await executor.create("cobol")


async def test_a_warm_pool_fills_at_the_gateway_and_is_ended_with_the_rest(running):
    async with Contexts(GatewayStarter(running.url, TOKEN), warm=1) as executor:
        await executor.execute("1")
        await executor.execute("1")

    assert running.kernels() == []


async def test_a_gateway_that_goes_away_is_an_error_and_not_a_wait(tmp_path):
    with serving(GATEWAY, tmp_path) as running:
        executor = Contexts(GatewayStarter(running.url, TOKEN), warm=0)
        context = (await executor.create()).id
    try:
        with contextlib.suppress(ExecError):  # it may still be on its way when the end is told: its kernel died
            await executor.execute("1", context=context)

        with pytest.raises(ExecError, match="cannot be reached"):
            await executor.execute("1", context=context)
    finally:
        await executor.aclose()


async def test_an_executor_is_made_by_the_gateways_address(running):
    executor = make_executor(gateway=running.url, token=TOKEN)
    try:
        assert (await executor.execute("print(123)")).stdout == "123\n"
        assert len(running.kernels()) >= 1
    finally:
        await executor.aclose()
    assert running.kernels() == []
