"""The notebooks on a machine without network or keys: the same outputs each time, also from the built wheel."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parent.parent.parent
NOTEBOOKS = ROOT / "notebooks"
NAMES = ("00_first_run.ipynb", "10_agent.ipynb")
NO_KEYS = {name: value for name, value in os.environ.items() if not re.search(r"KEY|TOKEN|SECRET|LITE", name)}

# Brings up loopback, which kernels talk over, in a network namespace that has nothing else; then becomes the command.
ALONE = """
import fcntl, os, socket, struct, sys
with socket.socket() as s:
    fcntl.ioctl(s, 0x8914, struct.pack("16sh22x", b"lo", 1))
    try:
        s.settimeout(2)
        s.connect(("192.0.2.1", 80))
    except OSError as error:
        assert "unreachable" in str(error), error
    else:
        sys.exit("there is a network here")
os.execv(sys.argv[1], sys.argv[1:])
"""


def unshare():
    """Return the command that makes a network namespace, as root or as anybody; None where it is forbidden."""
    for command in (["unshare", "-n"], ["unshare", "-rn"]):
        if (
            sys.platform == "linux"
            and subprocess.run([*command, "true"], capture_output=True, check=False).returncode == 0
        ):
            return command
    return None


def without_network(*commands, cwd):
    """Run Python with each of *commands* side by side, each in a network of its own; return what each printed."""
    command = unshare()
    if command is None:
        pytest.skip("this machine lets nobody make a network namespace")
    running = [
        subprocess.Popen(
            [*command, sys.executable, "-c", ALONE, sys.executable, *words],
            cwd=cwd, env=NO_KEYS, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        for words in commands
    ]  # fmt: skip
    try:
        printed = [one.communicate(timeout=170)[0] for one in running]
    finally:
        for one in running:
            one.kill()
    for one, text in zip(running, printed, strict=True):
        assert one.returncode == 0, text[-4000:]
    return printed


EXECUTE = """
import sys, nbformat
from nbclient import NotebookClient
for name in sys.argv[2:]:
    notebook = nbformat.read(name, as_version=4)
    NotebookClient(notebook, timeout=120).execute()
    nbformat.write(notebook, f"{sys.argv[1]}/{name}")
"""


def outputs(path):
    """Return all that a notebook shows but the stylesheet, as text; stored tracebacks and counts of execution too."""
    cells = nbformat.read(path, as_version=4).cells
    return re.sub("<style>.*?</style>", "", json.dumps([cell.get("outputs", []) for cell in cells], indent=1))


def joined(path):
    """Return what a notebook shows, with its streams joined: a live one comes in pieces, as time has it."""
    shown = []
    for output in (one for cell in nbformat.read(path, as_version=4).cells for one in cell.get("outputs", [])):
        if output.output_type == "stream" and shown and shown[-1].get("name") == output.name:
            shown[-1].text += output.text
        else:
            shown.append(output)
    return re.sub("<style>.*?</style>", "", json.dumps(shown, indent=1))


def settled(text):
    """Return *text* without figures that vary from run to run: what nbval compares."""
    return re.sub(r'<span class=\\"la-vary\\">[^<]*</span>', "", text)


@pytest.mark.weights
@pytest.mark.parametrize("name", sorted(path.name for path in NOTEBOOKS.glob("*.ipynb")))
def test_a_notebook_passes_nbval_twice_without_network_or_keys(weights, name):
    command = ["-m", "pytest", "-q", "-p", "no:cacheprovider", str(NOTEBOOKS / name)]

    for printed in without_network(command, command, cwd=ROOT):
        assert re.search(r"\n\d+ passed in", printed)


@pytest.mark.weights
def test_their_outputs_are_equal_byte_for_byte(weights, tmp_path):
    places = [tmp_path / "first", tmp_path / "second"]
    for place in places:
        place.mkdir()

    without_network(*(["-c", EXECUTE, str(place), *NAMES] for place in places), cwd=NOTEBOOKS)

    live, replayed = NAMES
    assert settled(outputs(tmp_path / "first" / live)) == settled(outputs(tmp_path / "second" / live))
    first, second, stored = (outputs(p / replayed) for p in (tmp_path / "first", tmp_path / "second", NOTEBOOKS))
    assert first == second == stored  # the recorded figures, too
    assert "replayed" in first


COUNT = "import psutil\nprint('processes', len(psutil.Process().children()))"


def test_executions_are_replayed_without_a_kernel_and_look_the_same(tmp_path):
    notebook = nbformat.read(NOTEBOOKS / "20_exec.ipynb", as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell(COUNT))
    shown = {}
    for mode in ("record", "replay"):
        work = tmp_path / mode
        work.mkdir()
        shutil.copy(NOTEBOOKS / "20_exec.cassette.json", work)
        nbformat.write(notebook, work / "20_exec.ipynb")
        done = subprocess.run(
            [sys.executable, "-c", EXECUTE, str(work), "20_exec.ipynb"],
            cwd=work, env={**NO_KEYS, "LITEAGENT_CASSETTE": f"{mode}:{tmp_path}/all.cassette.json"},
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-3000:]
        shown[mode] = joined(work / "20_exec.ipynb")

    assert "processes 0" in shown["replay"]
    assert "processes 0" not in shown["record"]
    assert re.sub(r"processes \d+", "", shown["replay"]) == re.sub(r"processes \d+", "", shown["record"])


def test_the_replay_runs_from_the_built_wheel(built, tmp_path):
    place = tmp_path / "installed"
    install = [sys.executable, "-m", "pip", "-q", "install", "--no-deps", "--target", str(place)]
    subprocess.run([*install, *map(str, built.glob("*.whl"))], check=True, capture_output=True, timeout=170)
    notebooks = place / "share" / "liteagent_nb" / "notebooks"
    (tmp_path / "out").mkdir()
    where = "import liteagent_nb, sys; print(liteagent_nb.__file__, file=sys.stderr)"

    done = subprocess.run(
        [sys.executable, "-c", where + EXECUTE, str(tmp_path / "out"), NAMES[1]],
        cwd=notebooks, env={**NO_KEYS, "PYTHONPATH": str(place)}, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr[-3000:]
    assert str(place) in done.stderr
    assert outputs(tmp_path / "out" / NAMES[1]) == outputs(NOTEBOOKS / NAMES[1])
