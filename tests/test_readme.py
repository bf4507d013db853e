"""The README is true: its code runs as printed, and its figures of the environment are the code's."""

from __future__ import annotations

import os
import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


@pytest.mark.weights
def test_its_code_runs_as_printed_from_top_to_bottom(weights, tmp_path):
    blocks = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(block) for block in blocks])
    env = {name: value for name, value in os.environ.items() if not name.endswith("_API_KEY")}
    env.pop("LITELLM_DEFAULT_MODEL", None)

    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute(env=env)

    shown = "\n".join(str(cell.outputs) for cell in notebook.cells)
    assert "7006652" in shown.replace(",", "")
    assert "8.10 EUR" in shown
    assert "bread: 3.4 EUR" in shown
    assert ": after against before" in shown
    assert "success 391" in shown.replace("The answer is ", "") or "391" in shown


def test_the_first_agent_cell_comes_before_line_25():
    assert "%%agent" in "\n".join(README.splitlines()[:25])


def test_every_variable_it_names_is_read_and_every_variable_that_is_read_is_named():
    table = README.partition("## Environment")[2].partition("\n## ")[0]
    named = {
        name for row in re.findall(r"^\|([^|]*)\|", table, re.MULTILINE) for name in re.findall(r"`([A-Z_]+)`", row)
    }
    sources = "\n".join(path.read_text() for path in (ROOT / "liteagent_nb").rglob("*.py"))
    prefixes = "MINI_AGENT|CODEX_AGENT|PARITY|LITEAGENT|LITELLM_(?:DEFAULT|ENABLE|ROUTER)|STUB|REDIS|OLLAMA"
    read = set(re.findall(rf'"((?:{prefixes})_[A-Z_]+)"', sources))

    assert read <= named
    assert named <= read | {"OPENAI_API_KEY", "ANTHROPIC_API_KEY"}


def test_its_pictures_are_there():
    for path in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", README):
        assert (ROOT / path).is_file()


def test_it_says_nothing_unfinished():
    assert not re.search(r"TODO|TBD", README)
