"""What many tests share."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import settings

from liteagent_nb.models.embedded.weights import install_weights

# By hand, examples are new each time; CI gives --hypothesis-seed. A failing one prints the line that brings it back.
settings.register_profile("liteagent", deadline=None, print_blob=True)
settings.load_profile("liteagent")

os.environ.pop("PYTEST_ADDOPTS", None)  # it is for this run, not for those that tests start


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Let each worker of pytest-xdist take whole files, and one of them all that needs the browser."""
    from xdist.scheduler import LoadScopeScheduling

    class Files(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            file = nodeid.partition("::")[0]
            return "browser" if file.startswith("tests/browser/") else file

    return Files(config, log)


def pytest_sessionfinish():
    """Collect what litellm and dask leave open in quiet: each test was asked already, the end of the run is no test."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        gc.collect()


@pytest.fixture(scope="session")
def built(tmp_path_factory) -> Path:
    """Return the folder with the wheel and the sdist of these sources."""
    folder = tmp_path_factory.mktemp("built")
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(folder)]
    subprocess.run(command, cwd=Path(__file__).parent.parent, check=True, capture_output=True, timeout=170)
    return folder


@pytest.fixture(scope="session")
def weights() -> Path:
    """Return the embedded model's weights, fetched once where they are missing."""
    with FileLock(Path(sys.prefix) / "liteagent-weights.lock"):  # two workers may want them
        return install_weights(print)
