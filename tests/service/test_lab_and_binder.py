"""JupyterLab for newcomers: `jupyter liteagent lab`, and what Binder would run after its installation."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import sysconfig
import tomllib
import urllib.request
import venv
from importlib import metadata
from pathlib import Path

import nbformat
import pytest
from jupyter_servers import TOKEN, serving
from nbclient import NotebookClient
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from liteagent_nb.assembly import make_executor
from liteagent_nb.course import FIRST, copy_notebooks, loaded_kernels, notebooks_folder

ROOT = Path(__file__).parents[2]
BINDER = ROOT / "binder"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PLACE = ["--allow-root", "--no-browser", "--ServerApp.ip=127.0.0.1", "--ServerApp.port={port}"]
PLACE += ["--ServerApp.port_retries=0", "--IdentityProvider.token={token}", "--LabApp.extension_manager=readonly"]
LAB = ["-c", "import sys; from liteagent_nb.cli import main; sys.exit(main(sys.argv[1:]))", "lab"]


async def status_of(running):
    """Return what `%agent status` says in a new kernel of that server, where nobody loaded the extension."""
    executor = make_executor(gateway=running.url, token=TOKEN)
    try:
        context = await executor.create("python3")
        return await executor.execute("%agent status\nimport os, sys\nprint(sys.executable, dict(os.environ))",
                                      context=context.id, timeout_s=60)  # fmt: skip
    finally:
        await executor.aclose()


def test_a_copy_of_the_notebooks_is_whole_and_keeps_what_its_owner_changed(tmp_path):
    folder = tmp_path / "course"
    first = copy_notebooks(folder)
    (folder / FIRST).write_text("mine")

    again = copy_notebooks(folder)

    assert again == []
    assert (folder / FIRST).read_text() == "mine"
    shipped = {path.name for path in notebooks_folder().iterdir() if path.suffix in {".ipynb", ".json"}}
    assert {path.name for path in first} == shipped


def test_lab_opens_the_copy_in_jupyterlab(tmp_path):
    done = subprocess.run(
        [sys.executable, *LAB, "--dir", str(tmp_path / "course"), "--", "--version"],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().splitlines()[-1] == metadata.version("jupyterlab")
    assert (tmp_path / "course" / FIRST).is_file()


def test_lab_says_what_some_notebooks_need_and_is_not_there(tmp_path):
    (tmp_path / "course").mkdir()
    (tmp_path / "without.py").write_text(
        "import importlib.util, sys\n"
        "find = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *more: None if name == 'pandas' else find(name, *more)\n"
    )
    command = [LAB[0], f"import without; {LAB[1]}", *LAB[2:], "--dir", str(tmp_path / "course"), "--", "--version"]
    done = subprocess.run(
        [sys.executable, *command], env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip

    assert 'some notebooks need pandas: pip install "liteagent_nb[all]"' in done.stdout


def test_the_kernels_of_lab_are_this_python_and_have_the_extension_loaded(tmp_path, monkeypatch):
    cells = ["%agent status", "import sys\nsys.executable"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    with loaded_kernels() as folder:
        monkeypatch.setenv("JUPYTER_PATH", str(folder))
        NotebookClient(notebook, timeout=60, kernel_name="python3").execute(cwd=str(tmp_path))

    assert "local/smollm2" in str(notebook.cells[0].outputs)
    assert notebook.cells[1].outputs[0]["data"]["text/plain"] == repr(sys.executable)
    assert not folder.exists()


def binder_environment(folder):
    """Return an environment as Binder's installation leaves it: a prefix of its own, with the packages of this one."""
    venv.create(folder, symlinks=True)
    purelib = sysconfig.get_path("purelib", vars={"base": str(folder)})
    Path(purelib, "these.pth").write_text(f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n")
    jupyter = folder / "bin" / "jupyter"
    jupyter.write_text(f'#!/bin/sh\nexec {folder}/bin/python -m jupyter_core.command "$@"\n')
    jupyter.chmod(0o755)
    own = folder / "bin" / "jupyter-liteagent"
    own.write_text(f"#!{folder}/bin/python\nimport sys\nfrom liteagent_nb.cli import main\nsys.exit(main())\n")
    own.chmod(0o755)
    lab = folder / "bin" / "jupyter-lab"
    lab.write_text(f"#!{folder}/bin/python\nfrom jupyterlab.labapp import main\nmain()\n")
    lab.chmod(0o755)
    return {"PATH": f"{folder}/bin{os.pathsep}{os.environ['PATH']}"}


@pytest.mark.weights
async def test_binder_opens_the_first_notebook_with_the_extension_loaded(weights, tmp_path):
    path = binder_environment(tmp_path / "env")
    build = [BINDER / "postBuild"]
    await asyncio.to_thread(subprocess.run, build, env={**os.environ, **path}, cwd=ROOT, check=True)

    words = ["jupyter", "lab", *PLACE, f"--ServerApp.root_dir={ROOT}"]
    with serving(words, tmp_path, program=str(BINDER / "start"), env=path) as running:
        seen = await status_of(running)
        opens = await asyncio.to_thread(where_it_opens, running)

    assert f"/lab/tree/notebooks/{FIRST}" in opens
    assert seen.ok, seen.error
    assert seen.stdout.startswith(str(tmp_path / "env"))
    assert "'LITELLM_LOCAL_MODEL_COST_MAP': 'True'" in seen.stdout


def where_it_opens(running):
    with urllib.request.urlopen(f"{running.url}/?token={TOKEN}", timeout=60) as page:
        return page.url


def pinned(file):
    lines = [line for line in (BINDER / file).read_text().splitlines() if re.match(r"[a-zA-Z]", line)]
    wanted = [Requirement(line) for line in lines]
    assert all(str(one.specifier).startswith("==") for one in wanted)
    return {one.name.lower().replace("_", "-"): str(one.specifier).removeprefix("==") for one in wanted}


def test_binder_pins_everything_within_the_bounds_that_the_package_names():
    locked = pinned("constraints.txt")
    asked = re.search(r"^\.\[(.*)\]$", (BINDER / "requirements.txt").read_text(), re.MULTILINE)[1].split(",")

    assert pinned("requirements.txt").items() <= locked.items()
    for wanted in [*map(Requirement, PROJECT["dependencies"]), *needed_for(*asked)]:
        name = wanted.name.lower().replace("_", "-")
        assert wanted.specifier.contains(locked[name]), f"{name}: run .ci/binder --lock"


def needed_for(*extras):
    """Return what these extras bring along, those that they are made of included."""
    wanted = [Requirement(line) for extra in extras for line in PROJECT["optional-dependencies"][extra]]
    return [each for one in wanted for each in (needed_for(*one.extras) if one.name == "liteagent_nb" else [one])]


def test_what_the_notebooks_import_comes_with_the_extra_all():
    cells = [cell.source for path in notebooks_folder().glob("*.ipynb") for cell in nbformat.read(path, 4).cells]
    imported = set(re.findall(r"^(?:import|from) (\w+)", "\n".join(cells), re.MULTILINE)) - sys.stdlib_module_names
    comes = {one.name.lower() for one in [*map(Requirement, PROJECT["dependencies"]), *needed_for("all")]}
    comes.add("openai")  # litellm's own
    found = metadata.packages_distributions()

    assert {"pandas", "matplotlib"} <= imported
    strange = {name for name in imported - {"liteagent_nb"} if comes.isdisjoint(map(str.lower, found.get(name, [])))}
    assert strange == set()


def test_binders_python_is_one_that_the_package_takes():
    version = (BINDER / "runtime.txt").read_text().strip().removeprefix("python-")

    assert SpecifierSet(PROJECT["requires-python"]).contains(version)
    assert f"Programming Language :: Python :: {version}" in PROJECT["classifiers"]
