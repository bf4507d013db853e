"""`%parity panel` and ParityPanel: measured behind the cells; the view is the test."""

from __future__ import annotations

import asyncio
import json
import threading

import pytest
from parity_trials import trials

from liteagent_nb import ParityPanel
from liteagent_nb.core.errors import ConfigError
from liteagent_nb.core.judging import Terms, judge
from liteagent_nb.panels.comparison_card import Request, kept_bundle
from liteagent_nb.panels.parity_state import ParityState
from liteagent_nb.parity.events import Looked, ParityDone, ParityStarted, TrialDone

WAIT_S = 30


class View:
    """The other end of the panel's widget: what it is sent, and what its fields and cards come to."""

    def __init__(self, panel):
        self.panel = panel
        self.sent = []
        self.fields = {}
        self.cards = {}
        self.news = threading.Condition()
        panel._view._widget.send = self.take

    def take(self, message):
        with self.news:
            self.sent.append(message)
            self.fields |= message.get("fields", {})
            for number in message.get("gone", ()):
                del self.cards[number]
            for card in message.get("cards", ()):
                if "n" in card:
                    before = self.cards.setdefault(card["n"], {"points": []})
                    points = before["points"] + card.get("points", [])
                    before |= {**card, "points": points}
            self.news.notify_all()

    def says(self, do, **more):
        self.panel._view._on_message({"do": do, **more})

    def until(self, holds):
        with self.news:
            assert self.news.wait_for(lambda: holds(self), WAIT_S), (self.fields, self.cards)

    def answer(self, name):
        self.until(lambda view: any(name in message for message in view.sent))
        return next(message[name] for message in reversed(self.sent) if name in message)


class Arm:
    """Answers the same each time, at once or after a while, and keeps what it was asked."""

    def __init__(self, answer="Paris", wait_s=0.0):
        self.answer = answer
        self.wait_s = wait_s
        self.asked = []

    async def __call__(self, text):
        self.asked.append(text)
        await asyncio.sleep(self.wait_s)
        yield self.answer


@pytest.fixture
def bench(new_notebook, monkeypatch):
    """Return a function that shows a panel, and its view."""
    for name in ("PARITY_ROUNDS", "PARITY_THRESH_PCT", "PARITY_OUT"):
        monkeypatch.delenv(name, raising=False)
    shown = []

    def show(line="$a $b --rounds 2", **names):
        notebook = new_notebook(a=Arm(), b=Arm(), **names)
        panel = notebook.run(f"%parity panel {line}")
        shown.append(panel)
        view = View(panel)
        view.says("hello")
        view.until(lambda view: view.fields)
        return notebook, panel, view

    yield show
    for panel in shown:
        panel.stop()
        panel.wait(WAIT_S)
        panel.close()


def test_nothing_is_asked_before_somebody_says_so_and_then_it_is_measured_and_kept(bench):
    notebook, panel, view = bench()
    assert notebook.ns["a"].asked == []
    assert view.fields["form"] == {"a": "$a", "b": "$b", "prompts": "", "rounds": 2, "thresh": ""}
    assert view.sent[0]["whole"] is True
    notebook.shell.display_pub.outputs.clear()
    panel._ipython_display_()

    view.says("start", a="$a", b="$b", prompts="one\n\ntwo", rounds="3", thresh="7")

    verdict = panel.wait(WAIT_S)
    assert (len(verdict.trials), verdict.thresh_pct) == (6, 7)
    assert set(notebook.ns["a"].asked) == {"one", "two"}
    assert notebook.ns["_parity_verdict"] is verdict
    view.until(lambda view: view.cards[1]["stage"] == "ended")
    assert "6 trials" in view.cards[1]["summary"]
    assert {name for name, *_ in view.cards[1]["points"]} >= {"total time"}
    widget, empty, kept = [output["data"] for output in notebook.shell.display_pub.outputs]
    assert widget["text/plain"] == "A panel that compares models: run this cell to go on with it."
    assert empty == {"text/plain": ""}
    assert kept["text/plain"].startswith(f"{verdict.status}: b against a\n")
    assert "data:image/svg+xml" in kept["text/html"]
    assert repr(panel) == "<ParityPanel: 1 compared>"


def test_a_second_comparison_waits_and_a_stop_keeps_what_was_measured(bench):
    notebook, panel, view = bench(slow=Arm(wait_s=0.02))
    panel.compare("$slow", "$b", rounds=1000)
    panel.compare()
    view.until(lambda view: len(view.cards) == 2 and view.cards[1]["points"])
    assert view.cards[2]["stage"] == "waiting"
    assert notebook.run("6 * 7") == 42  # no cell waits

    view.says("stop", n=1)

    assert panel.wait(WAIT_S) is panel.verdicts[1]
    stopped, whole = panel.verdicts
    assert stopped.is_stopped
    assert 0 < len(stopped.trials) < 3000
    assert not whole.is_stopped
    assert "stopped" in view.cards[1]["summary"]


def test_what_waits_can_be_taken_back(bench):
    _, panel, view = bench(slow=Arm(wait_s=0.02))
    panel.compare("$slow", "$b", rounds=1000)
    panel.compare()
    view.until(lambda view: len(view.cards) == 2)

    panel.stop()

    panel.wait(WAIT_S)
    assert len(panel.verdicts) <= 1
    view.until(lambda view: "stopped" in view.cards[2]["summary"])


def test_what_cannot_be_measured_is_said_and_the_next_one_is_measured(bench):
    _, panel, view = bench()

    view.says("start", a="$missing", b="$b")
    view.says("start", a="$a", b="")
    view.says("start", a="$a", b="$b", rounds="many")
    view.until(lambda view: "whole number" in view.fields["notice"])
    view.says("start", a="$a", b="$b", rounds="1")

    assert panel.wait(WAIT_S) is not None
    assert len(panel.verdicts) == 1
    view.until(lambda view: all(card["stage"] == "ended" for card in view.cards.values()))
    assert "no missing" in view.cards[1]["body"]
    assert "the line names 1" in view.cards[2]["body"]
    assert view.cards[1]["look"] == "failed"
    assert view.fields["notice"] == ""


def test_the_list_is_answered_as_cells_and_as_json_and_is_cleared(bench):
    notebook, panel, view = bench()
    panel.compare(prompts=["one\n\nstill one", "two"], thresh_pct=7.5).wait(WAIT_S)

    view.says("cells")
    view.says("verdicts")

    (cell,) = view.answer("cells")
    assert cell == {"kind": "code", "source": "%%parity $a $b --rounds 2 --thresh 7.5\none\n\nstill one\n---\ntwo"}
    file = view.answer("file")
    assert [one["status"] for one in json.loads(file["text"])] == [panel.verdicts[0].status]
    again = notebook.run(cell["source"])
    assert {trial.prompt_id for trial in again.trials} == {trial.prompt_id for trial in panel.verdicts[0].trials}
    view.says("next", cells=[cell])
    assert notebook.next_cell == cell["source"]
    view.says("clear")
    view.until(lambda view: not view.cards)
    assert panel.verdicts == ()


def test_a_view_that_begins_later_is_sent_all_there_is(bench):
    _, panel, view = bench(slow=Arm(wait_s=0.02))
    panel.compare().wait(WAIT_S)
    panel.compare("$slow", "$b", rounds=1000)
    view.until(lambda view: 2 in view.cards and len(view.cards[2]["points"]) > 6)
    later = View(panel)

    later.says("hello")

    later.until(lambda view: len(view.cards) == 2 and view.cards[2]["points"])
    assert later.sent[0]["whole"] is True
    assert "la-plots" in later.cards[1]["body"]
    assert later.cards[2]["form"]["a"] == "$slow"
    assert len(later.cards[2]["points"]) > 6


def test_a_cell_that_is_run_again_shows_the_same_panel_and_other_options_another(bench):
    notebook, panel, _ = bench()

    assert notebook.run("%parity panel") is panel
    other = notebook.run("%%parity panel $a $b --thresh 9 -o kept\none\n\ntwo")
    assert other is not panel
    assert notebook.ns["kept"] is other
    assert other._request == Request("$a", "$b", "one\n\ntwo", None, 9)


def test_new_names_are_offered_when_somebody_looks(bench):
    notebook, _, view = bench()
    assert {"$a", "$b", "core:legacy", "core:extracted"} <= set(view.fields["arms"])
    notebook.ns["mine"] = Arm()

    view.says("look")

    view.until(lambda view: "$mine" in view.fields["arms"])


def test_outside_a_notebook_it_says_what_to_take_instead():
    with pytest.raises(ConfigError, match="part of a notebook"):
        ParityPanel("a b")


def test_points_and_bodies_are_sent_once_and_names_are_escaped():
    state = ParityState(Request("", ""))
    one = state.add(Request("<img src=x>", "b"))
    state.begin(one, now_s=0)
    found = trials(3)
    state.take(one, ParityStarted(Terms("<img src=x>", "b"), 3))
    assert "0 of at most 3" in state.patch(now_s=0.5)["cards"][0]["summary"]
    state.take(one, TrialDone(found[0], 1, 3))
    state.take(one, Looked(judge(found[:1], Terms("<img src=x>", "b")), 1))

    first = state.patch(now_s=1)["cards"][0]
    state.take(one, TrialDone(found[1], 2, 3))
    second = state.patch(now_s=2)["cards"][0]

    assert [name for name, *_ in first["points"]] == ["time to the first text", "total time", "CPU"]
    assert len(second["points"]) == 3
    assert "body" in first
    assert "body" not in second
    assert "form" not in second
    assert "2 of at most 3" in second["summary"]
    assert state.patch(now_s=3) is None
    state.take(one, ParityDone(judge(found, Terms("<img src=x>", "b"))))
    state.end(one, html="")
    assert "<img src=x>" not in str(state.whole(now_s=4)["cards"][0]["summary"]) + kept_bundle(state.ended)["text/html"]
    state.forget(one.number)
    assert state.patch(now_s=5)["gone"] == [1]
