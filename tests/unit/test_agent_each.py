"""`%%agent --each`: a task for every row of a table."""

from __future__ import annotations

import os
import signal
import threading
import time

import pandas as pd
import pytest

from liteagent_nb.core.chat import Price
from liteagent_nb.core.errors import ConfigError, ModelError
from liteagent_nb.magics.stopped import Stopped
from liteagent_nb.testing import ScriptedModel, call, slow


async def shout(asked):
    if "broken" in asked.text:
        return ModelError("status 400: broken", status=400)
    return slow(30, "late") if "slow" in asked.text else asked.text.upper()


@pytest.fixture
def towns(notebook):
    notebook.ns["model"] = ScriptedModel(*[shout] * 20, price=Price(1e-6, 1e-6))
    notebook.ns["df"] = pd.DataFrame({"town": ["Rome", "Oslo"], "ok": ["x", "y"]}, index=[7, 9])
    return notebook


def asked_of(notebook):
    return sorted(asked.text for asked in notebook.ns["model"].asked)


def test_each_row_is_a_task_and_the_value_is_the_table_with_its_own_index(towns):
    table = towns.run("%%agent -m model --each df --no-tools -o result\nPopulation of {town}, {{as JSON}}?")

    assert asked_of(towns) == ["Population of Oslo, {as JSON}?", "Population of Rome, {as JSON}?"]
    assert table.index.tolist() == [7, 9]
    assert table.answer.tolist() == ["POPULATION OF ROME, {AS JSON}?", "POPULATION OF OSLO, {AS JSON}?"]
    assert table.ok.tolist() == ["x", "y"]  # the table's own column stays
    assert table.run_ok.all()
    assert towns.ns["result"] is table
    assert "2 tasks" in towns.shown


@pytest.mark.parametrize("named", ["rows", "$rows"])
def test_a_list_of_mappings_or_of_values_will_do(towns, named):
    towns.ns["rows"] = [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]
    table = towns.run(f"%%agent -m model --each {named} --no-tools\n{{a}} and {{ b }}")
    assert table.task.tolist() == ["1 and x", "2 and y"]

    towns.ns["rows"] = ["one", "two"]
    table = towns.run(f"%agent -m model --each {named} --no-tools Say {{item}}")
    assert table.answer.tolist() == ["SAY ONE", "SAY TWO"]


@pytest.mark.parametrize(
    ("task", "message", "hint"),
    [
        ("Where is {twon}?", "row 0 has no {twon}", "did you mean town?"),
        ('Answer {"a": 1}', 'row 0 has no {"a": 1}', "braces themselves are written {{ and }}"),
        ("Where is it?", "the task is the same for each row", "{town}"),
        ("Where is {}?", "row 0 has no {}", "it has town, ok"),
    ],
)
def test_a_task_that_does_not_fit_is_refused_before_anything_is_sent(towns, task, message, hint):
    error = towns.fails(f"%%agent -m model --each df\n{task}", ConfigError)

    assert message in str(error)
    assert hint in error.hint
    assert towns.ns["model"].asked == []


def test_a_row_of_a_list_that_lacks_a_field_is_named(towns):
    towns.ns["rows"] = [{"a": 1}, {"b": 2}]

    assert "row 1 has no {a}" in str(towns.fails("%%agent -m model --each rows\n{a}", ConfigError))
    assert towns.ns["model"].asked == []


@pytest.mark.parametrize("named", ["5", "model", "undefined"])
def test_what_has_no_rows_is_refused(towns, named):
    towns.fails(f"%%agent -m model --each {named}\n{{a}}", ConfigError)


def test_what_a_row_says_is_never_read_as_a_reference_or_a_field(towns):
    towns.ns |= {"secret": "hidden", "other": [1, 2], "rows": ["$`secret` and {item}"]}

    table = towns.run("%%agent -m model --each rows --no-tools\n$`other` is not {item}")

    (task,) = table.task
    assert task.endswith("is not $`secret` and {item}")
    assert "list" in task
    assert "hidden" not in task


def test_failures_are_rows_and_the_ledger_has_every_question(towns):
    towns.ns["rows"] = ["a", "broken", "c"]

    table = towns.run("%%agent -m model --each rows --no-tools\n{item}")

    assert table.ok.tolist() == [True, False, True]
    assert "1 failed" in towns.shown
    assert len(towns.run("%agent cost")) == 2


def test_a_limit_of_the_notebook_holds_over_all_rows(towns):
    towns.ns["rows"] = list("abcdefghij")
    command = "%%agent -m model --each rows --no-tools --concurrency 1 --notebook-tokens"

    table = towns.run(f"{command} 8\nSay {{item}}")

    assert 0 < table.ok.sum() < 10
    assert table.completion_tokens.sum() + table.prompt_tokens.sum() <= 8


def test_each_row_has_tools_of_its_own_and_no_conversation(towns):
    towns.ns["model"] = ScriptedModel("before", *[call("exec_python", code="x = 1"), "done"] * 2)
    towns.run("%agent -m model earlier")

    table = towns.run("%%agent -m model --each df --concurrency 1\nCount {town}")

    assert table.tool_calls.tolist() == [1, 1]
    assert all("earlier" not in str(asked.transcript) for asked in towns.ns["model"].asked[1:])
    assert "before" in str(towns.run("%agent history") or towns.shown)


def test_an_interrupted_batch_keeps_what_finished_and_goes_on_from_its_checkpoint(towns, tmp_path):
    towns.ns["rows"] = ["a", "b", "slow"]
    cell = f"%%agent -m model --each rows --no-tools --concurrency 2 --checkpoint {tmp_path}/b.jsonl\n{{item}}"
    pressed = threading.Thread(target=_interrupt_when, args=(lambda: len(towns.ns["model"].asked) == 3,))

    pressed.start()
    stopped = towns.fails(cell, Stopped)
    pressed.join()
    assert "2 tasks finished" in str(stopped)
    assert towns.ns["_agent_batch"].answer.tolist() == ["A", "B"]

    towns.ns["model"] = ScriptedModel("now")
    assert towns.run(cell).answer.tolist() == ["A", "B", "now"]
    assert "2 from the checkpoint" in towns.shown


def _interrupt_when(is_so):
    until_s = time.monotonic() + 10
    while not is_so() and time.monotonic() < until_s:
        time.sleep(0.01)
    time.sleep(0.05)  # the last answers come while the slow one is waited for
    os.kill(os.getpid(), signal.SIGINT)


def test_a_table_without_rows_gives_one_without_rows(towns):
    towns.ns["df"] = towns.ns["df"].iloc[:0]

    table = towns.run("%%agent -m model --each df --no-tools\n{town}")

    assert (len(table), "answer" in table.columns) == (0, True)


def test_what_the_ledger_has_of_an_earlier_start_is_not_counted_twice(towns, tmp_path):
    cell = f"%%agent -m model --each rows --no-tools --checkpoint {tmp_path}/b.jsonl --notebook-tokens 16\nSay {{item}}"

    towns.ns["rows"] = ["a", "b"]
    spent = towns.run(cell)[["prompt_tokens", "completion_tokens"]].to_numpy().sum()
    towns.ns["rows"] = ["a", "b", "c"]

    assert 8 <= spent <= 12
    assert towns.run(cell).ok.all()


def test_a_checkpoint_is_for_batches(notebook):
    assert "--each" in notebook.fails("%%agent --checkpoint b.jsonl\nhello", ConfigError).hint
