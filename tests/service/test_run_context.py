"""The code of an agent's run finds its earlier variables, shows its pictures, and its context goes with the run."""

import pytest

from liteagent_nb import AgentConfig, LocalMCPInvoker, Transcript
from liteagent_nb.assembly import Wires, run_wired
from liteagent_nb.kernels.contexts import Contexts
from liteagent_nb.kernels.run_context import RunContext
from liteagent_nb.testing import ScriptedModel, call

PLOT = "import matplotlib.pyplot as plt\nplt.plot([1, 2]);\nplt.show()"


@pytest.fixture
async def executor():
    async with Contexts() as contexts:
        yield contexts


async def run(executor, *replies, **config):
    context = RunContext(executor)
    wires = Wires(ScriptedModel(*replies), LocalMCPInvoker(executor=context, tool_timeout_sec=60), close=context.aclose)
    config = AgentConfig(model="scripted", max_iterations=8, tool_timeout_sec=60, **config)
    return await run_wired(Transcript.of("go"), wires, config=config, watch=lambda _: None)


async def test_variables_stay_from_call_to_call_and_are_gone_with_the_run(executor):
    first = await run(executor, call("exec_python", code="x = 20"), call("exec_python", code="x + 1"), "21")
    second = await run(executor, call("exec_python", code="x"), "gone")

    assert first.tool_invocations[1].observation.text == "21\n"
    assert second.tool_invocations[0].error == "NameError: name 'x' is not defined"
    assert await executor.contexts() == []


async def test_a_run_that_needs_no_code_opens_no_context(executor):
    await run(executor, "hello")

    assert await executor.contexts() == []


async def test_a_plot_is_kept_for_showing_and_the_model_is_told_of_it(executor):
    done = await run(executor, call("exec_python", code=PLOT), "there it is")

    observation = done.tool_invocations[0].observation
    assert "a picture (image/png) is shown" in observation.text
    assert observation.outputs[0]["data"]["image/png"]


async def test_the_model_is_told_a_short_traceback(executor):
    done = await run(executor, call("exec_python", code="def f():\n    return 1 / 0\nf()"), "oh")

    told = done.tool_invocations[0].message
    assert "ZeroDivisionError: division by zero" in told
    assert "Traceback" in told
    assert len(told) < 800
    assert "\x1b" not in told


async def test_other_languages_run_as_programs_and_fences_are_taken_off(executor):
    done = await run(
        executor,
        call("exec_code", language="bash", code="echo $((6 * 7))"),
        call("exec_code", language="python", code="```python\nprint(6 * 7)\n```"),
        "42",
    )

    assert [invocation.stdout for invocation in done.tool_invocations] == ["42\n", "42\n"]


async def test_a_tool_s_time_limit_leaves_the_context_usable(executor):
    context = RunContext(executor)
    invoker = LocalMCPInvoker(executor=context, tool_timeout_sec=1)
    await invoker.call_tool("exec_python", {"code": "x = 5"})

    late = await invoker.call_tool("exec_python", {"code": "while True: pass"})

    assert (late.rc, late.error) == (-1, "timeout after 1s")
    assert (await invoker.call_tool("exec_python", {"code": "x"})).text == "5\n"
    await context.aclose()
