"""The house itself: what loads, what is public, what stands at the top level."""

from __future__ import annotations

import inspect
import json
import os
import pkgutil
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import liteagent_nb
from liteagent_nb.core import errors

ROOT = Path(__file__).parent.parent
HEAVY = (
    "litellm openai ipywidgets anywidget starlette uvicorn fastapi pandas numpy matplotlib PIL xllamacpp pydantic "
    "aiohttp httpx requests tokenizers nbclient mcp mcp_types httpx2"
).split()
CLEAN = {key: value for key, value in os.environ.items() if not key.startswith(("COV_", "COVERAGE_"))}


def loaded_by(code: str) -> dict[str, object]:
    """Run *code* in a fresh Python; return the heavy modules it loaded, and the network it asked for."""
    script = f"""
import json, socket, sys, time
asked = []
class Watched(socket.socket):
    def connect(self, address):
        asked.append(str(address)); return super().connect(address)
socket.socket = Watched
started = time.process_time()
{code}
print(json.dumps({{"heavy": [m for m in {HEAVY!r} if m in sys.modules], "network": asked}}))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=CLEAN, check=True)
    return json.loads(done.stdout.strip().splitlines()[-1])


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("import liteagent_nb", id="import"),
        pytest.param("import liteagent_nb.core.agent, liteagent_nb.assembly", id="core"),
        pytest.param(
            "from IPython.core.interactiveshell import InteractiveShell as S\nshell = S.instance()\n"
            "before = set(sys.modules)\nshell.run_line_magic('load_ext', 'liteagent_nb')\n"
            "assert 'agent' in shell.magics_manager.magics['cell']\n",
            id="load_ext",
        ),
        pytest.param(
            "from IPython.core.interactiveshell import InteractiveShell as S\nshell = S.instance()\n"
            "shell.run_line_magic('load_ext', 'liteagent_nb')\nshell.run_line_magic('agent', 'status')",
            id="status",
        ),
    ],
)
def test_nothing_heavy_loads_and_no_network_is_asked_for(code):
    assert loaded_by(code) == {"heavy": [], "network": []}


def test_importing_the_core_loads_the_standard_library_only():
    script = (
        "import sys, pkgutil, importlib, liteagent_nb.core as core\n"
        "[importlib.import_module(f'liteagent_nb.core.{m.name}') for m in pkgutil.iter_modules(core.__path__)]\n"
        "print(sorted({n.partition('.')[0] for n in sys.modules} - set(sys.stdlib_module_names)))"
    )
    done = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, text=True, check=True)

    foreign = {name for name in eval(done.stdout) if not name.startswith(("_", "liteagent_nb", "sitecustomize"))}
    assert foreign <= {"distutils-precedence"}


def test_the_public_names_are_sorted_and_all_there():
    assert liteagent_nb.__all__ == sorted(liteagent_nb.__all__)
    for name in liteagent_nb.__all__:
        assert getattr(liteagent_nb, name) is not None
    assert set(liteagent_nb.__all__) <= set(dir(liteagent_nb))


def test_an_unknown_public_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = liteagent_nb.nonsense


def modules():
    return [
        m.name for m in pkgutil.walk_packages(liteagent_nb.__path__, "liteagent_nb.") if not m.name.endswith("__main__")
    ]


@pytest.mark.parametrize("name", modules())
def test_every_module_says_in_its_first_line_what_it_is_for(name):
    if name.endswith(("._supervisor", "._python_runner")):
        source = (ROOT / (name.replace(".", "/") + ".py")).read_text()
        assert '"""' in source
        return
    module = import_module(name)

    assert (module.__doc__ or "").strip()


def test_the_error_tree_is_the_one_drawn_in_its_docstring():
    drawn = re.findall(r"^[│├└─ ]*([A-Z]\w+) {2,}", errors.__doc__ or "", re.MULTILINE)
    classes = {name for name, thing in inspect.getmembers(errors, inspect.isclass)}

    assert set(drawn) == classes == set(errors.__all__)
    assert all(issubclass(getattr(errors, name), errors.LiteAgentError) for name in drawn)


def test_an_error_shows_itself_in_two_lines():
    error = errors.ConfigError("no key", hint="set OPENAI_API_KEY")

    assert error._render_traceback_() == ["ConfigError: no key", "Hint: set OPENAI_API_KEY"]


def test_the_top_level_holds_what_it_should_and_nothing_else():
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.fail("not a git checkout: run the tests from a clone")
    visible = {line.partition("/")[0] for line in done.stdout.splitlines() if not line.startswith(".")}

    allowed = {"liteagent_nb", "notebooks", "tests", "binder", "pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md"}
    assert visible <= allowed


def test_the_environment_is_read_in_one_module_only():
    reading = re.compile(r"\bos\.(environ|getenv)\b")
    readers = [p.name for p in (ROOT / "liteagent_nb").rglob("*.py") if reading.search(p.read_text())]

    assert set(readers) <= {"environment.py"}
