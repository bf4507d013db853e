"""Limits of a run and of the whole notebook, and the ledger: money is never spent unseen, an unknown price never zero."""

from __future__ import annotations

import asyncio
import sys
import time

import pandas as pd
import pytest

from liteagent_nb import AgentConfig, Transcript, run_agent
from liteagent_nb.core.chat import Price, Reply, Usage
from liteagent_nb.core.errors import BudgetError, ConfigError
from liteagent_nb.core.ledger import Ledger, Limits
from liteagent_nb.core.steps import Run, RunDone, Step
from liteagent_nb.models.priced import PricedModel
from liteagent_nb.testing import ScriptedModel, call, endless, slow

DEAR = Price(1e-3, 1e-3)
"""A dollar for a thousand tokens."""


def priced(*replies):
    return ScriptedModel(*replies, price=DEAR)


def test_a_budget_ends_an_endless_answer_and_keeps_what_came(new_notebook):
    notebook = new_notebook(m=priced(endless("word ")))

    run = notebook.run("%agent -m m --no-tools --budget 0.05 talk")

    assert run.stopped_reason == "budget"
    assert "$0.05" in run.stop_detail
    assert run.final_answer.startswith("word word")
    assert 0.05 <= run.usage.cost_usd < 0.06


def test_a_question_that_alone_exceeds_the_budget_is_not_sent(new_notebook):
    model = priced("never")
    notebook = new_notebook(m=model)

    run = notebook.run(f"%agent -m m --no-tools --budget 0.05 {'word ' * 100}")

    assert (run.stopped_reason, model.asked, run.usage.cost_usd) == ("budget", [], 0.0)


def test_the_notebooks_budget_holds_over_its_runs_and_is_told(new_notebook):
    notebook = new_notebook(m=priced(*["four words of text"] * 9))
    notebook.run("%agent --notebook-budget 0.02")
    assert "0.02 USD" in notebook.shown

    runs = [notebook.run("%agent -m m --fresh --no-tools hi")]
    assert "$0.0200 left of this notebook's $0.02" in notebook.shown
    while runs[-1].stopped_reason == "success":
        runs.append(notebook.run("%agent -m m --fresh --no-tools hi"))
    assert len(runs) == 4
    assert runs[-1].stopped_reason == "budget"
    assert sum(run.usage.cost_usd for run in runs) <= 0.02 + 0.005


def test_a_spent_notebook_refuses_before_anything_is_sent_and_a_higher_limit_lets_it_go_on(new_notebook):
    model = priced("four words of text", "on it goes")
    notebook = new_notebook(m=model)
    notebook.run("%agent -m m --no-tools hi")

    error = notebook.fails("%agent -m m --no-tools --notebook-budget 0.001 again", BudgetError)

    assert "is spent" in str(error)
    assert "--notebook-budget" in error.hint
    assert len(model.asked) == 1
    assert notebook.run("%agent -m m --no-tools --notebook-budget 1 again").final_answer == "on it goes"


@pytest.mark.parametrize(
    ("option", "unit"), [("--notebook-tokens 3", "tokens"), ("--notebook-seconds 0.01", "seconds")]
)
def test_tokens_and_time_of_a_notebook_are_limited_too(new_notebook, option, unit):
    notebook = new_notebook(m=priced(slow(0.1, "four words of text"), "never"))
    notebook.run("%agent -m m --no-tools hi")

    error = notebook.fails(f"%agent -m m --no-tools {option} again", BudgetError)

    assert unit in str(error)


def test_the_rest_of_a_notebooks_time_bounds_a_run(new_notebook):
    notebook = new_notebook(m=priced(slow(5, "late")))

    started_s = time.monotonic()
    run = notebook.run("%agent -m m --no-tools --notebook-seconds 0.3 talk")

    assert run.stopped_reason == "budget"
    assert time.monotonic() - started_s < 1.5


def test_an_unknown_price_is_refused_and_the_remedy_works(new_notebook):
    model = ScriptedModel("hello", "hello again")
    notebook = new_notebook(m=model)

    error = notebook.fails("%agent -m m --budget 1 hi", ConfigError)
    assert "price of scripted is unknown" in str(error)
    assert "--price" in error.hint
    assert model.asked == []

    run = notebook.run("%agent -m m --budget 1 --price 1000/2000 hi")
    assert run.usage.cost_usd == pytest.approx(
        (run.usage.prompt_tokens * 1000 + run.usage.completion_tokens * 2000) / 1e6
    )


@pytest.mark.parametrize("price", ["free", "1", "1/2/3", "1/-2"])
def test_a_price_that_is_none_is_refused(new_notebook, price):
    notebook = new_notebook(m=ScriptedModel("never"))

    assert "IN/OUT" in notebook.fails(f"%agent -m m --price {price} hi", ConfigError).hint


def test_what_was_spent_without_a_known_price_blocks_a_budget_of_money_until_it_is_cleared(new_notebook):
    notebook = new_notebook(m=ScriptedModel("one", "two"))
    notebook.run("%agent -m m hi")

    error = notebook.fails("%agent -m m --notebook-budget 1 --price 1/1 hi", BudgetError)

    assert "price is unknown" in str(error)
    notebook.run("%agent cost clear")
    assert notebook.run("%agent -m m --price 1/1 hi").final_answer == "two"


def test_the_cost_is_a_table_with_a_row_for_every_question(new_notebook):
    notebook = new_notebook(m=priced(call("exec_python", code="print(1)"), "one", "two"))
    notebook.run("%agent -m m hi")
    notebook.run("%agent -m m again")

    table = notebook.run("%agent cost")

    assert isinstance(table, pd.DataFrame)
    assert list(table.columns) == list(Ledger.COLUMNS)
    assert (list(table.step), list(table.model)) == ([0, 1, 0], ["scripted"] * 3)
    assert table.cost_usd.sum() == pytest.approx((table.prompt_tokens.sum() + table.completion_tokens.sum()) / 1000)
    assert "3 questions" in notebook.shown
    assert f"${table.cost_usd.sum():.2f}" in notebook.shown


def test_an_empty_ledger_is_an_empty_table_with_the_same_columns(new_notebook):
    table = new_notebook().run("%agent cost")

    assert (len(table), list(table.columns)) == (0, list(Ledger.COLUMNS))


def test_without_pandas_the_cost_is_shown_as_text(new_notebook, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    notebook = new_notebook(m=priced("one"))
    notebook.run("%agent -m m hi")

    assert notebook.run("%agent cost") is None
    assert "scripted" in notebook.shown
    assert "total" in notebook.shown


def test_a_replay_is_in_the_ledger_as_not_paid_again(new_notebook, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    notebook = new_notebook(m=priced("one"))
    notebook.run("%agent cassette record a.cassette.json")
    notebook.run("%agent -m m hi")
    notebook.run("%agent cassette replay a.cassette.json")
    notebook.run("%agent -m m --fresh hi")

    table = notebook.run("%agent cost")

    assert list(table.is_replayed) == [False, True]
    assert "1 of them replayed, not paid again" in notebook.shown


def test_a_task_about_costs_is_a_task(new_notebook):
    notebook = new_notebook(m=ScriptedModel("a lot"))

    assert notebook.run("%agent -m m cost of living in Paris").final_answer == "a lot"


async def stopped(model, after_s, **config):
    runs = []
    watch = lambda event: runs.append(event.run) if isinstance(event, RunDone) else None  # noqa: E731
    task = asyncio.create_task(
        run_agent(Transcript.of("hi " * 40), model=model, config=AgentConfig(**config), watch=watch)
    )
    await asyncio.wait({task}, timeout=after_s)
    task.cancel()
    await asyncio.wait({task})
    return runs[0]


async def test_a_question_that_was_stopped_before_its_answer_began_is_counted_by_estimate():
    done = await stopped(priced(slow(5, "late")), 0.1)

    assert (done.stopped_reason, done.steps) == ("cancelled", ())
    assert done.usage == Usage(30, 0, 0.03, is_estimate=True)
    ledger = Ledger()
    ledger.add(done)
    assert [(c.model, c.usage.prompt_tokens) for c in ledger.charges] == [("scripted", 30)]


async def test_so_is_one_that_the_time_limit_ended():
    done = await run_agent(
        Transcript.of("hi " * 40), model=priced(slow(5, "late")), config=AgentConfig(max_total_seconds=0.1)
    )

    assert (done.stopped_reason, done.usage.cost_usd) == ("budget", 0.03)


async def test_one_that_the_provider_failed_costs_nothing():
    from liteagent_nb.core.errors import ModelError

    done = await run_agent(Transcript.of("hi"), model=priced(ModelError("down")), config=AgentConfig())

    assert (done.stopped_reason, done.usage) == ("error", Usage())


async def test_a_given_price_prices_every_piece_of_usage():
    model = PricedModel(ScriptedModel(Reply("hi", usage=Usage(1000, 10, None))), Price(1e-6, 1e-3))

    done = await run_agent(Transcript.of("hi"), model=model, config=AgentConfig(max_cost_usd=1))

    assert (model.name, done.usage.cost_usd) == ("scripted", pytest.approx(0.011))


def run_that_cost(cost_usd):
    return Run("", "success", Transcript(), steps=(Step(Reply(usage=Usage(10, 10, cost_usd))),), ttotal_ms=2000)


def test_the_smaller_limit_holds_the_runs_or_what_is_left_of_the_notebooks():
    ledger = Ledger()
    ledger.add(run_that_cost(0.25))

    bounded = ledger.bounded(
        AgentConfig(max_cost_usd=0.5, max_tokens_total=100), Limits(usd=1.0, tokens=40, seconds=10)
    )

    assert (bounded.max_cost_usd, bounded.max_tokens_total, bounded.max_total_seconds) == (0.5, 20, 8.0)
    assert ledger.bounded(AgentConfig(max_cost_usd=0.5), Limits(usd=0.5)).max_cost_usd == 0.25


def test_an_unknown_cost_makes_the_sum_unknown():
    ledger = Ledger()
    ledger.add(run_that_cost(0.25))
    ledger.add(run_that_cost(None))

    assert ledger.spent.cost_usd is None
    with pytest.raises(BudgetError):
        ledger.bounded(AgentConfig(), Limits(usd=100.0))
    assert ledger.bounded(AgentConfig(), Limits()) == AgentConfig()
