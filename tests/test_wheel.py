"""The wheel and the sdist: everything is in them, and nothing that does not belong there.

`.ci/packaging` installs the wheel beside the lowest and the newest of what it needs.
"""

from __future__ import annotations

import email
import os
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def tracked(folder):
    done = subprocess.run(["git", "ls-files", folder], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.fixture(scope="module")
def wheel(built):
    with zipfile.ZipFile(next(built.glob("*.whl"))) as opened:
        yield opened


def read(wheel, ending):
    return wheel.read(next(name for name in wheel.namelist() if name.endswith(ending))).decode()


def test_the_wheel_holds_the_package_and_the_notebooks_and_nothing_else(wheel):
    names = set(wheel.namelist())
    about = {name for name in names if ".dist-info/" in name}
    shared = {name.partition(".data/data/share/liteagent_nb/")[2] for name in names if ".data/" in name}

    assert "liteagent_nb/py.typed" in names
    assert {name for name in names - about if ".data/" not in name} >= tracked("liteagent_nb")
    assert shared >= tracked("notebooks")
    assert {name.partition("/")[0] for name in names - about} <= {
        "liteagent_nb",
        f"liteagent_nb-{PROJECT['version']}.data",
    }
    assert not [name for name in names if "/test_" in name or name.endswith(".pyc")]


def test_its_description_and_its_commands_are_those_of_the_project(wheel):
    about = email.message_from_string(read(wheel, ".dist-info/METADATA"))

    assert (about["Name"], about["Version"], about["Requires-Python"]) == ("liteagent_nb", PROJECT["version"], ">=3.11")
    assert about["License-Expression"] == "MIT"
    assert set(about.get_all("Provides-Extra")) == set(PROJECT["optional-dependencies"])
    assert about.get_payload().startswith("# liteagent_nb")
    assert "jupyter-liteagent = liteagent_nb.cli:main" in read(wheel, ".dist-info/entry_points.txt")
    assert "MIT License" in read(wheel, "LICENSE")


def test_the_sdist_can_be_tested_and_built_from(built):
    with tarfile.open(next(built.glob("*.tar.gz"))) as opened:
        names = {name.partition("/")[2] for name in opened.getnames()}

    wanted = {"pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "tests/conftest.py", "binder/postBuild"}
    assert names >= wanted | tracked("liteagent_nb") | tracked("notebooks")


def test_importing_the_wheel_warns_of_nothing_and_finds_its_notebooks(wheel, tmp_path):
    wheel.extractall(tmp_path)
    code = "import liteagent_nb; print(liteagent_nb.__file__)"

    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(str(tmp_path))
