"""Batches of agent runs: order, failures, patience, limits, checkpoints. The model is in this process."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import aclosing
from pathlib import Path

import pytest

from liteagent_nb import AgentConfig, AnswerCache, Limits, Retries, Toolbox, arun_batch_as_completed, run_batch
from liteagent_nb.assembly.batching import BatchStopped
from liteagent_nb.core.chat import Price, Usage
from liteagent_nb.core.errors import ConfigError, ModelError
from liteagent_nb.core.streaming import Delta
from liteagent_nb.testing import ScriptedModel, call

PATIENT = Retries(first_s=0.01, longest_s=0.02)


class Shouting:
    """A model that answers in capitals; told how long that takes, and what goes wrong with which task."""

    name = "shouting"
    price = Price(1e-3, 1e-3)

    def __init__(self, *, takes_s=0.0, goes_wrong=()):
        self.asked = []
        self.asked_s = []
        self.open = self.most = 0
        self._takes_s = takes_s
        self._wrong = dict(goes_wrong)

    async def stream(self, transcript, tools, settings):
        text = transcript.messages[-1]["content"]
        self.asked.append(text)
        self.asked_s.append(time.monotonic())
        self.open += 1
        self.most = max(self.most, self.open)
        try:
            await asyncio.sleep(self._takes_s(text) if callable(self._takes_s) else self._takes_s)
            if faults := self._wrong.get(text):
                raise faults.pop(0)
            yield Delta(text=text.upper(), usage=Usage(9, 1, 0.01), finish_reason="stop")
        finally:
            self.open -= 1


def batch(tasks, model, **more):
    return run_batch(tasks, Toolbox([]), model=model, progress=False, retries=PATIENT, **more)


def answers(table):
    return table["answer"].tolist()


def test_a_table_has_a_row_for_each_task_in_their_order():
    model = Shouting(takes_s=lambda text: 0.05 if text == "a" else 0)

    table = batch(["a", "b", [{"role": "system", "content": "be loud"}, {"role": "user", "content": "c"}]], model)

    assert answers(table) == ["A", "B", "C"]
    assert table.index.tolist() == [0, 1, 2]
    assert table.task.tolist() == ["a", "b", "c"]
    assert table.cost_usd.sum() == pytest.approx(0.03)
    assert set(table.stopped_reason) == {"success"}


def test_records_are_a_list_where_no_frame_is_wanted():
    (only,) = batch(["a"], Shouting(), as_frame=False)

    assert (only["index"], only["answer"], only["ok"], only["error"]) == (0, "A", True, None)


def test_a_frame_without_pandas_names_what_to_install(monkeypatch):
    monkeypatch.setattr("liteagent_nb.extras.batching.records.find_spec", lambda name: None)

    with pytest.raises(ConfigError) as caught:
        batch(["a"], Shouting(), as_frame=True)

    assert 'pip install "liteagent_nb[tables]"' in caught.value.hint
    assert isinstance(batch(["a"], Shouting()), list)


async def test_an_endless_iterable_is_taken_lazily_with_a_bounded_number_under_way():
    model, taken = Shouting(takes_s=0.001), itertools.count()

    async with aclosing(
        arun_batch_as_completed((f"t{n}" for n in taken), Toolbox([]), model=model, concurrency=4)
    ) as records:
        got = [(await anext(records)).index for _ in range(20)]

    assert len(got) == 20
    assert model.most == 4
    assert next(taken) <= 20 + 4 + 1
    assert model.open == 0


def test_a_failed_task_is_a_row_with_its_index_and_the_others_go_on():
    refused = {"b": [ModelError("status 400: no such thing", status=400)]}

    table = batch(["a", "b", "c"], Shouting(goes_wrong=refused))

    assert table.ok.tolist() == [True, False, True]
    assert table.error[1] == "ModelError: status 400: no such thing"


def test_what_may_pass_is_asked_again_and_only_that_question():
    tool_ran = Counter()

    def look(what: str) -> str:
        """Look it up."""
        tool_ran[what] += 1
        return "it is 4"

    class TwoSteps(Shouting):
        async def stream(self, transcript, tools, settings):
            async for delta in super().stream(transcript, tools, settings):
                if transcript.messages[-1]["role"] == "user":
                    asks = call("look", what="x")
                    yield Delta(calls=(_call_delta(asks),), usage=Usage(1, 1, 0.01), finish_reason="tool_calls")
                else:
                    yield delta

    model = TwoSteps(goes_wrong={"it is 4": [ModelError("busy", status=503), ModelError("gone", status=None)]})

    table = run_batch(["a"], Toolbox([look]), model=model, progress=False, retries=PATIENT)

    assert (answers(table), tool_ran["x"]) == (["IT IS 4"], 1)
    assert Counter(model.asked) == {"a": 1, "it is 4": 3}


def _call_delta(asks):
    from liteagent_nb.core.streaming import CallDelta

    return CallDelta(index=0, id="call_1", name=asks.name, arguments=asks.arguments)


def test_a_rate_limit_pauses_all_for_as_long_as_the_server_says():
    limited = {"a": [ModelError("slow down", status=429, retry_after_s=0.4)]}
    model = Shouting(takes_s=lambda text: 0.0 if text == "a" else 0.02, goes_wrong=limited)

    table = batch([*"abcdefgh"], model, concurrency=2)

    assert table.ok.all()
    gaps = [later - earlier for earlier, later in itertools.pairwise(model.asked_s)]
    assert max(gaps) >= 0.35  # nobody was asked meanwhile
    assert Counter(model.asked)["a"] == 2


def test_a_quota_that_is_used_up_is_not_waited_for():
    spent = ModelError("status 429: insufficient_quota", status=429)
    model = Shouting(goes_wrong={"a": [spent]})

    table = batch(["a"], model)

    assert (table.ok[0], len(model.asked)) == (False, 1)


def test_a_limit_of_money_holds_for_all_together_and_nothing_begins_beyond_it():
    model = Shouting()

    table = batch([*"abcdefghij"], model, concurrency=1, limits=Limits(usd=0.04))

    assert answers(table) == [*"ABCD", *[""] * 6]
    assert set(table.error[4:]) == {"not begun: the batch's limit: $0.0400 of $0.0400"}
    assert len(model.asked) == 4


def test_a_limit_of_money_holds_while_many_are_under_way():
    class Lengthy(Shouting):
        price = Price(0.0, 1e-3)

        async def stream(self, transcript, tools, settings):
            for _ in range(100):
                await asyncio.sleep(0)
                yield Delta(text="word" * 10)

    table = batch([*"abcdefgh"], Lengthy(), concurrency=8, limits=Limits(usd=0.5))

    assert set(table.stopped_reason) == {"budget"}
    assert table.cost_usd.sum() == pytest.approx(0.5, rel=0.25)


def test_a_limit_of_money_needs_a_price():
    class Unpriced(Shouting):
        price = None

    model = Unpriced()

    with pytest.raises(ConfigError, match="price of shouting is unknown"):
        batch(["a"], model, limits=Limits(usd=1))
    assert model.asked == []


def test_a_limit_of_time_ends_runs_and_begins_no_more():
    model = Shouting(takes_s=lambda text: 0.0 if text == "a" else 30.0)

    table = batch([*"abcd"], model, concurrency=2, limits=Limits(seconds=0.5))

    assert table.stopped_reason.tolist()[0] == "success"
    assert set(table.stopped_reason[1:]) == {"budget"}
    assert len(model.asked) == 3


def test_a_batch_goes_on_from_its_checkpoint_and_asks_only_what_is_missing(tmp_path):
    file, model = tmp_path / "b.jsonl", Shouting(goes_wrong={"b": [ModelError("status 400: no", status=400)]})

    first = batch(["a", "b", "a"], model, checkpoint=file)
    again = batch(["x", "a", "b", "a"], model, checkpoint=file)

    assert first.ok.tolist() == [True, False, True]
    assert answers(again) == ["X", "A", "B", "A"]
    assert again.is_resumed.tolist() == [False, True, False, True]
    assert Counter(model.asked) == {"a": 2, "b": 2, "x": 1}


def test_another_model_or_config_is_another_batch_but_a_limit_or_server_is_not(tmp_path):
    file, model = tmp_path / "b.jsonl", Shouting()

    def asked_for(**config):
        before = len(model.asked)
        run_batch(["a"], Toolbox([]), AgentConfig(**config), model=model, checkpoint=file, progress=False)
        return len(model.asked) - before

    told = {"api_key": "sk-this-is-secret-1234", "api_base": "http://one"}
    assert asked_for(completion_kwargs=told) == 1
    assert asked_for(completion_kwargs={**told, "api_base": "http://two"}, max_total_seconds=60) == 0
    assert asked_for(completion_kwargs=told, temperature=0.5) == 1
    assert asked_for(max_iterations=9) == 1
    assert "sk-this" not in file.read_text()


def test_what_a_limit_of_the_batch_cut_is_asked_again_and_earlier_money_counts(tmp_path):
    file, model = tmp_path / "b.jsonl", Shouting()

    for usd, expected in ((0.02, 2), (0.02, 2), (0.05, 5)):
        table = batch([*"abcdef"], model, concurrency=1, limits=Limits(usd=usd), checkpoint=file)
        assert table.ok.sum() == expected
    assert len(model.asked) == 5


def test_with_a_cache_the_finished_steps_of_a_run_that_was_not_are_not_paid_again(tmp_path):
    file, cache = tmp_path / "b.jsonl", AnswerCache(tmp_path)
    down = ScriptedModel(call("add", a=1, b=2), ModelError("status 400: down", status=400))
    back = ScriptedModel("it is 3", name=down.name)

    def add(a: int, b: int) -> int:
        """Add."""
        return a + b

    def start(model):
        return run_batch(["1 + 2?"], Toolbox([add]), model=model, cache=cache, checkpoint=file, progress=False)

    assert not start(down).ok[0]
    table = start(back)
    cache.close()

    assert answers(table) == ["it is 3"]
    assert len(back.asked) == 1  # the second question alone


def test_no_secret_of_the_environment_gets_into_a_checkpoint(tmp_path, monkeypatch):
    monkeypatch.setenv("SOME_API_KEY", "very-secret-value-123")
    file = tmp_path / "b.jsonl"

    batch(["what is very-secret-value-123?"], Shouting(), checkpoint=file)

    assert "very-secret" not in file.read_text()
    assert "***" in file.read_text()


@pytest.mark.parametrize("torn", [b'{"key": "0123", "is_fi', b'{"key": "0123"', b"{"])
def test_a_last_line_that_was_not_finished_is_cut_off(tmp_path, torn):
    file, model = tmp_path / "b.jsonl", Shouting()
    batch(["a", "b"], model, checkpoint=file)
    with file.open("ab") as opened:
        opened.write(torn)

    table = batch(["a", "b", "c"], model, checkpoint=file)

    assert table.is_resumed.tolist() == [True, True, False]
    assert len([json.loads(line) for line in file.read_text().splitlines()]) == 4


def test_a_first_line_that_was_not_finished_is_a_new_checkpoint(tmp_path):
    file = tmp_path / "b.jsonl"
    file.write_bytes(b'{"liteag')

    assert answers(batch(["a"], Shouting(), checkpoint=file)) == ["A"]


@pytest.mark.parametrize("content", ["name,age\nAda,36\n", "words without an end", '{"some": "json"}\n'])
def test_a_file_that_is_no_checkpoint_is_left_alone(tmp_path, content):
    file, model = tmp_path / "table.csv", Shouting()
    file.write_text(content)

    with pytest.raises(ConfigError, match="is no checkpoint"):
        batch(["a"], model, checkpoint=file)
    assert (file.read_text(), model.asked) == (content, [])


def test_a_broken_line_in_the_middle_is_named(tmp_path):
    file = tmp_path / "b.jsonl"
    batch(["a", "b"], Shouting(), checkpoint=file)
    lines = file.read_text().splitlines()
    file.write_text("\n".join([lines[0], lines[1][:40], lines[2], ""]))

    with pytest.raises(ConfigError, match="line 2 of"):
        batch(["a"], Shouting(), checkpoint=file)


def test_an_interrupt_keeps_what_finished_and_the_next_start_goes_on(tmp_path):
    file, model = tmp_path / "b.jsonl", Shouting(takes_s=lambda text: 0.0 if text < "d" else 30.0)
    pressed = threading.Thread(target=_interrupt_when, args=(lambda: model.open == 2 and len(model.asked) == 5,))

    pressed.start()
    with pytest.raises(BatchStopped) as stopped:
        batch([*"abcdef"], model, concurrency=2, checkpoint=file)
    pressed.join()

    assert answers(stopped.value.results) == ["A", "B", "C"]
    assert model.open == 0
    rest = Shouting()
    assert answers(batch([*"abcdef"], rest, checkpoint=file)) == [*"ABCDEF"]
    assert sorted(rest.asked) == ["d", "e", "f"]


def _interrupt_when(is_so):
    until_s = time.monotonic() + 10
    while not is_so() and time.monotonic() < until_s:
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGINT)


def test_a_table_is_no_list_of_tasks():
    import pandas as pd

    with pytest.raises(ConfigError, match="a DataFrame is no list of tasks") as caught:
        batch(pd.DataFrame({"question": ["a"]}), Shouting())
    assert "%%agent --each" in caught.value.hint


BATCH = """
from test_run_batch import ModelError, Shouting, Toolbox, run_batch
run_batch(["a", "b"], Toolbox([]), model=Shouting(goes_wrong={"b": [ModelError("status 400: no", status=400)]}))
"""


def test_the_bar_counts_tasks_failures_and_money():
    # In a process of its own: tqdm chooses between a terminal and a notebook when it is first loaded.
    command = [sys.executable, "-c", BATCH]
    drawn = subprocess.run(
        command, cwd=Path(__file__).parent, capture_output=True, text=True, timeout=100, check=True
    ).stderr

    assert "2/2" in drawn
    assert "1 failed, $0.0100" in drawn
