"""The loop of contract.md 1: what a run does, step by step."""

from __future__ import annotations

import asyncio
import contextlib
import itertools

import pytest

from liteagent_nb.core.agent import run_agent
from liteagent_nb.core.chat import Price, Reply, Transcript, Usage
from liteagent_nb.core.config import AgentConfig
from liteagent_nb.core.errors import ConfigError, ModelError
from liteagent_nb.core.steps import ModelAsked, RunDone, StepDone, TextDelta, ToolFinished, ToolStarted
from liteagent_nb.core.streaming import Delta
from liteagent_nb.core.tools import Observation, Tool
from liteagent_nb.testing import ScriptedModel, breaks_off, call, calls, endless, slow
from liteagent_nb.testing.validator import check_request


class Desk:
    """An invoker of a few tools that every test understands."""

    def __init__(self, *extra: Tool) -> None:
        self.seen: list[tuple[str, dict[str, object]]] = []
        self.running = self.most_running = 0
        self.cleaned_up: list[str] = []
        self._tools = [
            Tool(name) for name in ("echo", "boom", "fail", "wait", "huge", "deaf", "exec_python", "exec_code")
        ]
        self._tools += extra

    async def list_tools(self):
        return self._tools

    async def call_tool(self, name, arguments, *, timeout_s):
        self.seen.append((name, dict(arguments)))
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            return await getattr(self, f"_{name}")(**arguments)
        except asyncio.CancelledError:
            self.cleaned_up.append(name)
            raise
        finally:
            self.running -= 1

    async def _echo(self, text=""):
        return Observation(ok=True, result=text)

    async def _boom(self):
        raise ZeroDivisionError("division by zero")

    async def _fail(self, times=1):
        if len([n for n, _ in self.seen if n == "fail"]) > times:
            return Observation(ok=True, stdout="mended")
        return Observation(ok=False, rc=1, stderr="NameError: name 'x' is not defined", error="exit code 1")

    async def _wait(self, seconds=0.1, text="waited"):
        await asyncio.sleep(seconds)
        return Observation(ok=True, result=text)

    async def _huge(self):
        return Observation(ok=True, result="x" * 1_000_000)

    async def _deaf(self):
        until = asyncio.get_running_loop().time() + 3
        while (left := until - asyncio.get_running_loop().time()) > 0:
            try:
                await asyncio.sleep(left)
            except asyncio.CancelledError:
                continue
        return Observation(ok=True)

    async def _exec_python(self, code):
        ok = "x" not in code
        return Observation(ok=ok, stdout="2\n" if ok else "", stderr="" if ok else "NameError: x", rc=int(not ok))

    async def _exec_code(self, language, code):
        return Observation(ok=True, stdout=f"{language} ran\n", rc=0)


async def run(model, task="do it", *, tools=None, **config):
    watch = config.pop("watch", lambda _event: None)
    escalate_to = config.pop("escalate_to", None)
    return await run_agent(
        Transcript.of(task),
        model=model,
        tools=tools if tools is not None else Desk(),
        config=AgentConfig(**config),
        watch=watch,
        escalate_to=escalate_to,
    )


def tool_messages(done):
    return [message for message in done.messages if message["role"] == "tool"]


async def test_a_plain_reply_is_success():
    done = await run(ScriptedModel("hello"))

    assert (done.stopped_reason, done.final_answer, done.final_answer_source) == ("success", "hello", "model")
    assert len(done.steps) == 1
    assert done.messages[-1] == {"role": "assistant", "content": "hello"}


async def test_the_run_ends_when_the_model_answers_and_not_at_the_first_tool_success():
    model = ScriptedModel(call("echo", text="hi"), "it said hi")

    done = await run(model)

    assert done.final_answer == "it said hi"
    assert model.asked[1].transcript.messages[-1]["content"] == "hi"
    assert [i.ok for i in done.tool_invocations] == [True]


async def test_a_failing_tool_is_shown_to_the_model_and_the_run_goes_on():
    model = ScriptedModel(call("boom"), "sorry")

    done = await run(model)

    assert done.stopped_reason == "success"
    assert "ZeroDivisionError" in model.asked[1].text


async def test_the_stderr_of_a_failing_tool_is_in_its_message_with_the_repair_observation():
    model = ScriptedModel(call("fail"), call("fail"), "done")

    done = await run(model)

    assert done.stopped_reason == "success"
    told = tool_messages(done)[0]["content"]
    assert "NameError: name 'x' is not defined" in told
    assert "Observation from last tool run" in told
    assert "rc: 1" in told
    assert [i.ok for i in done.tool_invocations] == [False, True]


async def test_without_repair_the_model_is_not_asked_to_mend():
    done = await run(ScriptedModel(call("fail"), "done"), enable_repair=False)

    assert "Observation from last tool run" not in tool_messages(done)[0]["content"]


async def test_two_calls_with_a_cap_of_one_are_one_invocation_and_two_answers():
    model = ScriptedModel(calls(call("echo", text="a"), call("echo", text="b")), "done")

    done = await run(model, max_tools_per_iter=1)

    assert len(done.tool_invocations) == 1
    assert len(tool_messages(done)) == 2
    assert "not run" in tool_messages(done)[1]["content"]


async def test_results_come_in_the_order_asked_however_long_each_takes():
    model = ScriptedModel(calls(call("wait", seconds=0.1, text="slow"), call("echo", text="fast")), "done")

    done = await run(model, tool_concurrency=4)

    assert [m["content"] for m in tool_messages(done)] == ["slow", "fast"]
    assert [i.call_index for i in done.tool_invocations] == [0, 1]


async def test_tool_concurrency_is_a_bound():
    desk = Desk()
    eight = calls(*(call("wait", seconds=0.02) for _ in range(8)))

    await run(ScriptedModel(eight, "done"), tools=desk, tool_concurrency=3, max_tools_per_iter=8)

    assert desk.most_running == 3


async def test_a_tool_that_must_run_alone_is_a_barrier():
    desk = Desk(Tool("solo", run_alone=True))
    running_beside: list[int] = []

    async def solo():
        running_beside.append(desk.running)
        return Observation(ok=True)

    desk._solo = solo
    asked = calls(call("wait", seconds=0.05), call("solo"), call("wait", seconds=0.05))

    await run(ScriptedModel(asked, "done"), tools=desk, tool_concurrency=4)

    assert running_beside == [1]


async def test_300_calls_at_once_are_all_answered():
    model = ScriptedModel(calls(*(call("echo", text=str(n)) for n in range(300))), "done")

    done = await run(model, max_tools_per_iter=5)

    assert len(tool_messages(done)) == 300
    assert len(done.tool_invocations) == 5
    check_request(done.messages[:-1], None)


async def test_an_unknown_tool_is_an_error_reply_that_names_the_tools():
    done = await run(ScriptedModel(call("ecko", text="a"), "done"))

    assert "did you mean 'echo'" in tool_messages(done)[0]["content"]
    assert done.tool_invocations[0].ok is False


@pytest.mark.parametrize("broken", ["{bad json", "[1, 2]", '"text"', "7", "{" * 100_000])
async def test_broken_arguments_are_an_error_reply_and_never_an_exception(broken):
    desk = Desk()

    done = await run(ScriptedModel(call("echo", broken), "done"), tools=desk)

    assert done.stopped_reason == "success"
    assert tool_messages(done)[0]["content"].startswith("Error: ")
    assert desk.seen == []


async def test_max_iterations_ends_with_the_last_tools_text_and_says_so():
    model = ScriptedModel(*(call("echo", text=str(n)) for n in range(3)))

    done = await run(model, max_iterations=3)

    assert (done.stopped_reason, done.final_answer, done.final_answer_source) == ("max_iterations", "2", "tool")
    assert "3 steps" in done.stop_detail


async def test_an_empty_last_text_gives_the_last_tools_text():
    done = await run(ScriptedModel(call("echo", text="seen"), ""))

    assert (done.stopped_reason, done.final_answer, done.final_answer_source) == ("success", "seen", "tool")


async def test_no_answer_at_all_is_a_fallback_and_not_an_invention():
    done = await run(ScriptedModel(""))

    assert (done.final_answer, done.final_answer_source) == ("", "fallback")
    assert done.messages[-1]["role"] == "user"


async def test_the_same_call_with_the_same_result_again_and_again_is_stagnation():
    model = ScriptedModel(*(call("echo", text="same") for _ in range(9)))

    done = await run(model, max_iterations=9, stagnation_window=3)

    assert done.stopped_reason == "stagnation"
    assert len(done.steps) == 3


async def test_the_same_call_with_other_results_is_no_stagnation():
    counter = itertools.count()
    desk = Desk()

    async def tick():
        return Observation(ok=True, result=str(next(counter)))

    desk._echo = tick
    model = ScriptedModel(*(call("echo") for _ in range(4)), "done")

    done = await run(model, tools=desk, max_iterations=9)

    assert done.stopped_reason == "success"


@pytest.mark.parametrize("where", ["model", "stream", "tool"])
async def test_a_time_limit_holds_inside_model_calls_and_tools(where):
    replies = {
        "model": [slow(5, "late")],
        "stream": [endless("more ")],
        "tool": [call("wait", seconds=5), "late"],
    }
    loop = asyncio.get_running_loop()
    started = loop.time()

    done = await run(ScriptedModel(*replies[where]), max_total_seconds=0.2)

    assert done.stopped_reason == "budget"
    assert loop.time() - started < 0.5
    check_request([*done.messages, {"role": "user", "content": "go on"}], None)


async def test_a_tools_own_time_limit_is_an_observation():
    done = await run(ScriptedModel(call("wait", seconds=5), "done"), tool_timeout_sec=0.1)

    assert "timeout after 0.1s" in tool_messages(done)[0]["content"]
    assert done.tool_invocations[0].rc == -1
    assert done.stopped_reason == "success"


async def test_a_token_limit_holds_before_a_request():
    model = ScriptedModel(Reply(tool_calls=(call("echo", text="a"),), usage=Usage(390, 10)), "never asked")

    done = await run(model, max_tokens_total=410)

    assert done.stopped_reason == "budget"
    assert len(model.asked) == 1
    assert "of 410 tokens" in done.stop_detail


async def test_a_token_limit_holds_inside_a_stream_and_keeps_the_text():
    done = await run(ScriptedModel(endless("word ")), tools=Desk(), use_tools=False, max_tokens_total=60)

    assert done.stopped_reason == "budget"
    assert done.final_answer.startswith("word word")
    assert done.usage.is_estimate


async def test_a_cost_limit_holds():
    priced = ScriptedModel(Reply(tool_calls=(call("echo"),), usage=Usage(1000, 0)), "never", price=Price(1e-3, 1e-3))

    done = await run(priced, max_cost_usd=1.0001)

    assert done.stopped_reason == "budget"
    assert done.usage.cost_usd == pytest.approx(1.0)


async def test_a_cost_limit_with_an_unknown_price_is_refused_at_the_start_with_the_remedy():
    model = ScriptedModel("never")

    with pytest.raises(ConfigError) as caught:
        await run(model, max_cost_usd=1.0)

    assert "max_tokens_total" in caught.value.hint
    assert model.asked == []


async def test_an_unknown_cost_stays_unknown():
    done = await run(ScriptedModel(Reply("hi", usage=Usage(5, 2, None))))

    assert done.usage.cost_usd is None
    assert done.usage.total_tokens == 7


async def test_usage_is_summed_over_the_steps():
    model = ScriptedModel(
        Reply(tool_calls=(call("echo"),), usage=Usage(10, 5, 0.25)), Reply("done", usage=Usage(20, 5, 0.5))
    )

    done = await run(model)

    assert done.usage == Usage(30, 10, 0.75)


async def test_a_fenced_python_block_is_run_and_finalises():
    done = await run(ScriptedModel("Here:\n```python\nprint(1 + 1)\n```"), auto_run_code_on_code_block=True)

    assert (done.stopped_reason, done.final_answer, done.final_answer_source) == ("success", "2\n", "tool")
    assert (done.tool_invocations[0].name, done.tool_invocations[0].stdout) == ("exec_python", "2\n")


async def test_a_fenced_c_block_is_run_in_its_own_language():
    done = await run(ScriptedModel("```c\nint main(){}\n```"), auto_run_code_on_code_block=True)

    assert done.tool_invocations[0].name == "exec_code"
    assert done.tool_invocations[0].arguments["language"] == "c"
    assert done.final_answer == "c ran\n"


async def test_a_failing_block_goes_back_to_the_model_and_the_fixed_one_finalises():
    model = ScriptedModel("```python\nprint(x)\n```", "```python\nprint(2)\n```")

    done = await run(model, auto_run_code_on_code_block=True)

    assert done.stopped_reason == "success"
    assert [i.ok for i in done.tool_invocations] == [False, True]
    assert "Observation from last tool run" in model.asked[1].text
    assert "NameError: x" in model.asked[1].text


async def test_a_failing_block_without_repair_is_an_error_and_not_a_success():
    done = await run(ScriptedModel("```python\nprint(x)\n```"), auto_run_code_on_code_block=True, enable_repair=False)

    assert done.stopped_reason == "error"


async def test_a_fenced_block_is_left_alone_by_default():
    done = await run(ScriptedModel("```python\nprint(1)\n```"))

    assert done.tool_invocations == ()


async def test_an_unsure_answer_is_sent_back_with_the_advice_to_research():
    model = ScriptedModel("I'm not sure.", "Now I know: 42")

    done = await run(model, tools=Desk(Tool("research_echo")), research_on_unsure=True)

    assert done.final_answer == "Now I know: 42"
    assert "research_echo" in model.asked[1].text


async def test_research_hops_are_bounded():
    done = await run(ScriptedModel("I don't know", "I still don't know"), research_on_unsure=True, max_research_hops=1)

    assert (done.stopped_reason, done.final_answer) == ("success", "I still don't know")


async def test_two_budget_exceeded_replies_then_done_are_three_calls():
    cheap = ScriptedModel("budget exceeded", name="cheap")
    strong = ScriptedModel("budget exceeded", "done", name="strong")

    done = await run(cheap, escalate_to=strong, escalate_on_budget_exceeded=True, max_iterations=4)

    assert (done.final_answer, len(done.steps), done.escalated) == ("done", 3, True)
    assert [s.reply.model for s in done.steps] == ["cheap", "strong", "strong"]


async def test_the_only_iteration_is_the_last_one_and_escalates():
    done = await run(
        ScriptedModel("never", name="cheap"),
        escalate_to=ScriptedModel("hi", name="strong"),
        escalate_on_budget_exceeded=True,
        max_iterations=1,
    )

    assert (done.used_model, done.metrics["escalated"], done.metrics["used_model"]) == ("strong", True, "strong")


async def test_a_spent_share_escalates():
    cheap = ScriptedModel(Reply(tool_calls=(call("echo"),), usage=Usage(800, 50)), name="cheap")
    strong = ScriptedModel("done", name="strong")

    done = await run(
        cheap, escalate_to=strong, escalate_on_budget_exceeded=True, max_iterations=9, max_tokens_total=1000
    )

    assert done.used_model == "strong"


async def test_without_the_flag_nothing_escalates():
    done = await run(ScriptedModel("budget exceeded", name="cheap"), escalate_to=ScriptedModel("never"))

    assert (done.final_answer, done.used_model, done.escalated) == ("budget exceeded", "cheap", False)


async def test_tools_are_sent_only_when_there_are_some():
    model = ScriptedModel("hi")

    await run(model, use_tools=False)

    assert model.asked[0].tools == ()


async def test_use_tools_without_any_is_refused():
    class Empty(Desk):
        async def list_tools(self):
            return []

    with pytest.raises(ConfigError):
        await run(ScriptedModel("hi"), tools=Empty(), use_tools=True)


async def test_the_allow_list_narrows_what_is_offered():
    model = ScriptedModel(call("boom"), "done")

    done = await run(model, tool_allowlist=("echo",))

    assert [tool.name for tool in model.asked[0].tools] == ["echo"]
    assert "unknown tool 'boom'" in tool_messages(done)[0]["content"]


async def test_an_unknown_name_in_the_allow_list_is_refused_with_near_names():
    with pytest.raises(ConfigError) as caught:
        await run(ScriptedModel("hi"), tool_allowlist=("ecko",))

    assert "echo" in caught.value.hint


async def test_temperature_and_completion_kwargs_reach_the_model():
    model = ScriptedModel("hi")

    await run(model, temperature=0.5, completion_kwargs={"top_p": 0.9})

    assert model.asked[0].settings == {"temperature": 0.5, "top_p": 0.9}


async def test_keys_are_not_in_the_repr_of_a_config():
    assert "sk-secret" not in repr(AgentConfig(completion_kwargs={"api_key": "sk-secret"}))


async def test_a_model_that_fails_ends_the_run_as_an_error_that_can_be_raised():
    done = await run(ScriptedModel(call("echo", text="kept"), ModelError("gone", hint="start it")))

    assert done.stopped_reason == "error"
    assert [m["content"] for m in tool_messages(done)] == ["kept"]
    with pytest.raises(ModelError, match="gone"):
        done.raise_for_error()


async def test_a_stream_that_breaks_off_keeps_its_text():
    done = await run(ScriptedModel(breaks_off("half an ans")))

    assert (done.stopped_reason, done.final_answer) == ("error", "half an ans")
    assert done.messages[-1] == {"role": "assistant", "content": "half an ans"}


async def test_a_call_that_breaks_off_half_way_is_not_run():
    desk = Desk()

    done = await run(ScriptedModel(breaks_off(calls(call("echo", text="x"), text="let me see"))), tools=desk)

    assert desk.seen == []
    assert done.messages[-1] == {"role": "assistant", "content": "let me see"}


async def test_huge_tool_output_is_kept_whole_in_the_run_and_bounded_for_the_model():
    done = await run(ScriptedModel(call("huge"), "done"))

    assert len(done.tool_invocations[0].result) == 1_000_000
    told = str(tool_messages(done)[0]["content"])
    assert len(told) <= 16_000
    assert "1000000 characters" in told


async def test_watchers_see_typed_events_in_order():
    seen: list[object] = []

    done = await run(ScriptedModel(call("echo", text="a"), "answer", chunk_chars=3), watch=seen.append)

    kinds = [kind for kind, _ in itertools.groupby(type(event) for event in seen)]
    assert kinds == [
        *(ModelAsked, ToolStarted, ToolFinished, StepDone),
        *(ModelAsked, TextDelta, StepDone, RunDone),
    ]
    assert "".join(e.text for e in seen if isinstance(e, TextDelta)) == "answer"
    assert seen[-1].run == done


async def test_a_watcher_that_fails_does_not_cost_the_run():
    def broken(_event):
        raise OSError("no screen")

    with pytest.warns(RuntimeWarning, match="no screen"):
        done = await run(ScriptedModel("fine"), watch=broken)

    assert done.final_answer == "fine"


async def cancelled_run(model, *, after_s, **kwargs):
    """Cancel a run from outside; return its partial Run and how long the stop took."""
    last: list[RunDone] = []
    kwargs["watch"] = lambda event: last.append(event) if isinstance(event, RunDone) else None
    task = asyncio.create_task(run(model, **kwargs))
    await asyncio.sleep(after_s)
    loop = asyncio.get_running_loop()
    started = loop.time()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    return last[0].run, loop.time() - started


@pytest.mark.parametrize(
    ("replies", "answer"),
    [
        pytest.param([slow(5, "late")], "", id="while waiting"),
        pytest.param([endless("more ")], "more", id="while streaming"),
        pytest.param(
            [calls(call("wait", seconds=5), call("echo", text="b"), text="let me"), "late"], "let me", id="in a tool"
        ),
        pytest.param([call("deaf"), "late"], "", id="in a tool that does not listen"),
    ],
)
async def test_cancelling_stops_within_a_second_and_leaves_a_valid_transcript(replies, answer):
    done, took_s = await cancelled_run(ScriptedModel(*replies), after_s=0.15)

    assert took_s < 1.0
    assert done.stopped_reason == "cancelled"
    assert done.final_answer.startswith(answer)
    check_request([*done.messages, {"role": "user", "content": "go on"}], None)


async def test_open_calls_are_answered_cancelled_and_finished_ones_keep_their_result():
    asked = calls(call("echo", text="a"), call("wait", seconds=5), call("echo", text="c"))
    desk = Desk()

    done, _ = await cancelled_run(ScriptedModel(asked), after_s=0.1, tools=desk)

    assert [m["content"] for m in tool_messages(done)] == ["a", "Error: cancelled", "Error: cancelled"]
    assert desk.cleaned_up == ["wait"]


async def test_a_tool_that_cancels_itself_is_an_observation():
    desk = Desk()

    async def cancels():
        raise asyncio.CancelledError

    desk._echo = cancels

    done = await run(ScriptedModel(call("echo"), "done"), tools=desk)

    assert done.stopped_reason == "success"
    assert "cancelled itself" in tool_messages(done)[0]["content"]


class Unshowable:
    def __repr__(self):
        raise RuntimeError("no")


class Doubtful:
    def __bool__(self):
        raise ValueError("as arrays and tables do")

    def __repr__(self):
        return "a table"


@pytest.mark.parametrize(
    ("result", "told"),
    [
        (Unshowable(), "<a Unshowable that cannot be shown: RuntimeError>"),
        ({"text": Doubtful()}, '"a table"'),
        ({"answer": [Unshowable()]}, '["<a Unshowable that cannot be shown: RuntimeError>"]'),
    ],
)
async def test_a_result_that_can_hardly_be_shown_does_not_break_the_run(result, told):
    desk = Desk()

    async def gives():
        return Observation(ok=True, result=result)

    desk._echo = gives

    done = await run(ScriptedModel(call("echo"), "done"), tools=desk)

    assert done.stopped_reason == "success"
    assert tool_messages(done)[0]["content"].strip('"') == told.strip('"')


async def test_a_stream_that_ignores_its_end_is_read_no_further_and_nothing_is_told_after_the_end():
    class Deaf(ScriptedModel):
        async def stream(self, transcript, tools, settings):
            for _ in range(20):
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.sleep(0.01)
                yield Delta(text="more ")

    events = []
    task = asyncio.create_task(run(Deaf(), watch=events.append))
    await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()  # a second interrupt does not wait
    await asyncio.wait({task})
    told = len(events)
    await asyncio.sleep(0.1)

    assert isinstance(events[-1], RunDone)
    assert len(events) == told
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_an_invoker_that_cannot_be_reached_is_not_taken_for_one_without_tools():
    class Gone(Desk):
        async def list_tools(self):
            raise ModelError("cannot list")

    done = await run(ScriptedModel("hi"), tools=Gone())

    assert done.stopped_reason == "error"


async def test_the_conversation_goes_on_from_a_runs_transcript():
    first = await run(ScriptedModel(call("echo", text="a"), "one"))
    model = ScriptedModel("two")

    done = await run(model, first.transcript.extended([{"role": "user", "content": "and?"}]))

    assert [m["role"] for m in model.asked[0].transcript] == ["user", "assistant", "tool", "assistant", "user"]
    assert done.final_answer == "two"


@pytest.mark.parametrize(
    "bad",
    [
        {"max_iterations": 0},
        {"tool_concurrency": 0},
        {"tool_timeout_sec": 0},
        {"max_cost_usd": -1},
        {"max_tools_per_iter": -1},
    ],
)
def test_values_that_make_no_sense_are_refused_with_a_remedy(bad):
    with pytest.raises(ConfigError) as caught:
        AgentConfig(**bad)

    assert next(iter(bad)) in caught.value.hint


async def test_history_limits_of_the_config_bound_what_is_sent():
    talk = [{"role": "user", "content": "task"}]
    for number in range(30):
        talk += [{"role": "assistant", "content": f"a{number}"}, {"role": "user", "content": f"u{number}"}]
    few, small = ScriptedModel("hi"), ScriptedModel("hi")

    await run(few, talk, max_history_messages=5)
    await run(small, [{"role": "user", "content": "x" * 900}, *talk[1:]], hard_char_budget=1000)

    assert len(few.asked[0].transcript) == 5
    assert few.asked[0].text == "u29"
    assert sum(len(str(m["content"])) for m in small.asked[0].transcript) <= 1000


async def test_an_invocation_records_all_that_the_seed_promises():
    done = await run(ScriptedModel(call("fail"), "done"))

    (record,) = done.iterations[0].tool_invocations
    assert (record.call_index, record.name, record.arguments, record.ok, record.rc) == (0, "fail", {}, False, 1)
    assert record.tool_call_id == done.messages[1]["tool_calls"][0]["id"]
    assert (record.stdout, record.stderr, record.result) == ("", "NameError: name 'x' is not defined", None)
    assert record.error == "exit code 1"
    assert record.t_ms >= 0
    assert done.iterations[0].router_call_ms >= 0


async def test_the_metrics_have_the_seeds_keys():
    done = await run(ScriptedModel(call("echo"), "done"))

    assert done.metrics.keys() == {"escalated", "used_model", "ttotal_ms", "model_calls", "tool_calls"}
    assert (done.metrics["model_calls"], done.metrics["tool_calls"]) == (2, 1)
    assert done.metrics["ttotal_ms"] > 0


class Faulty:
    """A model whose own code fails after a few words."""

    name, price = "faulty", None

    async def stream(self, transcript, tools, settings):
        yield Delta(text="half an ")
        raise KeyError("choices")


async def test_a_fault_in_a_models_own_code_ends_the_run_and_loses_nothing():
    events = []

    done = await run_agent(Transcript.of("go"), model=Faulty(), config=AgentConfig(), watch=events.append)

    assert (done.stopped_reason, done.final_answer) == ("error", "half an ")
    assert "faulty broke its promise: KeyError: 'choices'" in str(done.error)
    assert isinstance(done.error.__cause__, KeyError)
    assert isinstance(events[-1], RunDone)


@pytest.mark.parametrize(
    ("returned", "told"),
    [
        (None, "returned NoneType instead of an Observation"),
        (Observation(ok=True, stdout=b"raw"), "returned bytes as stdout"),
    ],
)
async def test_an_invoker_that_returns_what_it_did_not_promise_is_an_observation(returned, told):
    class Wrong:
        async def list_tools(self):
            return [Tool("wrong")]

        async def call_tool(self, name, arguments, *, timeout_s):
            return returned

    done = await run_agent(
        Transcript.of("go"), model=ScriptedModel(call("wrong"), "so it is"), tools=Wrong(), config=AgentConfig()
    )

    assert (done.stopped_reason, done.final_answer) == ("success", "so it is")
    assert told in str(done.tool_invocations[0].error)
