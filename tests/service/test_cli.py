"""`jupyter liteagent …` as a user runs it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

BIN = Path(sys.executable).parent
ENV = {name: value for name, value in os.environ.items() if not name.endswith("_API_KEY")}


def jupyter(*words, cwd=None, env=ENV):
    command = [str(BIN / "jupyter"), "liteagent", *words]
    path = f"{BIN}{os.pathsep}{env['PATH']}"
    return subprocess.run(
        command, cwd=cwd, env={**env, "PATH": path}, capture_output=True, text=True, timeout=170, check=False
    )


def python(code):
    return subprocess.run(
        [sys.executable, "-c", code], env=ENV, capture_output=True, text=True, timeout=60, check=False
    )


def test_help_lists_the_commands():
    done = jupyter("--help")

    assert done.returncode == 0
    assert "demo" in done.stdout
    assert "setup-local" in done.stdout


def test_an_unknown_command_is_refused_with_the_known_ones():
    done = jupyter("dmeo")

    assert done.returncode == 2
    assert "demo" in done.stderr


@pytest.mark.weights
def test_setup_local_says_that_the_weights_are_there(weights):
    done = jupyter("setup-local")

    assert done.returncode == 0
    assert "SmolLM2" in done.stdout


@pytest.mark.weights
def test_the_demo_shows_its_steps_and_leaves_the_executed_notebook_and_its_page(weights, tmp_path):
    done = jupyter("demo", "--out", str(tmp_path / "out"), env={**ENV, "LITELLM_DEFAULT_MODEL": "openai/never-asked"})

    assert done.returncode == 0, done.stderr
    assert done.stdout.index("exec_python") < done.stdout.index("parcel_price(")
    executed = nbformat.read(tmp_path / "out" / "00_first_run.ipynb", as_version=4)
    assert all(cell.execution_count for cell in executed.cells if cell.cell_type == "code")
    page = (tmp_path / "out" / "00_first_run.html").read_text()
    assert "7006652" in page
    assert not re.search(r"""(src|href)=["']?https?:|\bimport\b[^;<]*["']https?:""", page)
    assert str(tmp_path / "out" / "00_first_run.html") in done.stdout


def test_a_missing_extra_is_named():
    done = python(
        "import sys; sys.modules['nbclient'] = None\nfrom liteagent_nb import cli\nsys.exit(cli.main(['demo']))"
    )

    assert done.returncode == 1
    assert "nbclient is missing" in done.stderr
    assert 'pip install "liteagent_nb[local]"' in done.stderr
    assert "Traceback" not in done.stderr
