"""Code that a panel runs: behind the cells, in order, stoppable; and what its view is told."""

from __future__ import annotations

import threading

import pytest
from tiny_contexts import HANG, TinyContexts

from liteagent_nb.core.portal import Portal
from liteagent_nb.panels.workbench import Workbench


class Screen:
    """A screen that remembers, and lets a test wait for what it is told."""

    def __init__(self):
        self.messages = []
        self.fields = {}
        self.kept = ()
        self._changed = threading.Condition()

    def send(self, message):
        with self._changed:
            self.messages.append(message)
            self.fields |= message["fields"]
            self._changed.notify_all()

    def keep(self, executions):
        self.kept = executions

    def wait(self, holds, timeout_s=20):
        with self._changed:
            assert self._changed.wait_for(lambda: holds(self.fields), timeout_s), self.fields


@pytest.fixture
def screen():
    return Screen()


@pytest.fixture
def bench(screen):
    portal = Portal()
    yield Workbench(TinyContexts(), screen, portal)
    portal.close()


def ended(bench):
    assert bench.is_idle.wait(20)
    return [one.outcome or "well" for one in bench.state.executions.values()]


def test_code_runs_in_the_order_it_came_and_its_variables_are_listed(bench, screen):
    bench.run("x = 6")
    bench.run("print(x * 7)")

    assert ended(bench) == ["well", "well"]
    assert bench.state.results[1].stdout == "42\n"
    screen.wait(lambda fields: ["x", "int", "6"] in (fields["variables"] or ()))
    assert [one.number for one in screen.kept] == [1, 2]
    assert [context[0] for context in screen.fields["contexts"]] == ["main"]


def test_a_stop_ends_what_runs_and_takes_back_what_waits_and_the_next_is_run(bench, screen):
    bench.run(HANG)
    bench.run("never = 1")
    screen.wait(lambda fields: fields.get("here") == 2)

    bench.interrupt()

    assert ended(bench) == ["interrupted", "interrupted"]
    bench.run("print('on')")
    assert ended(bench)[-1] == "well"


def test_programs_run_beside_one_another_and_a_stop_ends_the_one_that_is_meant(bench, screen):
    bench.run(HANG, context="")
    bench.run("hi", language="echo")
    screen.wait(lambda fields: fields.get("running") == 1)

    bench.interrupt(1)

    assert ended(bench) == ["interrupted", "well"]
    assert bench.state.results[0].stdout == "so far\n"
    assert bench.state.results[1].stdout == "hi\n"


def test_a_restart_loses_the_variables_and_code_that_nobody_can_run_says_why(bench, screen):
    bench.run("x = 1")
    ended(bench)
    screen.wait(lambda fields: ["x", "int", "1"] in (fields["variables"] or ()))

    bench.restart()
    screen.wait(lambda fields: ["x", "int", "1"] not in (fields["variables"] or ()))
    screen.wait(lambda fields: "begins anew" in fields["notice"])
    bench.run("x", language="cobol", context="")

    assert ended(bench)[-1] == "did not run"
    assert "nobody knows cobol" in bench.state.executions[2].fault


def test_a_flood_of_output_is_told_at_most_thirty_times_a_second_and_its_end_is_told(bench, screen):
    bench.run("for n in range(20_000): print(n)")
    ended(bench)

    told = [block for message in screen.messages for card in message["cards"] for block in card["blocks"]]
    assert "19999\n" in told[-1][2]
    assert "".join(block[2] for block in told) == "".join(f"{n}\n" for n in range(20_000))
    assert [message["seq"] for message in screen.messages] == list(range(1, len(screen.messages) + 1))
    assert len(screen.messages) < 200


def test_a_view_that_begins_is_told_all(bench, screen):
    bench.run("print(1)")
    ended(bench)

    bench.show_whole()
    screen.wait(lambda _: screen.messages[-1].get("whole"))

    assert screen.messages[-1]["cards"][0]["blocks"] == [[1, "add", "1\n", "", "out"]]


def test_a_language_that_keeps_its_variables_has_a_context_of_its_own_and_goes_by_its_name(bench, screen):
    bench.choose(language="parrot")
    screen.wait(lambda fields: fields.get("target") == {"language": "echo", "context": "", "keeps": False})

    bench.choose(language="r")

    screen.wait(lambda fields: fields.get("target") == {"language": "r", "context": "r", "keeps": True})
