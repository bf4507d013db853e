"""`%agent` and `%%agent` in a real IPython shell."""

from __future__ import annotations

import pytest
from IPython.core.error import UsageError

from liteagent_nb.core.chat import Price
from liteagent_nb.core.errors import ConfigError, ModelError
from liteagent_nb.core.steps import Run
from liteagent_nb.testing import ScriptedModel, breaks_off, call
from liteagent_nb.testing.validator import check_request


def model_in(notebook, *replies, **kwargs):
    model = notebook.ns["model"] = ScriptedModel(*replies, **kwargs)
    return model


def task_of(model):
    return model.asked[-1].text


def test_a_question_on_the_line_is_answered_and_the_value_is_the_run(notebook):
    model = model_in(notebook, "four")

    run = notebook.run("%agent --model model what is 2+2")

    assert isinstance(run, Run)
    assert run.final_answer == "four"
    assert task_of(model) == "what is 2+2"
    assert notebook.ns["_agent_run"] is run


def test_a_cell_is_the_task_and_text_on_its_first_line_comes_before_it(notebook):
    model = model_in(notebook, "a", "b")

    notebook.run("%%agent --model model\nfirst\n\n  second\n")
    assert task_of(model) == "first\n\n  second"
    notebook.run("%%agent --model model Translate:\nBonjour")
    assert task_of(model) == "Translate:\n\nBonjour"


@pytest.mark.parametrize(
    "task",
    [
        "what is it?",
        "why??",
        "don't say 'no' or \"yes\"",
        "keep {x} and $x and {undefined} and $undefined",
        "a -o b --model c",
        "100 % sure; and a semicolon;",
        "a \\ backslash and \\n",
        "reset the counter",
        "history of Rome",
    ],
)
def test_a_task_reaches_the_model_as_it_was_written(notebook, task):
    model = model_in(notebook, "yes")
    notebook.ns["x"] = 5

    notebook.run(f"%agent --model model {task}")

    assert task_of(model) == task


def test_a_question_mark_at_the_end_works_in_loops_assignments_and_several_lines(notebook):
    model = model_in(notebook, *["yes"] * 4)

    notebook.run(
        "for _ in range(2):\n    %agent -m model is it?\nanswer = %agent -m model and this?\n%agent -m model last?"
    )

    assert [asked.text for asked in model.asked] == ["is it?", "is it?", "and this?", "last?"]
    assert notebook.ns["answer"].final_answer == "yes"


def test_text_in_a_string_is_not_a_question(notebook):
    assert notebook.run('s = """\n%agent what?\n"""\ns') == "\n%agent what?\n"


def test_two_dashes_let_a_task_begin_with_a_dash(notebook):
    model = model_in(notebook, "yes")

    notebook.run("%agent -m model -- -5 + 3")

    assert task_of(model) == "-5 + 3"


def test_the_line_says_which_model_answers_and_why(notebook):
    model_in(notebook, "yes", name="toy")

    notebook.run("%agent --model model hello")

    assert notebook.shown == "toy · the Model model of this notebook"


def test_config_sets_the_defaults_and_an_option_wins(notebook):
    model_in(notebook, "from the trait")
    notebook.ns["other"] = ScriptedModel("from the option")

    notebook.run("%config AgentMagics.model = 'model'")

    assert notebook.run("%agent hello").final_answer == "from the trait"
    assert notebook.run("%agent -m other hello").final_answer == "from the option"


def test_a_run_is_kept_under_a_name(notebook):
    model_in(notebook, "a", "b")

    run = notebook.run("%agent --model model -o kept hello")

    assert notebook.ns["kept"] is run
    assert notebook.run("%agent --model model -q --output=quiet hello") is None
    assert notebook.ns["quiet"].final_answer == "b"
    assert notebook.shown == ""
    assert "no name" in str(notebook.fails("%agent -o 1x hello", ConfigError))


def test_functions_of_the_notebook_are_tools_async_ones_too(notebook):
    notebook.run(
        "def double(n: int) -> int:\n    'Double n.'\n    return n * 2\nasync def half(n: int) -> int:\n    return n // 2"
    )
    model = model_in(notebook, call("double", n=21), call("half", n=84), "done")

    run = notebook.run("%agent --model model --tool double --tool half go")

    assert [invocation.result for invocation in run.tool_invocations] == [42, 42]
    assert {"double", "half", "exec_python"} <= {tool.name for tool in model.asked[0].tools}


def test_an_unknown_tool_is_refused_with_near_names(notebook):
    notebook.run("def double(n): return n * 2")
    model = model_in(notebook, "never")

    error = notebook.fails("%agent --model model --tool duoble go", ConfigError)

    assert error.hint == "did you mean double?"
    assert model.asked == []


def test_no_tools_and_fresh_and_system(notebook):
    model = model_in(notebook, "a", "b", "c")

    notebook.run("%agent -m model --no-tools --system 'be brief' one")
    assert model.asked[-1].tools == ()
    assert [message["role"] for message in model.asked[-1].transcript] == ["system", "user"]
    notebook.run("%agent -m model two")
    assert [message["content"] for message in model.asked[-1].transcript] == ["be brief", "one", "a", "two"]
    notebook.run("%agent -m model --fresh three")
    assert [message["content"] for message in model.asked[-1].transcript] == ["three"]


def test_the_conversation_goes_on_until_it_is_reset(notebook):
    model = model_in(notebook, call("compress_runs", s="aab"), "a2b", "sure", "who are you")

    notebook.run("%agent -m model squeeze aab")
    notebook.run("%agent -m model again")
    assert [message["role"] for message in model.asked[-1].transcript] == [
        "user",
        "assistant",
        "tool",
        "assistant",
        "user",
    ]
    notebook.run("%agent history")
    assert "squeeze aab" in notebook.shown
    assert "[asks for compress_runs]" in notebook.shown
    notebook.run("%agent reset")
    assert "forgotten" in notebook.shown
    notebook.run("%agent -m model hello")
    assert [message["role"] for message in model.asked[-1].transcript] == ["user"]


def test_status_models_and_tools_are_told_without_asking_a_model(notebook):
    model = model_in(notebook, "yes", name="toy")
    notebook.run("def double(n):\n    'Twice n.'\n    return 2 * n")

    notebook.run("%agent models")
    assert "a Model object of this notebook (toy)" in notebook.shown
    assert "local/smollm2" in notebook.shown
    notebook.run("%agent --tool double tools")
    assert "exec_python" in notebook.shown
    assert "Twice n." in notebook.shown
    notebook.run("%agent status")
    assert "0 questions, 0 messages" in notebook.shown
    notebook.run("%agent")
    assert "%agent --help" in notebook.shown
    assert model.asked == []


def test_help_is_shown_by_option_and_by_question_mark(notebook, capsys):
    for cell in ("%agent --help", "%%agent --help", "%%agent --help\nbody", "%agent?", "%%agent?"):
        notebook.run(cell)
        assert "--max-iterations" in capsys.readouterr().out, cell


def test_wrong_options_are_usage_errors_with_the_near_name(notebook):
    model = model_in(notebook, "never")

    assert "did you mean --model?" in str(notebook.fails("%agent --modle model hello", UsageError))
    assert "invalid int value" in str(notebook.fails("%agent --max-iterations many hello", UsageError))
    assert "expected one argument" in str(notebook.fails("%agent --model", UsageError))
    assert "max_iterations is 0" in str(notebook.fails("%agent -m model --max-iterations 0 hello", ConfigError))
    assert model.asked == []


def test_an_empty_cell_says_what_to_do(notebook):
    assert "empty" in str(notebook.fails("%%agent", UsageError))
    assert "write what to do" in notebook.fails("%%agent\n   \n", ConfigError).hint


def test_a_reference_tells_the_model_what_a_variable_is(notebook):
    model = model_in(notebook, "ok")
    notebook.run("rows = list(range(100))")

    notebook.run("%agent -m model sum $`rows`")

    assert task_of(model).startswith("sum `rows`\n\n`rows` is:\nlist, 100 items:")


def test_an_undefined_reference_is_refused_with_near_names(notebook):
    model = model_in(notebook, "never")
    notebook.run("rows = 1")

    error = notebook.fails("%%agent -m model\nsum $`rwos`", ConfigError)

    assert error.hint == "did you mean rows?"
    assert model.asked == []


def test_a_failing_model_turns_the_cell_red_with_two_lines_and_loses_nothing(notebook, capsys):
    model = model_in(
        notebook,
        call("compress_runs", s="aab"),
        ModelError("the endpoint is gone", hint="start it again"),
        "back again",
    )

    notebook.fails("%agent -m model -o kept squeeze", ModelError)

    assert "ModelError: the endpoint is gone\nHint: start it again" in capsys.readouterr().out
    assert "Traceback" not in capsys.readouterr().out
    assert notebook.ns["kept"].stopped_reason == "error"
    assert (
        notebook.ns["_agent_run"].tool_invocations[0].result == "a2b1"
        or notebook.ns["_agent_run"].tool_invocations[0].ok
    )
    assert "[error]" in notebook.shown
    assert notebook.run("%agent -m model and now").final_answer == "back again"
    assert "squeeze" in str(model.asked[-1].transcript.messages[0])


def test_a_stream_that_breaks_off_keeps_its_text_and_the_next_question_is_valid(notebook):
    model = model_in(notebook, breaks_off("half an ans"), "whole")

    notebook.fails("%agent -m model tell", ModelError)

    assert "half an ans" in notebook.shown
    notebook.run("%agent -m model again")
    check_request(list(model.asked[-1].transcript))


def test_an_interrupt_keeps_the_partial_run_and_shows_two_lines(notebook, capsys):
    import os
    import signal
    import threading

    from liteagent_nb.testing import endless

    model = model_in(notebook, endless("and so on "), "fine")
    threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()

    notebook.fails("%agent -m model -o kept talk", KeyboardInterrupt)

    assert notebook.ns["kept"].stopped_reason == "cancelled"
    assert "and so on and so on" in notebook.shown
    assert capsys.readouterr().out.strip().splitlines()[-2].startswith("KeyboardInterrupt: stopped")
    assert notebook.run("%agent -m model go on").final_answer == "fine"
    assert "and so on" in str(model.asked[-1].transcript.messages)


def test_limits_of_the_line_hold(notebook):
    model_in(notebook, *[call("compress_runs", s=f"a{n}") for n in range(5)], price=Price(1.0, 1.0))

    assert notebook.run("%agent -m model --max-iterations 2 go").stopped_reason == "max_iterations"
    assert notebook.run("%agent -m model --budget 0.000001 --fresh go").stopped_reason == "budget"


def test_a_stronger_model_takes_over(notebook):
    model_in(notebook, call("compress_runs", s="a"), name="weak")
    notebook.ns["strong"] = ScriptedModel("solved", name="strong")

    run = notebook.run("%agent -m model --max-iterations 2 --escalate strong go")

    assert (run.used_model, run.escalated) == ("strong", True)


def test_unloading_takes_everything_back_and_reloading_works(notebook):
    shell = notebook.shell
    matchers, transforms = len(shell.Completer.custom_matchers), len(shell.input_transformers_cleanup)

    notebook.run("%reload_ext liteagent_nb")
    assert len(shell.Completer.custom_matchers) == matchers
    notebook.run("%unload_ext liteagent_nb")

    assert len(shell.Completer.custom_matchers) == matchers - 3
    assert len(shell.input_transformers_cleanup) == transforms - 1
    assert "agent" not in shell.magics_manager.magics["line"]
    assert "agent" not in shell.magics_manager.magics["cell"]
    assert not [one for one in shell.configurables if type(one).__name__ == "AgentMagics"]
    assert Run not in shell.display_formatter.mimebundle_formatter.type_printers
    notebook.run("%load_ext liteagent_nb")
    model_in(notebook, "hello again")
    assert notebook.run("%agent -m model hi").final_answer == "hello again"
