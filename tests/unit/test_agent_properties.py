"""Random runs with faults, interrupted at random points: what they leave is always fit for a strict provider."""

from __future__ import annotations

import asyncio
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liteagent_nb.core.agent import run_agent
from liteagent_nb.core.chat import Transcript
from liteagent_nb.core.config import AgentConfig
from liteagent_nb.core.errors import ModelError
from liteagent_nb.core.steps import RunDone
from liteagent_nb.core.tools import Observation, Tool
from liteagent_nb.testing import ScriptedModel, breaks_off, call, calls
from liteagent_nb.testing.validator import check_request


class Shop:
    """Tools that take a few turns of the event loop, and fail in their own ways."""

    async def list_tools(self):
        return [Tool("good"), Tool("bad"), Tool("alone", run_alone=True), Tool("stubborn")]

    async def call_tool(self, name, arguments, *, timeout_s):
        for _ in range(int(arguments.get("turns", 1))):
            try:
                await asyncio.sleep(0)
            except asyncio.CancelledError:
                if name != "stubborn":
                    raise
        if name == "bad":
            raise RuntimeError("bad")
        return Observation(ok=True, result="\ud800 fine" * 50)


names = st.sampled_from(["good", "bad", "alone", "stubborn", "unknown"])
one_call = st.builds(lambda name, turns: call(name, turns=turns), names, st.integers(0, 5)) | st.builds(
    call, names, st.sampled_from(["{oops", "[]", "null", '{"turns": 1}{"turns": 2}'])
)
texts = st.sampled_from(["", "hello", "I'm not sure.", "budget exceeded", "```python\nprint(1)\n```", "x" * 300])
asking = st.builds(lambda text, asked: calls(*asked, text=text), texts, st.lists(one_call, min_size=1, max_size=6))
lines = (
    texts
    | asking
    | st.builds(breaks_off, texts)
    | st.builds(lambda asked: breaks_off(calls(asked, text="half")), one_call)
    | st.builds(lambda: ModelError("provider down"))
)
configs = st.builds(
    AgentConfig,
    max_iterations=st.integers(1, 5),
    max_tools_per_iter=st.integers(0, 5),
    tool_concurrency=st.integers(1, 4),
    enable_repair=st.booleans(),
    research_on_unsure=st.booleans(),
    auto_run_code_on_code_block=st.booleans(),
    hard_char_budget=st.sampled_from([1, 300, 16_000]),
    max_history_messages=st.sampled_from([1, 3, 50]),
    max_tokens_total=st.sampled_from([None, None, None, 300, 2000]),
)


async def play(script, config, turns, chunk_chars):
    """Run the script, cancel it after so many turns of the loop, and ask a next question on what it left."""
    runs = []
    model = ScriptedModel(*script, "the end", "the end", chunk_chars=chunk_chars)
    watch = lambda event: runs.append(event.run) if isinstance(event, RunDone) else None  # noqa: E731
    work = run_agent(Transcript.of("task"), model=model, tools=Shop(), config=config, watch=watch)
    task = asyncio.create_task(work)
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task})
    left = asyncio.all_tasks() - {asyncio.current_task()}
    if not runs:  # cancelled before its first turn: nothing was said, nothing is left
        return None, None, left
    going_on = runs[0].transcript.extended([{"role": "user", "content": "go on"}])
    again = await run_agent(
        going_on, model=ScriptedModel("on it goes"), tools=Shop(), config=AgentConfig(max_history_messages=500)
    )
    return runs, again, left


@settings(max_examples=400, deadline=None)
@given(
    script=st.builds(lambda first, then: [*first, then], st.lists(asking, max_size=4), lines),
    config=configs,
    turns=st.integers(0, 40) | st.integers(0, 400),
    chunk_chars=st.sampled_from([None, 1, 7]),
)
@pytest.mark.filterwarnings("error")
def test_whatever_happens_the_transcript_is_valid_nothing_is_left_and_the_next_question_works(
    script, config, turns, chunk_chars
):
    threads = threading.active_count()
    with asyncio.Runner() as runner:
        runs, again, left = runner.run(play(script, config, turns, chunk_chars))

    assert left == set()
    assert threading.active_count() == threads
    if runs is None:
        return
    assert len(runs) == 1
    (done,) = runs
    check_request([*done.messages, {"role": "user", "content": "go on"}], None)
    # A 400 of the scripted model would mean that what was sent breaks a provider's rules.
    assert getattr(done.error, "status", None) != 400
    assert again.final_answer == "on it goes"
    assert len(done.tool_invocations) <= config.max_tools_per_iter * max(len(done.steps), 1) + len(done.steps)
