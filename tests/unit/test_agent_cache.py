"""The cache for agents: hits say so and cost nothing, streams and tool calls come back, no secret is kept."""

from __future__ import annotations

import asyncio

import pytest

from liteagent_nb import AgentConfig, AnswerCache, Toolbox, run_agent, run_batch
from liteagent_nb.assembly import Maker, wired
from liteagent_nb.core.chat import Price, Transcript
from liteagent_nb.core.errors import ConfigError, ModelError
from liteagent_nb.panels.run_view import run_html
from liteagent_nb.testing import ScriptedModel, breaks_off, call, slow


@pytest.fixture
def cache(tmp_path):
    opened = AnswerCache(tmp_path)
    yield opened
    opened.close()


def add(a: int, b: int) -> int:
    """Add."""
    return a + b


async def ask(model, cache, text="what is 1 + 2?", **config):
    wires = wired(Maker(model.name, lambda: model), Toolbox([add]), cache=cache)
    return await run_agent(Transcript.of(text), model=wires.model, tools=wires.tools, config=AgentConfig(**config))


async def test_a_run_with_tool_calls_comes_back_as_it_came_and_costs_nothing(cache):
    model = ScriptedModel(call("add", a=1, b=2), "It is **3**.", price=Price(1e-3, 1e-3), chunk_chars=3)

    first = await ask(model, cache)
    again = await ask(model, cache)

    assert len(model.asked) == 2
    assert again.messages == first.messages
    assert [step.reply.is_cached for step in again.steps] == [True, True]
    assert (first.is_cached, again.is_cached, again.is_replayed) == (False, True, True)
    assert first.usage.cost_usd > 0
    assert again.usage.cost_usd == 0
    assert again.usage.total_tokens == first.usage.total_tokens
    assert "from the cache, nothing paid for them" in run_html(again)
    assert (cache.hits, cache.misses, cache.status().entries) == (2, 2, 2)


async def test_a_run_that_is_cached_in_part_says_so(cache):
    await ask(ScriptedModel(call("add", a=1, b=2), "3"), cache)

    def told(a: int, b: int) -> int:
        """Add."""
        return 4

    told.__name__ = "add"
    model = ScriptedModel("so it is 4")
    wires = wired(Maker(model.name, lambda: model), Toolbox([told]), cache=cache)
    run = await run_agent(Transcript.of("what is 1 + 2?"), model=wires.model, tools=wires.tools, config=AgentConfig())

    assert [step.reply.is_cached for step in run.steps] == [True, False]
    assert not run.is_cached
    assert "1 of 2 answers from the cache, nothing paid for it" in run_html(run)


@pytest.mark.parametrize(
    "other",
    [
        {"completion_kwargs": {"api_key": "sk-another-key-0000"}},
        {"completion_kwargs": {"api_base": "http://another"}},
        {"completion_kwargs": {"extra_body": {"seed": 1}}},
        {"temperature": 0.7},
        {"text": "what is 1 + 3?"},
        {"use_tools": False},
    ],
)
async def test_another_request_is_asked(cache, other):
    model = ScriptedModel("3", "again")

    await ask(model, cache)
    run = await ask(model, cache, **other)

    assert run.final_answer == "again"


async def test_nothing_that_is_kept_has_the_key_in_it(cache, tmp_path):
    await ask(ScriptedModel("3"), cache, completion_kwargs={"api_key": "sk-this-is-secret-1234"})
    cache.close()

    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"sk-this" not in kept
    assert b"what is 1 + 2?" not in kept


async def test_what_broke_off_is_not_kept(cache):
    model = ScriptedModel(breaks_off("half an ans"), "whole")

    broken = await ask(model, cache)
    run = await ask(model, cache)

    assert (broken.stopped_reason, run.final_answer, run.is_cached) == ("error", "whole", False)


async def test_who_asks_the_same_at_the_same_time_asks_once(cache):
    model = ScriptedModel(slow(0.05, "once"))

    runs = await asyncio.gather(*(ask(model, cache) for _ in range(8)))

    assert {run.final_answer for run in runs} == {"once"}
    assert len(model.asked) == 1


async def test_after_a_failure_the_next_one_asks(cache):
    model = ScriptedModel(ModelError("down", status=503), "up")

    runs = await asyncio.gather(*(ask(model, cache) for _ in range(2)))

    assert sorted(run.final_answer for run in runs) == ["", "up"]


async def test_a_place_that_does_not_work_costs_no_answer(tmp_path):
    (tmp_path / "file").write_text("no folder")
    cache = AnswerCache(tmp_path / "file" / "deeper")

    with pytest.warns(RuntimeWarning, match="does not work"):
        run = await ask(ScriptedModel("3"), cache)

    assert run.final_answer == "3"


def test_a_batch_asks_equal_tasks_once_and_a_second_one_nothing(cache):
    model = ScriptedModel("A", "B")

    def batch(tasks):
        return run_batch(tasks, Toolbox([]), model=model, cache=cache, concurrency=2, progress=False)

    assert batch(["a", "a"]).answer.tolist() == ["A", "A"]
    again = batch(["a", "b"])
    assert again.is_cached.tolist() == [True, False]
    assert len(model.asked) == 2


@pytest.fixture
def with_cache(notebook, tmp_path):
    notebook.run(f"%config AgentMagics.cache_dir = {str(tmp_path)!r}")
    notebook.ns["model"] = ScriptedModel("one", "two", "three", price=Price(1e-6, 1e-6))
    return notebook


def test_a_cell_answers_from_the_cache_where_it_is_told_to(with_cache):
    ask_it = "%agent -m model --fresh --no-tools hello"

    assert with_cache.run(f"{ask_it[:6]} --cache{ask_it[6:]}").final_answer == "one"
    assert with_cache.run(ask_it).final_answer == "two"
    with_cache.run("%agent cache on")
    run = with_cache.run(ask_it)

    assert (run.final_answer, run.is_cached, run.usage.cost_usd) == ("one", True, 0)
    assert "with the cache" in with_cache.shown
    ledger = with_cache.run("%agent cost")
    assert ledger.is_replayed.tolist() == [False, False, True]
    assert "1 of them replayed, not paid again" in with_cache.shown


def test_the_cache_tells_how_it_stands_and_is_cleared(with_cache):
    with_cache.run("%agent cache on")
    with_cache.run("%agent -m model --no-tools hello")

    with_cache.run("%agent cache")
    assert "holds          1 answer" in with_cache.shown
    assert "0 hits, 1 question" in with_cache.shown
    with_cache.run("%agent cache clear")
    assert "1 answer forgotten" in with_cache.shown
    with_cache.run("%agent cache off")
    assert "off:" in with_cache.shown
    assert "did you mean status?" in with_cache.fails("%agent cache statu", ConfigError).hint


def test_a_time_to_live_of_nothing_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="ttl_seconds is 0"):
        AnswerCache(tmp_path, ttl_seconds=0)
