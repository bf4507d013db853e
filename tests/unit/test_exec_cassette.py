"""`%exec` over a cassette: cells are recorded, and replayed without anything running."""

from __future__ import annotations

import json

import pytest
from tiny_contexts import TinyContexts

from liteagent_nb.core.errors import CassetteMiss, ExecError, UnknownContext
from liteagent_nb.magics.executors import Executors

TAPE = "cells.cassette.json"


class NoContexts(TinyContexts):
    """Knows languages, and runs nothing."""

    async def execute(self, *_, **__):
        raise AssertionError("nothing runs in a replay")

    create = execute


@pytest.fixture
def began(notebook, monkeypatch, tmp_path):
    """Begins anew, as a new kernel of the notebook does, with this cassette and what runs the code."""
    monkeypatch.chdir(tmp_path)
    for name in ("MINI_AGENT_EXEC_BASE", "MINI_AGENT_API_KEY", "LITEAGENT_CASSETTE"):
        monkeypatch.delenv(name, raising=False)
    magics = notebook.shell.magics_manager.registry["ExecMagics"]

    def begin(mode, kind=TinyContexts):
        made = []

        def make(**place):
            made.append(kind(**place))
            return made[-1]

        magics.executors = Executors(magics.portal, make)
        notebook.run(f"%agent cassette {mode} {TAPE}")
        return made

    return begin


def cells(notebook, capsys):
    """Run a few cells and return all that was shown."""
    capsys.readouterr()
    notebook.run("%%exec\nx = 20\nprint(x + 1)")
    notebook.run("%exec x += 1; print(x)")
    notebook.run("%exec x += 1; print(x)")
    notebook.run("%exec --lang echo hello")
    notebook.fails("%exec 1 / 0", ExecError)
    notebook.run("%exec --quiet --context other -o kept print('in other')")
    notebook.run("%exec --fresh print('fresh')")
    notebook.run("%exec list")
    return capsys.readouterr().out


def test_a_replay_shows_what_the_recording_showed_and_nothing_runs(notebook, began, capsys):
    began("record")
    recorded = cells(notebook, capsys)
    first = notebook.ns["kept"]

    made = began("replay", NoContexts)
    replayed = cells(notebook, capsys)

    assert "21\n21\n22\nhello\n" in replayed
    assert replayed == recorded
    assert notebook.ns["kept"] == first
    assert first.context == "other"
    assert all(not one.asked for one in made)


def test_a_cell_is_found_where_all_that_ran_before_it_is_the_same(notebook, began):
    began("record")
    notebook.run("%exec x = 1")
    notebook.run("%exec print(x)")

    began("replay", NoContexts)
    notebook.run("%exec x = 1")
    notebook.run("%exec print(x)")
    notebook.run("%exec restart")
    missed = notebook.fails("%exec print(x)", CassetteMiss)

    assert "what ran before it in its context" in str(missed)


def test_what_is_new_goes_on_where_the_replay_ended(notebook, began, capsys):
    began("record")
    notebook.run("%exec x = 1")
    notebook.run("%exec x += 1")

    made = began("auto")
    notebook.run("%exec x = 1")
    notebook.run("%exec x += 1")
    assert all(not one.asked for one in made)
    notebook.run("%exec print('x is', x)")

    assert "x is 2" in capsys.readouterr().out
    assert [code for one in made for code, *_ in one.asked] == ["x = 1", "x += 1", "print('x is', x)"]


def test_a_variable_that_is_taken_along_counts(notebook, began, capsys):
    began("record")
    notebook.ns["n"] = 5
    notebook.run("%exec --fresh --in n print(n)")

    began("replay", NoContexts)
    notebook.run("%exec --fresh --in n print(n)")
    assert capsys.readouterr().out.count("5\n") == 2
    notebook.ns["n"] = 6
    missed = notebook.fails("%exec --fresh --in n print(n)", CassetteMiss)

    assert "in.n" in str(missed)


def test_a_secret_gets_into_no_recording(notebook, began, monkeypatch, tmp_path):
    monkeypatch.setenv("SOME_API_KEY", "sk-very-secret-0123456789")
    began("record")

    notebook.run("%exec print('the key is', 'sk-very-' + 'secret-0123456789')")

    assert "very-secret" not in (tmp_path / TAPE).read_text()


def test_a_cassette_is_named_on_the_line_and_status_tells_of_it(notebook, began, capsys, tmp_path):
    began("off")

    notebook.run("%exec --cassette record:one.cassette.json print(1)")
    notebook.run("%exec --cassette replay:one.cassette.json status")

    assert "replay · one.cassette.json" in notebook.shown
    tracks = json.loads((tmp_path / "one.cassette.json").read_text())["tracks"]
    assert [(track["kind"], track["name"], track["code"]) for track in tracks] == [("execution", "python", "print(1)")]


def test_a_server_far_away_is_not_asked_in_a_replay(notebook, began, capsys):
    began("record")
    notebook.run("%exec --url http://127.0.0.1:9 --lang r print(7)")

    made = began("replay", NoContexts)
    notebook.run("%exec --url http://127.0.0.1:9 --lang r print(7)")
    notebook.run("%exec --url http://127.0.0.1:9 list")

    assert capsys.readouterr().out.count("7\n") == 2
    assert {one.place["url"] for one in made} == {""}


def test_closing_a_context_that_was_only_replayed_is_enough(notebook, began):
    began("record")
    notebook.run("%exec x = 1")
    began("replay", NoContexts)
    notebook.run("%exec x = 1")

    notebook.run("%exec close")

    assert "main is closed" in notebook.shown
    assert "there is no context main" in str(notebook.fails("%exec close", UnknownContext))
