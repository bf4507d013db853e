"""Recording and replaying whole runs: nobody is asked twice, and nothing is different."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time

import pytest

from liteagent_nb import (
    AgentConfig,
    Cassette,
    CassetteExecutor,
    CassetteInvoker,
    CassetteModel,
    CompositeInvoker,
    LocalMCPInvoker,
    Toolbox,
    Transcript,
    run_agent,
)
from liteagent_nb.assembly import Maker, run_wired, wired
from liteagent_nb.core.chat import Price
from liteagent_nb.core.errors import CassetteMiss, ConfigError, ModelError, ToolError
from liteagent_nb.core.steps import TextDelta
from liteagent_nb.core.tools import Observation, Tool
from liteagent_nb.kernels.languages import find_language, run_code
from liteagent_nb.testing import ScriptedModel, breaks_off, call, calls, slow
from liteagent_nb.testing.validator import check_request


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.cassette.json"


class Counter:
    """Tools that count how often they were really called."""

    def __init__(self):
        self.called = []

    def add(self, a: int, b: int) -> int:
        """Add."""
        self.called.append("add")
        return a + b

    def ticket(self) -> str:
        """Give a number."""
        self.called.append("ticket")
        return f"ticket {len(self.called)}"

    def fail(self) -> str:
        """Fail."""
        self.called.append("fail")
        raise RuntimeError("no luck")


async def play(path, mode, *script, task="go", watch=lambda event: None, cassette=None, tools=None, **config):
    """Run the script's model with a cassette, and return the run, the model and the tools."""
    model, counter = ScriptedModel(*script, chunk_chars=4), Counter()
    own = tools or CompositeInvoker([Toolbox([counter.add, counter.ticket, counter.fail]), LocalMCPInvoker()])
    cassette = cassette or Cassette(path, mode)
    wires = wired(Maker("scripted", lambda: model), own, cassette=cassette)
    done = await run_wired(Transcript.of(task), wires, config=AgentConfig(**config), watch=watch)
    return done, model, counter


WHOLE = (
    calls(call("add", a=1, b=2), call("exec_python", code="print(6*7)"), call("fail"), text="Let me\nsee."),
    call("ticket"),
    call("ticket"),
    "All done.",
)


async def test_a_whole_run_is_replayed_and_nobody_is_asked(path):
    recorded, model, counter = await play(path, "record", *WHOLE, max_iterations=9, tool_concurrency=3)
    assert (len(model.asked), counter.called) == (4, ["add", "fail", "ticket", "ticket"])

    again, silent, unused = await play(path, "replay", max_iterations=9, tool_concurrency=3)

    assert (silent.asked, unused.called) == ([], [])
    assert again.messages == recorded.messages
    assert [i.observation for i in again.tool_invocations] == [i.observation for i in recorded.tool_invocations]
    assert [i.result for i in again.tool_invocations][-2:] == ["ticket 3", "ticket 4"]
    assert (again.final_answer, again.stopped_reason, again.usage) == ("All done.", "success", recorded.usage)
    assert (again.is_replayed, recorded.is_replayed) == (True, False)


async def test_its_times_are_those_of_the_recording_to_the_digit(path):
    recorded, *_ = await play(path, "record", *WHOLE, slow(0.05, "late", each_s=0.01), max_iterations=9)

    replays = [(await play(path, "replay", max_iterations=9))[0] for _ in range(2)]

    for again in replays:
        assert (again.ttotal_ms, again.ttft_ms) == (recorded.ttotal_ms, recorded.ttft_ms)
        assert [s.router_call_ms for s in again.steps] == [s.router_call_ms for s in recorded.steps]
        assert [i.t_ms for i in again.tool_invocations] == [i.t_ms for i in recorded.tool_invocations]


async def test_calls_side_by_side_take_as_long_as_the_longest_of_them(path):
    async def wait(s: float) -> float:
        await asyncio.sleep(s)
        return s

    script = calls(call("wait", s=0.4), call("wait", s=0.35)), "done"
    recorded, *_ = await play(path, "record", *script, tools=Toolbox([wait]), tool_concurrency=2)

    again, *_ = await play(path, "replay", tools=Toolbox([wait]), tool_concurrency=2)

    assert 350 < recorded.ttotal_ms < 740
    assert again.ttotal_ms == recorded.ttotal_ms


async def test_a_stream_is_replayed_with_its_pieces_and_at_once(path):
    await play(path, "record", slow(0.6, "one two three", each_s=0.1))
    said = []

    started_s = time.perf_counter()
    await play(path, "replay", watch=lambda event: said.append(event.text) if isinstance(event, TextDelta) else None)

    assert said == ["one ", "two ", "thre", "e"]
    assert time.perf_counter() - started_s < 0.5


async def test_and_with_its_timing_when_asked(path):
    await play(path, "record", slow(0.2, "one two three", each_s=0.05))
    told = []

    started_s = time.perf_counter()
    await play(path, "replay", cassette=Cassette(path, "replay", real_time=True),
               watch=lambda event: told.append(time.perf_counter() - started_s) if isinstance(event, TextDelta) else None)  # fmt: skip

    assert told[0] > 0.15
    assert told[-1] - told[0] > 0.1


async def test_a_miss_says_what_differs_from_the_nearest_recording(path):
    await play(path, "record", "one", task="count the letters in apple", temperature=0.0)
    await play(path, "record", "two", task="write a poem")

    missed, model, _ = await play(path, "replay", "never", task="count the letters in apples", temperature=0.5)

    assert isinstance(missed.error, CassetteMiss)
    assert model.asked == []
    assert '"count the letters in apple" → "count the letters in apples"' in str(missed.error)
    assert "settings.temperature: 0.0 → 0.5" in str(missed.error)
    assert "poem" not in str(missed.error)
    assert "LITEAGENT_CASSETTE=auto" in missed.error.hint


async def test_a_miss_in_a_long_text_shows_the_place(path):
    long = "line of a long text\n" * 40
    await play(path, "record", "one", task=f"{long}first ending")

    missed, *_ = await play(path, "replay", task=f"{long}other ending")

    assert "from character 800" in str(missed.error)
    assert "first ending" in str(missed.error)
    assert len(str(missed.error)) < 600


async def test_a_changed_tool_is_a_miss_that_names_it(path):
    def shout(text: str) -> str:
        """Shout it."""
        return text.upper()

    await play(path, "record", "hi", tools=Toolbox([shout]))
    shout.__doc__ = "Cry it."

    missed, *_ = await play(path, "replay", tools=Toolbox([shout]))

    assert 'tools[0].description: "Shout it." → "Cry it."' in str(missed.error)


async def test_a_tool_call_that_was_not_recorded_breaks_the_run_and_leaves_a_valid_transcript(path):
    await play(path, "record", calls(call("add", a=1, b=2), call("ticket")), "done")
    cassette = Cassette(path, "replay")
    cassette.tracks = type(cassette.tracks)([t for t in cassette.tracks if t.request.name != "add"])

    missed, _, counter = await play(path, "replay", cassette=cassette)

    assert isinstance(missed.error, CassetteMiss)
    assert "call of add" in str(missed.error)
    assert (missed.stopped_reason, counter.called) == ("error", [])
    check_request([*missed.messages, {"role": "user", "content": "go on"}], None)


async def test_auto_replays_what_it_has_and_asks_for_the_rest(path):
    await play(path, "auto", "first answer", task="first")

    again, silent, _ = await play(path, "auto", "never", task="first")
    new, asked, _ = await play(path, "auto", "second answer", task="second")

    assert (again.final_answer, silent.asked) == ("first answer", [])
    assert (new.final_answer, len(asked.asked)) == ("second answer", 1)
    assert len(Cassette(path, "replay").tracks) == 2


async def test_auto_calls_a_tool_again_whose_first_result_it_just_recorded(path):
    done, _, counter = await play(path, "auto", call("ticket"), call("ticket"), "done")

    assert [i.result for i in done.tool_invocations] == ["ticket 1", "ticket 2"]
    assert counter.called == ["ticket"] * 2


async def test_record_replaces_what_was_there_and_keeps_the_rest(path):
    await play(path, "record", "old", task="first")
    await play(path, "record", "kept", task="second")

    await play(path, "record", "new", task="first")

    replayed = [(await play(path, "replay", task=task))[0].final_answer for task in ("first", "second")]
    assert replayed == ["new", "kept"]


async def test_takes_are_played_in_order_and_then_from_the_first_again(path):
    cassette = Cassette(path, "record")
    for text in ("one", "two"):
        await play(path, "record", text, cassette=cassette)
    replay = Cassette(path, "replay")

    answers = [(await play(path, "replay", cassette=replay))[0].final_answer for _ in range(3)]

    assert answers == ["one", "two", "one"]


async def test_what_nobody_asks_for_any_more_can_be_dropped(path):
    await play(path, "record", "one", task="first")
    await play(path, "record", "two", task="second")
    cassette = Cassette(path, "replay")
    await play(path, "replay", cassette=cassette, task="second")

    assert cassette.tracks.trim() == 1
    assert [t.request.content["messages"][0]["content"] for t in cassette.tracks] == ["second"]


@pytest.mark.parametrize("broken", [breaks_off("half an ans"), ModelError("down")])
async def test_an_answer_that_broke_off_is_not_kept(path, broken):
    done, *_ = await play(path, "record", broken)

    assert done.stopped_reason == "error"
    assert not path.exists()


async def test_a_stopped_answer_is_not_kept_and_nothing_is_left_running(path):
    task = asyncio.create_task(play(path, "record", slow(0.01, "word " * 500, each_s=0.05)))
    await asyncio.sleep(0.2)
    task.cancel()
    await asyncio.wait({task})

    assert not path.exists()
    assert asyncio.all_tasks() == {asyncio.current_task()}


class Moody:
    """An invoker that breaks its promises."""

    async def list_tools(self):
        return [Tool("raises"), Tool("hangs"), Tool("unreachable")]

    async def call_tool(self, name, arguments, *, timeout_s):
        if name == "raises":
            raise ValueError("broken promise")
        if name == "unreachable":
            raise ToolError("no such host")
        await asyncio.sleep(60)
        return Observation(ok=True)


async def test_what_a_tool_raises_and_where_it_hangs_is_replayed_too(path):
    script = call("raises"), call("hangs"), "done"
    recorded, *_ = await play(path, "record", *script, tools=Moody(), tool_timeout_sec=0.1)

    again, *_ = await play(path, "replay", tools=Moody(), tool_timeout_sec=0.1)

    assert [i.error for i in again.tool_invocations] == ["ValueError: broken promise", "timeout after 0.1s"]
    assert again.messages == recorded.messages


async def test_a_host_that_cannot_be_reached_today_is_no_result(path):
    await play(path, "record", call("unreachable"), "done", tools=Moody())

    assert [t.request.kind for t in Cassette(path, "replay").tracks] == ["model", "model"]


async def test_a_cassette_is_a_model(path):
    await play(path, "record", "the answer")

    model = CassetteModel(Cassette(path, "replay"))
    done = await run_agent(
        Transcript.of("go"), model=model, tools=CassetteInvoker(Cassette(path, "replay")), config=AgentConfig()
    )

    assert (model.name, done.final_answer) == ("scripted", "the answer")


async def test_two_models_on_one_cassette_are_told_apart(path):
    for name in ("a/one", "b/two"):
        cassette = Cassette(path, "record")
        model = CassetteModel(cassette, name, lambda name=name: ScriptedModel(f"I am {name}", name=name))
        await run_agent(Transcript.of("who?"), model=model, config=AgentConfig())

    with pytest.raises(ConfigError, match="a/one, b/two"):
        CassetteModel(Cassette(path, "replay"))
    done = await run_agent(
        Transcript.of("who?"), model=CassetteModel(Cassette(path, "replay"), "b/two"), config=AgentConfig()
    )
    assert done.final_answer == "I am b/two"


async def test_a_recorded_price_bounds_a_replay(path):
    model = ScriptedModel("an answer", price=Price(1e-3, 1e-3))
    await run_agent(
        Transcript.of("hi"),
        model=CassetteModel(Cassette(path, "record"), "scripted", lambda: model),
        config=AgentConfig(),
    )

    replayed = CassetteModel(Cassette(path, "replay"))

    assert replayed.price == Price(1e-3, 1e-3)
    done = await run_agent(Transcript.of("hi"), model=replayed, config=AgentConfig(max_cost_usd=1e-4))
    assert done.stopped_reason == "budget"


async def test_a_model_that_may_not_be_asked_is_a_config_error(path):
    with pytest.raises(ConfigError, match="no model behind"):
        await run_agent(Transcript.of("hi"), model=CassetteModel(Cassette(path, "auto"), "m"), config=AgentConfig())


class Runner:
    """A real executor: code in a process of its own."""

    def __init__(self):
        self.ran = 0

    async def execute(self, code, *, language="python", timeout_s=10.0, watch=None):
        self.ran += 1
        return await run_code(find_language(language), code, timeout_s=timeout_s)


async def test_executions_are_recorded_and_replayed(path):
    runner = Runner()
    recorded = await CassetteExecutor(Cassette(path, "record"), runner).execute("print(6*7)")

    replayed = await CassetteExecutor(Cassette(path, "replay"), runner).execute("print(6*7)")

    assert (recorded.ok, recorded.stdout, recorded) == (True, "42\n", replayed)
    assert runner.ran == 1
    with pytest.raises(CassetteMiss, match="python code"):
        await CassetteExecutor(Cassette(path, "replay"), runner).execute("print(6*8)")


async def test_the_tools_of_a_recording_are_known_without_an_invoker(path):
    await play(path, "record", call("add", a=1, b=2), "3")

    tools = await CassetteInvoker(Cassette(path, "replay")).list_tools()

    assert {"add", "exec_python"} <= {tool.name for tool in tools}


def test_a_replay_of_a_file_that_is_not_there_is_said_at_once(tmp_path):
    with pytest.raises(ConfigError, match=r"there is no .*gone\.cassette\.json") as caught:
        Cassette(tmp_path / "gone.cassette.json", "replay")

    assert "record it" in caught.value.hint


def test_an_unknown_mode_is_refused():
    with pytest.raises(ConfigError, match="replya"):
        Cassette(None, "replya")


async def test_a_failed_write_leaves_the_old_file_and_nothing_else(path, monkeypatch):
    await play(path, "record", "one", task="first")
    before = path.read_text()
    cassette = Cassette(path, "record")

    class Broken(type(cassette)):
        @property
        def text(self):
            raise OSError("disk full")

    cassette.__class__ = Broken
    with pytest.raises(OSError, match="disk full"):
        cassette.save()

    assert path.read_text() == before
    assert [p.name for p in path.parent.iterdir()] == [path.name]


async def test_recording_the_same_twice_changes_only_times(path):
    await play(path, "record", *WHOLE, max_iterations=9)
    first = path.read_text().splitlines()
    await play(path, "record", *WHOLE, max_iterations=9)
    second = path.read_text().splitlines()

    changed = [line for a, b in zip(first, second, strict=True) if a != b for line in (a, b)]
    assert all('ms"' in line or "line " in line for line in changed), changed


REPLAY = """
import sys
from liteagent_nb import Cassette, AgentConfig, run_mcp_mini_agent
run = run_mcp_mini_agent("go", cfg=AgentConfig(model="openai/gpt-4o-mini"), cassette=Cassette(sys.argv[1], "replay"))
print(run.raise_for_error().final_answer)
print([name for name in ("litellm", "openai", "httpx", "xllamacpp", "pydantic") if name in sys.modules])
"""


async def test_a_replay_needs_no_key_and_loads_no_litellm(path):
    model = ScriptedModel(call("exec_python", code="print(1)"), "It is 1.")
    wires = wired(Maker("openai/gpt-4o-mini", lambda: model), LocalMCPInvoker(), cassette=Cassette(path, "record"))
    await run_wired(Transcript.of("go"), wires, config=AgentConfig(), watch=lambda event: None)

    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", REPLAY, str(path)], capture_output=True, text=True, env={}, check=False
    )

    assert done.stdout.splitlines() == ["It is 1.", "[]"], done.stderr


async def test_an_answer_that_a_limit_cut_is_cut_again_in_the_replay(path):
    recorded, *_ = await play(path, "record", "many " * 100, use_tools=False, max_tokens_total=50)
    assert (recorded.stopped_reason, recorded.is_replayed) == ("budget", False)

    again, *_ = await play(path, "replay", use_tools=False, max_tokens_total=50)
    beyond, *_ = await play(path, "replay", use_tools=False, max_tokens_total=5000)

    assert (again.stopped_reason, again.final_answer) == ("budget", recorded.final_answer)
    assert isinstance(beyond.error, CassetteMiss)
    assert beyond.final_answer == recorded.final_answer


async def test_a_stop_is_heard_while_a_model_is_still_being_made(path):
    def make():
        time.sleep(1.5)
        return ScriptedModel("late")

    model = CassetteModel(Cassette(path, "auto"), "slow", make)
    task = asyncio.create_task(run_agent(Transcript.of("go"), model=model, config=AgentConfig()))
    await asyncio.sleep(0.1)

    started_s = time.perf_counter()
    task.cancel()
    await asyncio.wait({task})

    assert time.perf_counter() - started_s < 1


async def test_auto_makes_no_model_for_what_it_has_also_where_nobody_knew_price_or_usage(path):
    def make():
        raise ConfigError("no key")

    await play(path, "auto", "an answer")

    done = await run_agent(
        Transcript.of("go"), model=CassetteModel(Cassette(path, "auto"), "scripted", make),
        tools=CassetteInvoker(Cassette(path, "replay")), config=AgentConfig(),
    )  # fmt: skip

    assert (done.stopped_reason, done.final_answer) == ("success", "an answer")
