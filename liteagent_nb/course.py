"""The notebooks that come with the package: where they are, copies of them, and JupyterLab on a copy."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from liteagent_nb import environment
from liteagent_nb.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

__all__ = ["FIRST", "copy_notebooks", "loaded_kernels", "missing_for_all", "notebooks_folder", "open_lab"]

FIRST = "00_first_run.ipynb"
_COPIED = ("*.ipynb", "*.cassette.json")
_USED = ("anywidget", "matplotlib", "mcp", "pandas")
"""What some of them import, of the extra `all`."""


def notebooks_folder() -> Path:
    """Return where they are: beside the package in a checkout, in the environment's `share` otherwise."""
    shared = Path(sysconfig.get_path("data")) / "share" / "liteagent_nb" / "notebooks"
    beside_target = Path(__file__).parent.parent / "share" / "liteagent_nb" / "notebooks"  # pip install --target
    for folder in (Path(__file__).parent.parent / "notebooks", shared, beside_target):
        if (folder / FIRST).is_file():
            return folder
    raise ConfigError(f"{FIRST} is not in this installation", hint="reinstall liteagent_nb, or run from a checkout")


def copy_notebooks(folder: Path) -> list[Path]:
    """Copy notebooks and their recordings to *folder*; what is there already stays as it is. Return the new ones."""
    folder.mkdir(parents=True, exist_ok=True)
    found = sorted(path for pattern in _COPIED for path in notebooks_folder().glob(pattern))
    new = [path for path in found if not (folder / path.name).exists()]
    return [Path(shutil.copyfile(path, folder / path.name)) for path in new]


def missing_for_all() -> list[str]:
    """Return the packages that some notebooks need and that are not here."""
    return [name for name in _USED if find_spec(name) is None]


def open_lab(notebook: Path, *, words: Sequence[str] = ()) -> int:
    """Open *notebook* in JupyterLab, whose kernels have the extension loaded; return its exit code when it is closed.

    *words* go to JupyterLab as they are. Raises `ConfigError` where it is not installed.
    """
    if find_spec("jupyterlab") is None:
        raise ConfigError("JupyterLab is missing", hint='pip install "liteagent_nb[lab]"')
    with loaded_kernels() as folder:
        paths = os.pathsep.join(filter(None, (str(folder), environment.text("JUPYTER_PATH"))))
        command = [sys.executable, "-m", "jupyterlab", str(notebook), *words]
        return _run_to_its_end(command, environment.plus(JUPYTER_PATH=paths))


def _run_to_its_end(command: Sequence[str], env: Mapping[str, str]) -> int:
    """Run *command*; a Ctrl-C is for it alone, which asks whether it is meant, and it is told of a SIGTERM."""
    with subprocess.Popen(command, env=env) as running:
        before = signal.signal(signal.SIGINT, signal.SIG_IGN), signal.signal(signal.SIGTERM, _told(running))
        try:
            return running.wait()
        finally:
            signal.signal(signal.SIGINT, before[0])
            signal.signal(signal.SIGTERM, before[1])


def _told(running: subprocess.Popen[bytes]) -> Callable[..., None]:
    return lambda *_signal: running.terminate()


@contextmanager
def loaded_kernels() -> Iterator[Path]:
    """Give a folder with a kernel python3 of this very Python, the extension loaded; nobody's settings are touched."""
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}", "--ext=liteagent_nb"]
    about = {"display_name": "Python 3 (liteagent_nb)", "language": "python", "metadata": {"debugger": True}}
    with TemporaryDirectory(prefix="la-lab-") as folder:
        place = Path(folder) / "kernels" / "python3"
        place.mkdir(parents=True)
        (place / "kernel.json").write_text(json.dumps({"argv": argv, **about}), encoding="utf-8")
        yield Path(folder)
