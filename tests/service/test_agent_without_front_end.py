"""A notebook with `%agent` where nobody looks: nbclient runs it, nbval compares it, nbconvert shows it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import nbclient
import nbformat
import pytest
from nbconvert import HTMLExporter

SANITIZE = Path(__file__).parents[2] / "notebooks" / "sanitize.cfg"
CELLS = [
    """%load_ext liteagent_nb
from liteagent_nb.testing import ScriptedModel, call, slow
answer = slow(0.3, 'It is **42**, and that took a while.', each_s=0.05)
m = ScriptedModel(call('exec_python', code='print(6 * 7)'), answer, chunk_chars=4)""",
    "%%agent --model m -o run\nwhat is 6 times 7?",
    "run.final_answer",
    "%agent history",
]


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
    nbclient.NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
    path = tmp_path_factory.mktemp("executed") / "agent.ipynb"
    nbformat.write(notebook, path)
    return path


def nbval(path):
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--nbval", "--nbval-current-env"]
    command += [f"--nbval-sanitize-with={SANITIZE}", "-q", "-c", "/dev/null", "--rootdir", str(path.parent), str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=path.parent)


def test_it_settles_to_the_placeholder_and_the_run_and_nbval_agrees(executed):
    outputs = nbformat.read(executed, 4).cells[1].outputs

    assert [output["data"]["text/plain"] for output in outputs] == [
        "scripted · the Model m of this notebook",
        "",
        "✓ exec_python\n    print(6 * 7)\n    → 42\nIt is **42**, and that took a while.",
    ]
    assert (result := nbval(executed)).returncode == 0, result.stdout


def test_nbval_sees_another_answer_and_another_tool_result(executed, tmp_path):
    for old, new in (("that took a while", "that was quick"), ("    → 42", "    → 43")):
        notebook = nbformat.read(executed, 4)
        shown = notebook.cells[1].outputs[-1]["data"]
        shown["text/plain"] = shown["text/plain"].replace(old, new)
        nbformat.write(notebook, tmp_path / "other.ipynb")

        assert nbval(tmp_path / "other.ipynb").returncode == 1


def test_the_html_of_nbconvert_shows_the_run_without_any_script_of_ours(executed):
    html, _ = HTMLExporter().from_filename(str(executed))
    shown = re.search(r'<div class="la-run mathjax_ignore"><style>.*?</div></div>', html, re.DOTALL)

    assert "<strong>42</strong>" in html
    assert shown is not None
    assert "<script" not in shown[0]
