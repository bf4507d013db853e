"""Comparing two arms: what is asked, in which order, what is kept, and what faults come to."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from functools import partial
from types import SimpleNamespace

import pytest
from parity_trials import Clock

from liteagent_nb.cassettes.cassette import Cassette
from liteagent_nb.cassettes.models import CassetteModel
from liteagent_nb.core.chat import Reply, Transcript
from liteagent_nb.core.errors import ConfigError
from liteagent_nb.core.portal import Portal
from liteagent_nb.parity.arms import Arm, Prompt
from liteagent_nb.parity.differing import difference
from liteagent_nb.parity.events import Looked, ParityDone, ParityStarted, TrialDone
from liteagent_nb.parity.making_arms import as_arm
from liteagent_nb.parity.measuring import measure
from liteagent_nb.parity.runner import run_parity
from liteagent_nb.testing import ScriptedModel, breaks_off, call, calls

PROMPT = Prompt.of("hi")


async def compared(clock, baseline, candidate, **more):
    more = {"prompts": ["one", "two"], "rounds": 80, "seed": 1, **more}
    return await run_parity(baseline, candidate, clocks=clock.clocks, **more)


async def test_equal_arms_are_accepted_and_a_slower_one_is_rejected_before_all_rounds_are_through():
    clock = Clock()

    same = await compared(clock, clock.arm("a", 100), clock.arm("b", 100))
    slower = await compared(clock, clock.arm("a", 100), clock.arm("b", 110))

    assert (same.status, same.baseline, same.candidate) == ("accepted", "a", "b")
    assert slower.status == "rejected"
    assert max(len(same.trials), len(slower.trials)) <= 80
    assert same.finding("overhead").rulings["ttft_ms"].control_pct.upper < 3


async def test_each_round_asks_every_prompt_of_all_three_in_random_order_that_the_seed_draws_again():
    clock = Clock()
    arms = clock.arm("a", 100, spread=0.3), clock.arm("b", 100, spread=0.3)

    found = (await compared(clock, *arms, rounds=6)).trials
    again = (await compared(clock, *arms, rounds=6)).trials

    assert Counter(one.prompt_id for one in found) == {Prompt.of("one").id: 6, Prompt.of("two").id: 6}
    assert [one.round for one in found] == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6]
    assert len({one.order for one in found}) > 3
    assert [(one.prompt_id, one.order) for one in found] == [(one.prompt_id, one.order) for one in again]


async def test_warming_up_is_not_counted():
    clock, asked = Clock(), []

    async def first_is_slow(text):
        asked.append(text)
        clock.s += 0.1 if len(asked) > 4 else 5
        return "fine"

    verdict = await compared(clock, first_is_slow, first_is_slow, rounds=1)

    assert len(asked) == 4 + 6
    assert all(one.total_ms == pytest.approx(100) for trial in verdict.trials for one in trial.measurements)


async def test_a_watcher_is_told_each_trial_and_each_look_and_a_broken_one_costs_nothing():
    clock, told = Clock(), []

    await compared(clock, clock.arm("a", 100, spread=0.3), clock.arm("b", 100), rounds=8, watch=told.append)
    with pytest.warns(RuntimeWarning, match="a watcher failed"):
        verdict = await compared(clock, clock.arm("a", 100), clock.arm("b", 100), watch=lambda event: 1 / 0)

    kinds = [type(event) for event in told]
    assert kinds[0] is ParityStarted
    assert told[0].planned == kinds.count(TrialDone) == 16
    assert [event.number for event in told if isinstance(event, Looked)] == [10, 16]
    assert kinds[-1] is ParityDone
    assert verdict.accepted


@pytest.mark.parametrize(
    "wrong",
    [{"rounds": 0}, {"rounds": -1}, {"thresh_pct": 0}, {"thresh_pct": float("nan")}, {"warmup": -1}],
    ids=str,
)
async def test_what_measures_nothing_is_refused_before_anybody_is_asked(wrong):
    asked = []

    with pytest.raises(ConfigError) as refused:
        await run_parity(asked.append, asked.append, **wrong)

    assert refused.value.hint
    assert asked == []


async def test_the_environment_says_what_nobody_else_does(monkeypatch, tmp_path):
    clock = Clock()
    monkeypatch.setenv("PARITY_ROUNDS", "2")
    monkeypatch.setenv("PARITY_THRESH_PCT", "7.5")
    monkeypatch.setenv("PARITY_OUT", str(tmp_path / "deep" / "journal.jsonl"))

    verdict = await run_parity(clock.arm("a", 100), clock.arm("b", 100), clocks=clock.clocks)

    assert (len(verdict.trials), verdict.thresh_pct) == (6, 7.5)
    assert len((tmp_path / "deep" / "journal.jsonl").read_text().splitlines()) == 6
    monkeypatch.setenv("PARITY_ROUNDS", "many")
    with pytest.raises(ConfigError, match="PARITY_ROUNDS is 'many'"):
        await run_parity(clock.arm("a", 100), clock.arm("b", 100), clocks=clock.clocks)


async def test_clocks_that_jump_do_not_matter():
    clock = Clock()
    quiet = clock.arm("a", 100)
    count = 0

    async def sleeping_machine(prompt):
        nonlocal count
        count += 1
        clock.days = count * 13 % 40  # people's clock goes to and fro
        clock.s += {30: 3600, 60: -3600}.get(count, 0)  # the other sleeps once, and once is broken
        async for piece in quiet.ask(prompt):
            yield piece

    verdict = await compared(clock, quiet, Arm("b", sleeping_machine))

    assert verdict.status == "accepted"


async def test_a_candidate_that_fails_is_counted_and_what_it_says_has_no_secret(monkeypatch):
    monkeypatch.setenv("SOME_API_KEY", "sesame-street-1")
    clock = Clock()
    good, count = clock.arm("a", 100), 0

    async def failing(text):
        nonlocal count
        count += 1
        raise RuntimeError("refused: sesame-street-1")

    async def sometimes(prompt):
        nonlocal count
        count += 1
        if count % 20 == 0:
            raise RuntimeError("now and then")
        async for piece in good.ask(prompt):
            yield piece

    always = await compared(clock, good, failing)
    now_and_then = await compared(clock, good, Arm("b", sometimes))

    assert (always.status, len(always.trials)) == ("rejected", 10)
    assert always.errors == {"baseline": 0, "candidate": 10, "control": 0}
    assert always.trials[0].candidate.error == "RuntimeError: refused: ***"
    assert now_and_then.status == "undecided"
    assert 0 < now_and_then.errors["candidate"] < 10


async def test_an_answer_that_never_ends_or_is_empty_is_an_error():
    async def endless(prompt):
        yield "a"
        await asyncio.Event().wait()

    stuck = await measure(Arm("stuck", endless), PROMPT, timeout_s=0.05)
    hung = await measure(Arm("hung", lambda prompt: iter(input_that_blocks, None)), PROMPT, timeout_s=0.05)
    nothing = await measure(Arm("nothing", lambda prompt: iter(["", None])), PROMPT)

    assert (stuck.error, stuck.text) == ("no end within 0.05 seconds", "a")
    assert hung.error == "no end within 0.05 seconds"
    assert (nothing.error, nothing.ttft_ms, nothing.text_sha256) == ("the answer is empty", None, "")


def input_that_blocks():
    import time

    time.sleep(1)


async def test_two_empty_arms_are_not_the_same():
    clock = Clock()

    verdict = await compared(clock, clock.arm("a", 10, texts=()), clock.arm("b", 10, texts=()))

    assert verdict.status != "accepted"
    assert verdict.errors["candidate"] == verdict.errors["baseline"] > 0


async def test_the_first_text_counts_and_thoughts_and_calls_are_told_apart():
    clock = Clock()
    model = ScriptedModel(
        Reply(text="It is", reasoning="hm", tool_calls=(call("look", at=1),), finish_reason="tool_calls"), chunk_chars=2
    )

    async def ask(prompt):
        async for delta in model.stream(prompt.transcript, (), {}):
            clock.s += 0.01
            yield delta

    found = await measure(Arm("model", ask), PROMPT, clocks=clock.clocks)

    moments = (found.first_reasoning_ms, found.ttft_ms, found.first_call_ms, found.total_ms)
    assert moments == pytest.approx((10, 20, 50, 100), abs=0.01)
    assert (found.text, found.chars, found.finish_reason) == ('It is\nlook({"at": 1})', 5, "tool_calls")


def chunk(**delta):
    return SimpleNamespace(choices=[SimpleNamespace(delta=SimpleNamespace(**delta), finish_reason=None)])


async def of_pieces(text):
    for piece in ("He", "llo"):
        yield piece


async def awaited_stream(text):
    return of_pieces(text)


@pytest.mark.parametrize(
    "function",
    [
        lambda text: "Hello",
        lambda text: iter(["He", "llo"]),
        lambda text: [chunk(content="He"), chunk(content=None), {"choices": [{"delta": {"content": "llo"}}]}],
        lambda text: {"choices": [{"message": {"content": "Hello"}}]},
        partial(of_pieces),
        partial(awaited_stream),
        of_pieces,
        awaited_stream,
    ],
)
async def test_functions_may_be_sync_or_async_and_bring_text_or_streams(function):
    found = await measure(as_arm(function), PROMPT)

    assert (found.text, found.error) == ("Hello", "")
    assert found.total_ms >= found.ttft_ms > 0


async def test_models_that_differ_are_shown_where_they_part():
    clock = Clock()
    one = ScriptedModel(*["The capital is Paris."] * 40, name="one")
    other = ScriptedModel(*["The capital is London."] * 40, name="other")

    verdict = await compared(clock, one, other, prompts=["?"], rounds=10, warmup=0, journal=None)

    assert verdict.status == "rejected"
    shown = "from character 15 on 'The capital is Paris.' became 'The capital is London.'"
    assert verdict.trials[0].difference == shown
    assert difference("x" * 100 + "a", "x" * 100 + "b" * 100).endswith(f"became '…{'x' * 20}{'b' * 30}…'")


def test_an_interrupt_in_the_middle_of_a_round_keeps_what_was_measured(tmp_path):
    clock, told = Clock(), []
    portal = Portal()
    arm = clock.arm("a", 100, spread=0.3)
    measured = []

    async def until_the_fifth(prompt):
        if len(measured) == 5:
            await asyncio.Event().wait()
        async for piece in arm.ask(prompt):
            yield piece

    def watch(event):
        told.append(event)
        measured.extend([event] if isinstance(event, TrialDone) else [])

    def interrupt_then(ended):
        while len(measured) < 5:
            ended.wait(0.01)
        raise KeyboardInterrupt

    journal = tmp_path / "j.jsonl"
    work = compared(clock, arm, Arm("b", until_the_fifth), watch=watch, journal=journal)
    try:
        with pytest.raises(KeyboardInterrupt):
            portal.wait_for(work, meanwhile=interrupt_then)
    finally:
        portal.close()

    verdict = told[-1].verdict
    assert isinstance(told[-1], ParityDone)
    assert (verdict.is_stopped, len(verdict.trials), verdict.status) == (True, 5, "invalid")
    assert len(journal.read_text().splitlines()) == 5


def recorded(path, *answers):
    cassette = Cassette(path, "record")
    model = ScriptedModel(*answers, name="gpt")
    recording = CassetteModel(cassette, "gpt", lambda: model)

    async def ask(question):
        return [delta async for delta in recording.stream(Transcript.of(question), (), {})]

    portal = Portal()
    try:
        for number in range(len(answers)):
            portal.wait_for(ask(f"question {number}"))
    finally:
        portal.close()
    return path


def test_two_cassettes_are_compared_by_what_is_on_them(tmp_path):
    names = ("one.cassette.json", "same.cassette.json", "other.cassette.json", "short.cassette.json")
    said = ("Paris", calls(call("look", at=1)), "Rome"), ("Paris", calls(call("look", at=1)), "Rome")
    said = (*said, ("Paris", calls(call("look", at=2)), "Rome"), ("Paris",))
    one, same, other, short = (recorded(tmp_path / name, *answers) for name, answers in zip(names, said, strict=True))
    portal = Portal()

    def behaviour(candidate):
        return portal.wait_for(run_parity(str(one), candidate, rounds=2)).finding("behaviour")

    try:
        replayed = portal.wait_for(run_parity(str(one), same, rounds=2))
        assert [finding.question for finding in replayed.findings] == ["behaviour"]
        assert (behaviour(same).status, behaviour(same).reason) == ("accepted", "the same in all 6")
        assert behaviour(Cassette(other, "replay")).status == "rejected"
        assert '"at": 1' in behaviour(other).reason
        assert "short.cassette.json has no answer" in behaviour(short).reason
    finally:
        portal.close()


def test_what_is_no_arm_is_refused_with_what_may_be_one(tmp_path, monkeypatch):
    monkeypatch.delenv("LITELLM_DEFAULT_MODEL", raising=False)
    (tmp_path / "mine.py").write_text("def ask(text):\n    return text\n")

    assert as_arm(f"{tmp_path}/mine.py:ask").ask(PROMPT) == "hi"
    with pytest.raises(ConfigError, match="has no function tell"):
        as_arm(f"{tmp_path}/mine.py:tell")
    with pytest.raises(ConfigError, match="no Router asks local/smollm2"):
        as_arm("extracted")
    with pytest.raises(ConfigError, match="a int cannot be compared"):
        as_arm(3)
    with pytest.raises(ConfigError, match=r"there is no .*gone\.cassette\.json"):
        as_arm("gone.cassette.json")


async def test_a_model_that_breaks_off_is_an_error_with_what_had_come():
    found = await measure(as_arm(ScriptedModel(breaks_off("half"))), PROMPT)

    assert (found.text, found.total_ms) == ("half", None)
    assert "the stream broke off" in found.error


async def test_the_journal_holds_no_prompt_and_no_answer(tmp_path):
    clock = Clock()

    await compared(clock, clock.arm("a", 100), clock.arm("b", 100), rounds=1, journal=tmp_path / "j.jsonl")

    text = (tmp_path / "j.jsonl").read_text()
    assert "Paris" not in text
    assert "two" not in text
    row = json.loads(text.splitlines()[0])
    contract = "ts run_id round order model prompt_id stream legacy extracted same_text ttft_delta_pct total_delta_pct"
    assert {*contract.split(), "thresh_pct", "pass", "versions"} <= set(row)
    assert {"ttft_ms", "total_ms", "chunks", "text_sha256", "chars", "error"} <= set(row["extracted"])
    assert row["versions"]["litellm"]
