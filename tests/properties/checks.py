"""What holds for every run, whatever happened to it."""

from __future__ import annotations

import asyncio
from itertools import groupby

from liteagent_nb.core.agent import run_agent
from liteagent_nb.core.chat import Usage
from liteagent_nb.core.config import AgentConfig
from liteagent_nb.core.errors import ConfigError
from liteagent_nb.core.mending import mended
from liteagent_nb.core.meter import estimate, request_chars
from liteagent_nb.core.pruning import prune
from liteagent_nb.core.steps import ModelAsked, RunDone, StepDone, TextDelta, ToolFinished, ToolStarted
from liteagent_nb.core.text import clean
from liteagent_nb.testing import ScriptedModel, check_request

GO_ON = {"role": "user", "content": "go on"}


def check(played):
    """Check all that can be checked without asking anything further."""
    assert played.tasks_left == []
    assert all(asked.is_closed for asked in played.accounts), "a stream was not closed"
    for asked in played.accounts:
        check_request(list(asked.transcript), [tool.to_openai() for tool in asked.tools] or None)
    if is_untold(played):
        return
    check_ending(played)
    check_transcript(played)
    check_events(played)
    check_reason(played)
    check_answer(played.run)
    check_usage(played)


def is_untold(played):
    """Whether there was no run to tell of: cancelled before its first turn, or refused before anything was answered."""
    if not played.events and played.task.cancelled():
        return True
    if played.task.cancelled() or not isinstance(played.task.exception(), ConfigError):
        return False
    assert {type(event) for event in played.events} <= {ModelAsked}
    return True


def check_ending(played):
    assert [type(event) for event in played.events].count(RunDone) == 1
    assert isinstance(played.events[-1], RunDone), "something was told after the end"
    if played.task.cancelled():
        return
    if played.scene.is_endless and isinstance(played.task.exception(), TimeoutError):
        return  # nobody stopped it: the SIGINT came before the wait, and the test's own limit ended it
    assert played.task.result() is played.run


def check_transcript(played):
    run = played.run
    check_request([*run.messages, GO_ON])
    added = [message for step in run.steps for message in step.messages]
    assert run.messages == [*mended(played.scene.start), *added]
    for step in run.steps:
        check_step(step, played.scene.config)


def check_step(step, config):
    """Every call has one answer, in the order asked; every invocation is what its answer tells."""
    asked, answers = step.reply.tool_calls, [m for m in step.messages if m["role"] == "tool"]
    assert [answer["tool_call_id"] for answer in answers] == [call.id for call in asked]
    ran = [invocation.call_index for invocation in step.tool_invocations]
    assert ran == sorted(set(ran))
    assert len(ran) <= (config.max_tools_per_iter if asked else 1)
    for invocation in step.tool_invocations:
        if asked:
            call = asked[invocation.call_index]
            assert (invocation.tool_call_id, invocation.name) == (call.id, call.name)
            assert answers[invocation.call_index]["content"] == invocation.message
        else:
            assert invocation.message in step.messages[-1]["content"]


def check_events(played):
    """Events tell the run: each step's question, its text, its tools and its end, in this order."""
    run, events = played.run, played.events[:-1]
    asked_at = [i for i, event in enumerate(events) if isinstance(event, ModelAsked)]
    parts = [events[i:j] for i, j in zip(asked_at, [*asked_at[1:], len(events)], strict=False)]
    assert events == [event for part in parts for event in part]
    assert [part[0].step for part in parts] == list(range(len(parts)))
    assert len(run.steps) <= len(parts) <= len(run.steps) + 1
    assert [event.step for event in events if isinstance(event, StepDone)] in (list(run.steps), list(run.steps[:-1]))
    for part, step in zip(parts, run.steps, strict=False):
        order = [kind for kind, _ in groupby(part, key=_rank)]
        assert order == sorted(order)
        assert clean("".join(event.text for event in part if isinstance(event, TextDelta))) == step.reply.text
        started = [event.call_index for event in part if isinstance(event, ToolStarted)]
        finished = [event.invocation for event in part if isinstance(event, ToolFinished)]
        assert len(started) == len(set(started))
        assert tuple(sorted(finished, key=lambda invocation: invocation.call_index)) == step.tool_invocations
        missing = set(started) - {invocation.call_index for invocation in finished}
        assert not missing or (step is run.steps[-1] and run.stopped_reason in {"cancelled", "budget"})


def _rank(event):
    kinds = [(ModelAsked,), (), (ToolStarted, ToolFinished), (StepDone,)]
    return next((rank for rank, kind in enumerate(kinds) if isinstance(event, kind)), 1)


def check_reason(played):
    run, config = played.run, played.scene.config
    cancels_itself = any(isinstance(line, asyncio.CancelledError) for line in played.scene.script)
    has_failed_block = any(step.is_final and any(not i.ok for i in step.tool_invocations) for step in run.steps)
    limits = (config.max_total_seconds, config.max_tokens_total, config.max_cost_usd)
    fits = {
        "success": bool(run.steps) and run.steps[-1].is_final,
        "max_iterations": len(run.steps) == config.max_iterations,
        "stagnation": len(run.steps) >= config.stagnation_window and bool(run.steps[-1].reply.tool_calls),
        "budget": any(limits),
        "cancelled": played.task.cancelled() and (played.trigger.has_fired or cancels_itself),
        "error": run.error is not None or has_failed_block,
    }
    assert fits[run.stopped_reason]
    assert run.error is None or run.stopped_reason == "error"
    assert len(run.steps) <= config.max_iterations
    assert sum(step.is_research_hop for step in run.steps) <= config.max_research_hops


def check_answer(run):
    if run.final_answer_source == "model":
        assert run.final_answer == clean(run.steps[-1].reply.text) != ""
    elif run.final_answer_source == "tool":
        assert run.final_answer in [i.observation.text for i in run.tool_invocations if i.ok]
    else:
        assert run.final_answer.strip() == ""


def check_usage(played):
    """Each step costs what its question cost, the run what all cost; no limit was passed by asking."""
    run, config, accounts = played.run, played.scene.config, played.accounts
    for step, asked in zip(run.steps, accounts, strict=False):
        assert _counts(step.reply.usage) == _counts(asked.usage)
    spent = sum(step.reply.usage.total_tokens for step in run.steps)
    assert spent <= run.usage.total_tokens <= sum(asked.usage.total_tokens for asked in accounts)
    if config.max_tokens_total is None:
        return
    before = Usage()
    for asked in accounts:
        assert (before + asked.estimate_before).total_tokens <= config.max_tokens_total
        before += asked.usage
    if run.stop_detail.endswith(" tokens"):
        assert int(run.stop_detail.split()[0]) in _accountable(played)


def _accountable(played):
    """Return what may be told as spent at the limit: all before and the last question, or one that was not asked."""
    run, config, accounts = played.run, played.scene.config, played.accounts
    sent = prune(run.transcript, max_messages=config.max_history_messages, max_chars=config.hard_char_budget)
    tools = accounts[-1].tools if accounts else ()
    next_one = estimate(request_chars(sent, tools), 0, None).total_tokens
    before = sum(asked.usage.total_tokens for asked in accounts[:-1])
    told = {before + asked.estimate.total_tokens for asked in accounts[-1:]}
    # Without a question so far, nothing tells what tools were on offer.
    return told | ({run.usage.total_tokens + next_one} if accounts else {int(run.stop_detail.split()[0])})


def _counts(usage):
    return usage.prompt_tokens, usage.completion_tokens


async def check_next_question(run, tools, *, model=None):
    """Ask a next question on what is left: it is sent as it stands, and answered with `on it goes`."""
    model = model or ScriptedModel("on it goes")
    config = AgentConfig(max_history_messages=500, hard_char_budget=1_000_000)
    again = await run_agent(run.transcript.extended([GO_ON]), model=model, tools=tools, config=config)
    assert (again.stopped_reason, again.final_answer) == ("success", "on it goes")
    assert again.messages[:-1] == [*run.messages, GO_ON]
