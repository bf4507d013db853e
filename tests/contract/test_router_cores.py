"""The same questions to the same servers by every core of a Router: callers, callbacks and servers see the same."""

from __future__ import annotations

import pytest
from router_cases import GROUPS, PASSED, SHORT

pytestmark = pytest.mark.asyncio(loop_scope="module")
CORES = ("legacy", "extracted")
VERIFIED = ("amid text", "ways")
"""The groups of cases that are read by both cores at once, too, by the core `verify`."""
UNASKED = ("no such model in the Router", "nobody listens")
CASES = {case.name: (group, case) for group, cases in GROUPS.items() for case in cases}


@pytest.fixture(scope="module")
def played(theatre):
    """Return a function that returns what came of a case: its whole group is played with it, at once."""
    groups = {}

    async def play(name):
        group, _ = CASES[name]
        if group not in groups:
            cores = (*CORES, "verify") if group in VERIFIED else CORES
            groups[group] = await theatre.play(GROUPS[group], cores)
        return groups[group][name]

    return play


@pytest.mark.parametrize("name", CASES)
async def test_every_core_lets_the_same_be_seen(played, name):
    shown = await played(name)

    assert list(shown.differences.values()) == [[]] * len(shown.differences)
    assert all(seen.stage.asked for seen in shown.seen.values()) == (name not in UNASKED)


@pytest.mark.parametrize("name", CASES)
async def test_a_stream_measures_itself_and_names_who_reads_it(played, name):
    shown, (group, case) = await played(name), CASES[name]

    for core in shown.differences:
        told = [one.metrics for one in shown.seen[core].asked if one.metrics]
        assert [one.core for one in told] == [core if case.core == "extracted" else case.core] * len(told)
        assert all(bool(one.handed_over_why) == (one.core == "legacy") for one in told)
        assert all(one.differences == () for one in told)
        assert all(one.total_ms > 0 for one in told)
        assert all(one.fast_pieces > 0 for one in told) or group != "amid text"
        assert all(0 < one.ttft_ms <= one.total_ms for one in told if one.ttft_ms is not None)
        assert len(told) == (0 if case.core == "" else case.times)


async def test_text_that_goes_on_is_read_the_fast_way(played):
    shown = await played("many pieces")

    (asked,) = shown.seen["extracted"].asked
    assert asked.metrics.pieces == len(asked.chunks) == 301
    assert asked.metrics.fast_pieces >= 295


@pytest.mark.parametrize("core", CORES)
async def test_sampling_is_passed_on(played, core):
    shown = await played("sampling and limits are passed on")

    (asked,) = shown.seen[core].stage.asked
    assert asked.body == asked.body | {name: value for name, value in PASSED.items() if name != "timeout"}


@pytest.mark.parametrize("core", CORES)
@pytest.mark.parametrize("whose", ["question", "Router", "deployment"])
async def test_a_time_limit_ends_a_question(played, core, whose):
    shown = await played(f"no answer within the limit of the {whose}")

    (asked,) = shown.seen[core].asked
    assert type(asked.error).__name__ == "Timeout"
    assert asked.error.status_code == 408
    assert SHORT * 0.9 <= asked.seconds < SHORT * 10
    assert [one.outcome for one in shown.seen[core].stage.asked] == ["left"]


@pytest.mark.parametrize("core", CORES)
@pytest.mark.parametrize("after", ["500", "a cut before anything", "a cut after the role", "an error event"])
async def test_a_fallback_is_asked_once(played, core, after):
    seen = (await played(f"a fallback after {after}")).seen[core]

    assert [one.name for one in seen.stage.asked] == ["m", "spare"]
    assert text_of(seen.asked[0]) == "spared"


@pytest.mark.parametrize("core", CORES)
async def test_text_from_before_a_fallback_in_the_middle_is_kept(played, core):
    seen = (await played("a text that goes on elsewhere")).seen[core]

    assert [one.name for one in seen.stage.asked] == ["m", "spare"]
    assert text_of(seen.asked[0]) == "w0 w1 w2 w3 w4 spared"
    assert seen.stage.asked[1].body["messages"][-1]["content"] == "w0 w1 w2 w3 w4 "


@pytest.mark.parametrize("core", CORES)
async def test_text_from_before_a_cut_is_kept_and_the_error_told(played, core):
    (asked,) = (await played("a cut in the middle, amid text")).seen[core].asked

    assert text_of(asked).startswith("w0 w1 w2 w3 w4 ")
    assert asked.error.status_code == 500


@pytest.mark.parametrize("core", CORES)
@pytest.mark.parametrize("name", ["closed in the middle", "closed while it streams", "cancelled in the middle"])
async def test_leaving_reaches_the_connection(played, core, name):
    seen = (await played(name)).seen[core]

    assert [one.outcome for one in seen.stage.asked] == ["left"]


@pytest.mark.parametrize("core", CORES)
async def test_answers_at_once_do_not_mix(played, core):
    seen = (await played("sixteen at once")).seen[core]

    assert [text_of(one) for one in seen.asked] == [f"you said: hi {number}" for number in range(16)]


@pytest.mark.parametrize("core", CORES)
async def test_a_callback_is_told_the_whole_reply_and_what_it_costs(played, core):
    seen = (await played("usage asked for")).seen[core]

    ((told, reply, _),) = [told for name, told in seen.events if name == "async_log_success_event"]
    assert reply["choices"][0]["message"]["content"] == "hallo"
    assert reply["usage"]["total_tokens"] == 730
    assert float(told["response_cost"]) == pytest.approx(700 * 1.5e-07 + 30 * 6e-07)
    assert told["async_complete_streaming_response"] == reply


def text_of(asked):
    return "".join(chunk.choices[0].delta.content or "" for chunk in asked.chunks if chunk.choices)
