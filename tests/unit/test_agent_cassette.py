"""`%agent cassette`, `--cassette`, LITEAGENT_CASSETTE, and a cassette that a cell carries, in a real IPython shell."""

from __future__ import annotations

import time

import pytest

from liteagent_nb.cassettes.opening import VARIABLE
from liteagent_nb.core.errors import CassetteMiss, ConfigError
from liteagent_nb.testing import ScriptedModel, call, slow


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    return tmp_path


def recorded(new_notebook, folder, name="a.cassette.json"):
    """Record one run and return its notebook."""
    model = ScriptedModel(call("exec_python", code="print(6*7)"), "It is 42.")
    notebook = new_notebook(m=model)
    notebook.run(f"%agent cassette record {name}")
    notebook.run("%agent -m m what is 6 * 7?")
    assert (folder / name).is_file()
    return notebook


def test_a_recorded_question_is_answered_without_the_model(new_notebook, folder):
    recorded(new_notebook, folder)
    silent = ScriptedModel()
    notebook = new_notebook(m=silent)

    notebook.run("%agent cassette replay a.cassette.json")
    run = notebook.run("%agent -m m what is 6 * 7?")

    assert (run.final_answer, run.is_replayed, silent.asked) == ("It is 42.", True, [])
    assert "replayed from a.cassette.json" in notebook.shown


def test_the_status_says_mode_file_and_what_it_holds(new_notebook, folder):
    notebook = recorded(new_notebook, folder)

    notebook.run("%agent cassette")

    assert "record · set by %agent cassette" in notebook.shown
    assert "3 tracks: 2 questions, 1 tool call" in notebook.shown
    assert "0 replayed, 3 recorded" in notebook.shown


def test_without_a_cassette_the_status_says_how_to_begin(new_notebook, folder):
    notebook = new_notebook()

    notebook.run("%agent cassette")

    assert "%agent cassette auto" in notebook.shown


def test_an_option_is_for_one_task_only(new_notebook, folder):
    recorded(new_notebook, folder)
    model = ScriptedModel("live")
    notebook = new_notebook(m=model)

    replayed = notebook.run("%agent --cassette replay:a.cassette.json -m m what is 6 * 7?")
    live = notebook.run("%agent --fresh -m m what is 6 * 7?")

    assert (replayed.final_answer, live.final_answer) == ("It is 42.", "live")


def test_the_environment_names_a_cassette_and_the_command_wins(new_notebook, folder, monkeypatch):
    recorded(new_notebook, folder)
    monkeypatch.setenv(VARIABLE, "replay:a.cassette.json")
    notebook = new_notebook(m=ScriptedModel("live"))

    assert notebook.run("%agent -m m what is 6 * 7?").final_answer == "It is 42."
    notebook.run("%agent cassette")
    assert f"set by {VARIABLE}" in notebook.shown
    notebook.run("%agent cassette off")
    assert notebook.run("%agent --fresh -m m what is 6 * 7?").final_answer == "live"


def test_a_trait_sets_it_too(new_notebook, folder):
    recorded(new_notebook, folder)
    notebook = new_notebook(m=ScriptedModel())

    notebook.run("%config AgentMagics.cassette = 'replay:a.cassette.json'")

    assert notebook.run("%agent -m m what is 6 * 7?").is_replayed


@pytest.mark.parametrize("known", ["JPY_SESSION_NAME", "__vsc_ipynb_file__"])
def test_beside_a_notebook_that_is_known_no_name_is_needed(new_notebook, folder, monkeypatch, known):
    (folder / "first.ipynb").write_text("{}")
    notebook = new_notebook(m=ScriptedModel("hello"))
    if known.isupper():
        monkeypatch.setenv(known, str(folder / "first.ipynb"))
    else:
        notebook.ns[known] = str(folder / "first.ipynb")

    notebook.run("%agent cassette auto")
    notebook.run("%agent -m m hi")

    assert (folder / "first.cassette.json").is_file()


def test_where_the_notebook_is_not_known_the_name_is_asked_for_and_nothing_changes(new_notebook, folder):
    notebook = new_notebook(m=ScriptedModel("live"))

    error = notebook.fails("%agent cassette replay", ConfigError)

    assert "replay:NAME.cassette.json" in error.hint
    assert notebook.run("%agent -m m hi").final_answer == "live"


@pytest.mark.parametrize("words", ["replya", "replay a.json b.json", "of course not"])
def test_words_that_mean_nothing_are_refused_and_cost_nothing(new_notebook, folder, words):
    model = ScriptedModel("never")
    notebook = new_notebook(m=model)

    error = notebook.fails(f"%agent -m m cassette {words}", ConfigError)

    assert "replay" in error.hint
    assert model.asked == []


def test_a_miss_turns_the_cell_red_and_the_next_question_works(new_notebook, folder):
    recorded(new_notebook, folder)
    notebook = new_notebook(m=ScriptedModel("live"))
    notebook.run("%agent cassette replay a.cassette.json")

    missed = notebook.fails("%agent -m m what is 6 * 8?", CassetteMiss)
    assert '"what is 6 * 7?" → "what is 6 * 8?"' in str(missed)

    notebook.run("%agent cassette off")
    assert notebook.run("%agent -m m go on").final_answer == "live"


def test_a_cell_can_carry_the_cassette_and_then_no_file_is_needed(new_notebook, folder):
    notebook = recorded(new_notebook, folder)
    notebook.run("%agent cassette embed")
    assert "The cell below carries a.cassette.json" in notebook.shown
    (folder / "a.cassette.json").unlink()

    other = new_notebook(m=ScriptedModel())
    other.run(notebook.next_cell)
    assert "3 tracks" in other.shown
    run = other.run("%agent -m m what is 6 * 7?")

    assert (run.final_answer, run.is_replayed) == ("It is 42.", True)
    other.run("%agent cassette embed")
    assert other.next_cell == notebook.next_cell


def test_a_carried_cassette_that_was_damaged_is_refused(new_notebook, folder):
    notebook = new_notebook()

    error = notebook.fails("%%agent cassette replay\n{broken", ConfigError)

    assert "is no cassette" in str(error)


def test_unused_tracks_are_told_and_trimmed(new_notebook, folder):
    first = recorded(new_notebook, folder)
    first.ns["m"] = ScriptedModel("other")
    first.run("%agent --fresh -m m something else")
    notebook = new_notebook(m=ScriptedModel())
    notebook.run("%agent cassette replay a.cassette.json")
    notebook.run("%agent --fresh -m m something else")

    notebook.run("%agent cassette")
    assert "3 tracks; `%agent cassette trim`" in notebook.shown
    notebook.run("%agent cassette trim")
    assert "3 tracks that nobody asked for" in notebook.shown
    notebook.run("%agent cassette")
    assert "1 track: 1 question" in notebook.shown
    assert (folder / "a.cassette.json").read_text().count('"kind"') == 1


def test_a_task_may_speak_of_cassettes_behind_two_dashes(new_notebook, folder):
    notebook = new_notebook(m=ScriptedModel("a tape"))

    assert notebook.run("%agent -m m -- cassette means what?").final_answer == "a tape"


def test_reading_it_anew_begins_the_takes_anew(new_notebook, folder):
    recorded(new_notebook, folder)
    notebook = new_notebook(m=ScriptedModel())
    for _ in range(2):
        notebook.run("%agent cassette replay a.cassette.json")
        assert notebook.run("%agent --fresh -m m what is 6 * 7?").final_answer == "It is 42."

    notebook.run("%agent cassette")
    assert "3 replayed" in notebook.shown


def test_recording_and_replaying_show_the_same(new_notebook, folder):
    first = recorded(new_notebook, folder)
    cell = "%%agent --fresh -m m\nwhat is 6 * 7?"
    first.ns["m"] = ScriptedModel(call("exec_python", code="print(6*7)"), "It is 42.")
    first.run("%agent cassette record a.cassette.json")
    recorded_look = first.shell.display_formatter.format(first.run(cell))[0]
    notebook = new_notebook(m=ScriptedModel())
    notebook.run("%agent cassette replay a.cassette.json")

    replayed_look = notebook.shell.display_formatter.format(notebook.run(cell))[0]

    assert replayed_look["text/plain"] == recorded_look["text/plain"]
    assert replayed_look["text/html"].replace('<span class="la-vary">replayed</span>', "") == recorded_look["text/html"]


def test_a_replay_in_real_time_takes_as_long_as_the_recording(new_notebook, folder):
    notebook = new_notebook(m=ScriptedModel(slow(0.3, "one")))
    notebook.run("%agent cassette record a.cassette.json")
    notebook.run("%agent -m m hi")
    notebook.run("%agent cassette replay a.cassette.json timed")
    assert "replay in real time" in notebook.shown

    started_s = time.perf_counter()
    notebook.run("%agent -m m --fresh hi")

    assert time.perf_counter() - started_s > 0.25
