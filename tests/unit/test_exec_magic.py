"""`%exec` and `%%exec` in a real IPython shell, over a double of what runs the code."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from IPython.core.error import UsageError
from tiny_contexts import TinyContexts

from liteagent_nb.core.errors import ConfigError, DeadKernel, ExecError, ExecTimeout, UnknownContext
from liteagent_nb.core.execution import ExecResult
from liteagent_nb.magics.exec_magic import ExecMagics
from liteagent_nb.magics.executors import Executors, Place


@pytest.fixture
def made(notebook, monkeypatch):
    """The executors that the notebook made, by their places."""
    for name in ("MINI_AGENT_EXEC_BASE", "MINI_AGENT_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    magics = notebook.shell.magics_manager.registry["ExecMagics"]
    assert isinstance(magics, ExecMagics)
    places = []

    def make(**place):
        places.append(TinyContexts(**place))
        return places[-1]

    magics.executors = Executors(magics.portal, make)
    return places


def test_a_cell_runs_and_prints_and_its_value_is_none(notebook, made, capsys):
    assert notebook.run("%%exec\nx = 5\nprint(x + 1)") is None

    assert capsys.readouterr().out == "6\n"
    result = notebook.ns["_exec_result"]
    assert (result.ok, result.stdout) == (True, "6\n")
    assert made[0].asked == [("x = 5\nprint(x + 1)\n", "python", 60.0, "main")]


def test_variables_stay_in_the_context_and_out_of_the_notebook(notebook, made, capsys):
    notebook.run("%exec secret = 41")
    notebook.run("%exec print(secret + 1)")

    assert capsys.readouterr().out == "42\n"
    assert "secret" not in notebook.ns
    notebook.fails("%exec --context other print(secret)", ExecError)
    notebook.fails("%exec --fresh print(secret)", ExecError)
    assert list(made[0].open) == ["main", "other"]


@pytest.mark.parametrize(
    "code", ["'what is {x} and $x?'", "don't = 1", "x = -o --lang", "status = 1", "5 % 2; 'a'", "list (1)"]
)
def test_code_on_the_line_arrives_as_written(notebook, made, code):
    notebook.shell.run_cell(f"%exec {code}")

    assert made[0].asked[0][0] == code


def test_a_question_mark_at_the_end_is_code_and_not_help(notebook, made):
    notebook.fails("%exec what is x?", ExecError)

    assert made[0].asked[0][0] == "what is x?"


def test_displays_come_as_displays_and_the_last_value_too(notebook, made):
    notebook.run(
        "%%exec\nshow({'output_type': 'display_data', 'data': {'text/plain': 'a', 'image/png': 'iVBO'}, 'metadata': {'image/png': {'width': 3}}})\n"
        "show({'output_type': 'execute_result', 'data': {'text/plain': 'b'}, 'metadata': {}, 'execution_count': 3})"
    )

    assert notebook.shown == "a\nb"
    first = notebook.shell.display_pub.outputs[0]
    assert (first["data"]["image/png"], first["metadata"]) == ("iVBO", {"image/png": {"width": 3}})


def test_updates_reach_the_display_they_belong_to(notebook, made):
    notebook.run(
        "%%exec\nfor n in range(3):\n    show({'output_type': 'update_display_data', 'data': {'text/plain': str(n)}, 'metadata': {}, 'transient': {'display_id': 'd'}})"
    )

    last = notebook.shell.display_pub.outputs[-1]
    assert (last["data"]["text/plain"], last["update"], last["transient"]) == ("2", True, {"display_id": "d"})


def test_an_error_turns_the_cell_red_with_the_traceback_from_there(notebook, made, capsys):
    error = notebook.fails("%%exec -o kept\nprint('before')\n1 / 0", ExecError)

    shown = capsys.readouterr().out
    assert "before\n" in shown
    assert "Traceback\n\x1b[31mline 1" in shown
    assert "exec_magic.py" not in shown
    assert type(error).__name__ == "ZeroDivisionError"
    assert str(error) == "division by zero"
    assert notebook.ns["kept"] is notebook.ns["_exec_result"] is error.result


@pytest.mark.parametrize(
    "end",
    [
        ("ExecResult(False, -1, status='timeout')", ExecTimeout, ("stopped after 2 s", "context main goes on")),
        ("ExecResult(False, -1, status='timeout', state_lost=True)", ExecTimeout, ("stopped after 2 s", "are gone")),
        ("ExecResult(False, 1, status='died', error='killed', state_lost=True)", DeadKernel, ("killed", "begins anew")),
        ("ExecResult(False, 130, status='interrupted')", ExecError, ("interrupted", "goes on with its variables")),
        ("ExecResult(False, -2, status='error', error='no gcc')", ExecError, ("no gcc", "%exec languages")),
        ("ExecResult(False, 3, status='error')", ExecError, ("exit code 3", "")),
    ],
)
def test_other_ends_are_two_lines_what_and_remedy(notebook, made, capsys, end):
    result, kind, told = end

    error = notebook.fails(f"%exec --timeout 2 result {result}", kind)

    assert told[0] in str(error)
    assert told[1] in error.hint
    assert "Traceback" not in capsys.readouterr().out


def test_results_are_kept_by_name_and_quiet_shows_nothing(notebook, made, capsys):
    assert notebook.run("%exec -o kept print(1)") is None
    assert notebook.ns["kept"].stdout == "1\n"
    quiet = notebook.run("x = %exec -q print(2)\nx")
    assert (quiet.stdout, "2\n1" in capsys.readouterr().out) == ("2\n", False)
    assert notebook.run("%exec -q -o other print(3)") is None
    assert notebook.ns["other"].stdout == "3\n"
    assert "no name" in str(notebook.fails("%exec -o 1x print(1)", ConfigError))


def test_a_result_is_shown_as_rows(notebook, made):
    bundle = notebook.shell.display_formatter.format(notebook.run("%exec -q print(2)"))[0]

    assert bundle["text/plain"] == "ExecResult\nstatus  ok, exit code 0 · context main\nstdout  2"


def test_named_variables_cross_and_no_others(notebook, made):
    notebook.ns.update(table=np.arange(4), hidden=1)

    notebook.run("%%exec --in table --out total --out words\ntotal = table.sum() * 2\nwords = ['a', b'b']\nother = 1")

    assert (notebook.ns["total"], notebook.ns["words"]) == (12, ["a", b"b"])
    assert "other" not in notebook.ns
    assert "hidden" not in made[0].open["main"][1]
    assert not [code for code, *_ in made[0].asked if "timeout" in code]


def test_variables_cross_into_a_fresh_context_which_is_gone_afterwards(notebook, made):
    notebook.ns["n"] = 20

    notebook.run("%exec --fresh --in n --out m m = n + 1")

    assert notebook.ns["m"] == 21
    assert made[0].open == {}


def test_what_cannot_cross_is_said_before_anything_runs(notebook, made):
    notebook.ns["table"] = 1

    assert notebook.fails("%exec --in tabel print(1)", ConfigError).hint == "did you mean table?"
    assert "cannot cross" in str(notebook.fails("f = lambda: 1\n%exec --in f f()", ConfigError))
    assert "no name" in str(notebook.fails("%exec --out a.b 1", ConfigError))
    assert "python only" in str(notebook.fails("%exec --lang echo --in table hello", ConfigError))
    assert made[0].asked == []


def test_what_does_not_come_back_turns_the_cell_red_and_keeps_the_result(notebook, made, capsys):
    error = notebook.fails("%%exec --out total\nprint('ran')\ntotals = 1", ExecError)

    assert error.hint == "did you mean totals?"
    assert "ran\n" in capsys.readouterr().out
    assert notebook.ns["_exec_result"].ok
    assert "cannot come back: it is of type object" in str(notebook.fails("%exec --out x x = object()", ExecError))


def test_programs_run_without_a_context_and_kernels_in_one_of_their_own(notebook, made, capsys):
    notebook.run("%%exec --lang parrot\nhello")
    assert capsys.readouterr().out == "hello\n\n"
    notebook.run("%exec -l r 1")
    notebook.run("%exec -l py 1")

    assert [(language, context) for _, language, _, context in made[0].asked] == [
        ("echo", ""),
        ("r", "r"),
        ("python", "main"),
    ]
    assert "exit code 3" in str(notebook.fails("%exec -l echo fail", ExecError))
    assert notebook.fails("%exec -l latin salve", ConfigError).hint == "one of echo, python"
    assert "runs python, not r" in str(notebook.fails("%exec -l r -c main 1", ConfigError))
    notebook.run("%exec -c r 1")
    assert "exclude" in str(notebook.fails("%exec --fresh -c main 1", ConfigError))


def test_wrong_lines_are_refused_with_the_remedy(notebook, made):
    assert "did you mean --lang?" in str(notebook.fails("%exec --langg bash ls", UsageError))
    assert "options only" in str(notebook.fails("%%exec bash\nls", UsageError))
    assert "invalid float" in str(notebook.fails("%exec --timeout soon 1", UsageError))
    for limit in ("0", "-1", "nan", "inf"):
        assert "above 0" in notebook.fails(f"%exec --timeout={limit} 1", ConfigError).hint
    assert made == []


def test_the_defaults_are_set_by_config(notebook, made):
    notebook.run("%config ExecMagics.timeout = 3\n%config ExecMagics.main = 'work'")

    notebook.run("%exec 1")

    assert made[0].asked[0][2:] == (3.0, "work")


def test_places_are_made_once_with_the_token_from_the_environment_only(notebook, made, monkeypatch):
    notebook.run("%exec 1\n%exec 2\n%exec --isolate 3")
    monkeypatch.setenv("MINI_AGENT_API_KEY", "s3cret")
    monkeypatch.setenv("MINI_AGENT_EXEC_BASE", "http://far:1")
    notebook.run("%exec 4\n%exec --gateway http://gate 5\n%exec --url http://other 6\n%exec --isolate 7")

    near = {"url": "", "token": "", "gateway": "", "isolate": False, "cwd": ""}
    assert [one.place for one in made] == [
        {**near, "cwd": str(Path.cwd())},
        {**near, "isolate": True},
        {**near, "url": "http://far:1", "token": "s3cret"},
        {**near, "gateway": "http://gate"},
        {**near, "url": "http://other", "token": "s3cret"},
    ]
    assert "unknown option --token" in str(notebook.fails("%exec --token x 1", UsageError))


def test_contexts_are_listed_restarted_interrupted_and_closed(notebook, made):
    notebook.run("%exec list")
    assert "No context is open" in notebook.shown
    assert "no context is open" in str(notebook.fails("%exec restart", ConfigError))
    notebook.run("%exec x = 1\n%exec -c other 1")
    notebook.run("%exec list")
    assert notebook.shown == "Contexts\nmain   python · idle · 2 executions\nother  python · idle · 2 executions"
    notebook.run("%exec interrupt other")
    assert notebook.shown == "What ran in context other is interrupted; its variables are kept."
    notebook.run("%exec restart")
    assert notebook.shown == "Context main begins anew; its variables are gone."
    notebook.fails("%exec print(x)", ExecError)
    notebook.run("%exec close other")
    assert list(made[0].open) == ["main"]
    notebook.fails("%exec close other", UnknownContext)


def test_status_and_languages(notebook, made, monkeypatch):
    for cell in ("%exec", "%exec status"):
        notebook.run(cell)
        assert notebook.shown.startswith("%exec\nruns on     this machine\ntime limit  60 s\n")
    assert made == []
    notebook.run("%exec 1\n%exec status")
    assert "main         python · idle · 2 executions · process 7" in notebook.shown
    assert "last result  ok, 0 ms" in notebook.shown
    notebook.run("%exec languages")
    assert notebook.shown.splitlines()[1] == "python  Python 3 · keeps its variables · py"
    assert notebook.shown.splitlines()[-1] == "cobol   not on this machine"


def test_on_a_server_the_contexts_of_each_notebook_are_its_own(notebook, made):
    notebook.run("%exec --url http://far 1\n%exec --url http://far -l r 1\n%exec --url http://far -c shared 1")

    own, other, named = made[0].open
    assert own.startswith("main-")
    assert other == own.replace("main", "r")
    assert named == "shared"
    notebook.run("%exec --url http://far close")
    assert list(made[0].open) == [other, "shared"]


def test_two_dashes_say_that_a_word_is_code(notebook, made):
    notebook.run("%exec -- list")

    assert made[0].asked[0][0] == "list"


def test_help_by_option_and_by_question_mark(notebook, made, capsys):
    for cell in ("%exec --help", "%%exec --help", "%exec?", "%%exec?"):
        notebook.run(cell)
        assert "--gateway" in capsys.readouterr().out, cell
    assert made == []


def test_an_interrupt_stops_the_code_and_keeps_what_came(notebook, made, capsys):
    threading.Timer(0.4, os.kill, (os.getpid(), signal.SIGINT)).start()

    notebook.fails("%exec -o kept hang", KeyboardInterrupt)

    shown = capsys.readouterr().out
    assert shown.startswith("so far\n")
    assert "KeyboardInterrupt: stopped; context main goes on with its variables\nHint: what came" in shown
    assert made[0].was_stopped
    kept = notebook.ns["kept"]
    assert (kept.status, kept.stdout, kept.ok) == ("interrupted", "so far\n", False)
    notebook.run("%exec print('again')")
    assert capsys.readouterr().out == "again\n"


def test_a_result_without_a_stream_is_shown_at_the_end(notebook, made, capsys):
    notebook.run("%exec result ExecResult(True, 0, stdout='late\\n', stderr='err\\n', truncated=True)")

    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("late\n", "err\n")
    assert notebook.shown == "Not all of the output is shown; _exec_result has its beginning and its end."


def test_unloading_closes_what_was_opened_and_takes_the_magic_back(notebook, made):
    notebook.run("%exec 1")

    notebook.run("%unload_ext liteagent_nb")

    assert made[0].is_closed
    assert "exec" not in notebook.shell.magics_manager.magics["line"]
    assert ExecResult not in notebook.shell.display_formatter.mimebundle_formatter.type_printers
    notebook.run("%load_ext liteagent_nb")
    assert "exec" in notebook.shell.magics_manager.magics["cell"]


def test_a_place_says_where_it_is():
    assert [str(Place()), str(Place(isolate=True)), str(Place(url="http://u"))] == [
        "this machine",
        "this machine, isolated",
        "http://u",
    ]


def test_the_value_of_an_option_may_be_a_variable(notebook, made):
    notebook.ns.update(where="other", far=SimpleNamespace(url="http://127.0.0.1:9"))

    notebook.run("%exec --context $where x = 1")
    notebook.run("%exec --url $far.url --context there x = 1")

    assert [one.asked[0][3] for one in made] == ["other", "there"]
    assert made[1].place["url"] == "http://127.0.0.1:9"
    assert "did you mean where" in notebook.fails("%exec --context $wher x = 1", ConfigError).hint
    notebook.run("%exec --context other price = '$x'")
    assert made[0].asked[-1][0] == "price = '$x'"


def test_a_panel_runs_code_in_the_contexts_of_the_cells_and_is_there_again(notebook, made):
    notebook.run("%exec x = 6")

    panel = notebook.run("%exec -o kept panel")
    panel.run("print(x * 7)")

    assert panel.wait(20).stdout == "42\n"
    assert notebook.run("%exec panel") is panel is notebook.ns["kept"]
    assert notebook.run("%exec -c other panel") is not panel
    assert repr(panel) == "<ExecPanel: 1 executed>"
    assert [place.open.keys() for place in made] == [{"main"}]


def test_a_panel_is_an_output_that_says_what_it_is_without_a_kernel(notebook, made):
    notebook.run("%exec panel")

    widget, kept = notebook.shell.display_pub.outputs[-2:]

    assert widget["data"]["text/plain"] == "A panel that runs code: run this cell to go on with it."
    assert "application/vnd.jupyter.widget-view+json" in widget["data"]
    assert kept["data"] == {"text/plain": ""}
