"""What users of the seed's known implementation have tests for (contract.md 12), with the real local tools."""

from __future__ import annotations

import pytest

from liteagent_nb import AgentConfig, EchoMCP, LocalMCPInvoker, Transcript, run_agent
from liteagent_nb.testing import ScriptedModel, call, calls


async def run(*replies, mcp=None, **config):
    invoker = mcp or LocalMCPInvoker(shell_allow_prefixes=("echo",))
    model = ScriptedModel(*replies)
    return await run_agent(Transcript.of("do it"), model=model, tools=invoker, config=AgentConfig(**config))


async def test_01_auto_run_of_a_fenced_python_reply_gives_an_ok_exec_python_with_its_stdout():
    done = await run("```python\nprint('hi from code')\n```", auto_run_code_on_code_block=True)

    (only,) = done.iterations[-1].tool_invocations
    assert (only.name, only.ok, only.rc, only.stdout) == ("exec_python", True, 0, "hi from code\n")
    assert done.final_answer == "hi from code\n"


async def test_02_a_plain_reply_is_success():
    assert (await run("hello")).stopped_reason == "success"


async def test_03_two_calls_with_a_cap_of_one_are_one_invocation():
    two = calls(call("exec_python", code="print(1)"), call("exec_python", code="print(2)"))

    done = await run(two, "done", max_tools_per_iter=1)

    assert len(done.iterations[0].tool_invocations) == 1


async def test_04_two_calls_the_first_slower_give_results_in_the_order_asked():
    two = calls(
        call("exec_python", code="import time; time.sleep(.3); print('slow')"), call("research_echo", query="fast")
    )

    done = await run(two, "done", tool_concurrency=2)

    assert [i.name for i in done.tool_invocations] == ["exec_python", "research_echo"]
    tools = [m["content"] for m in done.messages if m["role"] == "tool"]
    assert tools == ["slow\n", "fast"]


async def test_07_an_unsure_reply_then_an_answer():
    done = await run("I'm not sure.", call("research_echo", query="x"), "It is x.", research_on_unsure=True)

    assert done.final_answer == "It is x."


async def test_08_a_forbidden_prefix_is_refused():
    done = await run(call("exec_shell", cmd="rm -rf nothing"), "done")

    assert "prefix not allowed" in (done.tool_invocations[0].error or "")
    assert "prefix not allowed" in str(done.messages[2]["content"])


async def test_09_an_allowed_prefix_runs_and_never_through_a_shell():
    done = await run(call("exec_shell", cmd="echo x; rm y"), "done")

    assert (done.tool_invocations[0].ok, done.tool_invocations[0].stdout) == (True, "x; rm y\n")


async def test_15_two_budget_exceeded_replies_then_done_are_three_calls():
    done = await run("budget exceeded", "budget exceeded", "done", escalate_on_budget_exceeded=True)

    assert (len(done.iterations), done.final_answer) == (3, "done")


async def test_16_a_failing_then_fixed_exec_is_success_with_both_records():
    done = await run(call("exec_python", code="print(1/0)"), call("exec_python", code="print(1/1)"), "1.0")

    assert done.stopped_reason == "success"
    assert [i.ok for i in done.tool_invocations] == [False, True]
    assert "ZeroDivisionError" in done.tool_invocations[0].stderr


async def test_17_research_tools_without_keys_fail_softly():
    done = await run(call("research_perplexity", query="x"), "done")

    assert done.stopped_reason == "success"
    assert done.tool_invocations[0].ok is False


async def test_22_json_mode_content_is_kept():
    messages = [
        {"role": "user", "content": "as JSON"},
        {"role": "assistant", "content": {"answer": 42}},
        {"role": "user", "content": "again"},
    ]
    model = ScriptedModel('{"answer": 43}')

    done = await run_agent(Transcript.of(messages), model=model, config=AgentConfig())

    assert done.messages[1]["content"] == '{"answer": 42}'
    assert done.final_answer == '{"answer": 43}'


@pytest.mark.parametrize("language", ["c", "bash"])
async def test_39_40_a_block_in_another_language_is_run_by_exec_code(language):
    code = {"c": '#include <stdio.h>\nint main(){puts("42");return 0;}', "bash": "echo 42"}[language]

    done = await run(f"```{language}\n{code}\n```", auto_run_code_on_code_block=True, tool_timeout_sec=30)

    assert (done.tool_invocations[0].name, done.final_answer.strip()) == ("exec_code", "42")


async def test_41_the_observation_has_the_stderr():
    done = await run("```python\nraise ValueError('seen by the model')\n```", "sorry", auto_run_code_on_code_block=True)

    observation = next(
        str(m["content"]) for m in done.messages if "Observation from last tool run" in str(m["content"])
    )
    assert "ValueError: seen by the model" in observation


async def test_42_the_research_hint_names_the_research_tools():
    done = await run("I don't know.", "ok", research_on_unsure=True)

    assert any("research_echo" in str(m["content"]) for m in done.messages if m["role"] == "user")


async def test_44_bad_json_arguments_are_an_error_reply():
    done = await run(call("exec_python", "{code: print(1)"), "done")

    assert (done.stopped_reason, done.tool_invocations[0].ok) == ("success", False)
    assert "JSON" in str(done.messages[2]["content"])


async def test_the_echo_invoker_echoes():
    done = await run(call("echo", text="hi"), "done", mcp=EchoMCP())

    assert str(done.messages[2]["content"]) == "hi"
