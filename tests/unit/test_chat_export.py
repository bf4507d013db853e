"""A conversation as Markdown, and as cells."""

from __future__ import annotations

import nbformat

from liteagent_nb.core.chat import Reply, Transcript
from liteagent_nb.core.steps import Run, Step
from liteagent_nb.core.tools import Observation, ToolInvocation
from liteagent_nb.panels.chat_export import cells_of, code_of, markdown_of, notebook_of
from liteagent_nb.panels.chat_turns import Question, Turn

ANSWER = "Use this:\n\n```python\nx = 1\nx\n```\n\nor\n\n~~~bash\necho hi\n~~~\n\n```text\nno code\n```\ndone"


def run_of(answer, *invocations, reason="success"):
    return Run(answer, reason, Transcript(), steps=(Step(Reply(text=answer), tuple(invocations)),))


def ran(code, *, ok=True, name="exec_python", language="python", out="42"):
    observation = Observation(ok=ok, stdout=out if ok else "", error=None if ok else "broke", language=language)
    return ToolInvocation(0, name, "a", {"code": code}, observation, "")


def test_code_comes_without_its_fences_a_cell_each_and_other_languages_through_exec():
    assert code_of(run_of(ANSWER)) == ["x = 1\nx", "%%exec -l bash\necho hi"]


def test_an_answer_without_code_offers_what_ran_last():
    assert code_of(run_of("It is 42.", ran("a = 1"), ran("print(6*7)"), ran("1/0", ok=False))) == ["print(6*7)"]
    assert code_of(run_of("Hello.")) == []


def test_a_fence_inside_a_list_or_a_longer_fence_stays_what_it_is():
    text = "- first\n  ```python\n  y = 2\n  ```\n\n````python\nprint('''\n```\n''')\n````"

    assert code_of(run_of(text)) == ["print('''\n```\n''')"]


def test_a_chat_becomes_a_valid_notebook_whose_code_cells_run_what_was_run():
    turns = [Turn(1, Question("Compute\n6*7"), run_of(ANSWER, ran("print(6*7)"), ran("1/0", ok=False)))]

    notebook = nbformat.from_dict(notebook_of(turns))

    nbformat.validate(notebook)
    assert [(cell.cell_type, cell.source) for cell in notebook.cells] == [
        ("markdown", "> Compute\n> 6*7"),
        ("code", "print(6*7)"),
        ("markdown", "Use this:"),
        ("code", "x = 1\nx"),
        ("markdown", "or"),
        ("code", "%%exec -l bash\necho hi"),
        ("markdown", "```text\nno code\n```"),
        ("markdown", "done"),
    ]


def test_markdown_has_questions_calls_and_answers_and_leaves_out_what_was_replaced():
    turns = [
        Turn(1, Question("old"), run_of("old answer"), is_replaced=True),
        Turn(2, Question("new"), run_of("It is 42.", ran("print('```')", out="```"), ran("1/0", ok=False))),
        Turn(3, Question("more"), run_of("half", reason="cancelled")),
    ]

    text = markdown_of(turns)

    assert "old" not in text
    assert "> new\n\n**exec_python**\n\n````python\nprint('```')\n````\n\n````\n```\n````" in text
    assert "**exec_python** failed" in text
    assert "broke" in text
    assert text.endswith("half\n\n*cancelled*\n")
    assert cells_of(turns)[0].source == "> new"
