"""The seed's import paths."""

from __future__ import annotations

import importlib
import importlib.util
import os
import subprocess
import sys

import litellm
import pytest

import liteagent_nb
from liteagent_nb import compat
from liteagent_nb.services import exec_rpc_server

pytestmark = pytest.mark.filterwarnings("ignore:litellm.experimental_mcp_client is deprecated:DeprecationWarning")

ENV = {
    **{name: value for name, value in os.environ.items() if not name.startswith(("COV", "CODEX_AGENT"))},
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "PYTHONWARNINGS": "ignore",
}
AGENT = "litellm.experimental_mcp_client.mini_agent"
WITHOUT_MCP = """
import sys
class NoMcp:
    def find_spec(self, name, path=None, target=None):
        if name == "mcp":
            raise ModuleNotFoundError("No module named 'mcp'", name="mcp")
sys.meta_path.insert(0, NoMcp())
"""


def python(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=ENV, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_installing_loads_nothing_and_a_second_time_changes_nothing():
    said = python(
        "import sys, liteagent_nb.compat as compat\n"
        "compat.install(); finders = len(sys.meta_path); compat.install()\n"
        "print(len(sys.meta_path) - finders, [m for m in ('litellm', 'httpx', 'starlette') if m in sys.modules])"
    )

    assert said == "0 []\n"


@pytest.fixture
def installed():
    compat.install()
    yield
    compat.uninstall()


def test_the_seeds_names_are_our_modules_which_keep_their_own_names(installed):
    seeds = importlib.import_module(f"{AGENT}.exec_rpc_server")
    agent = importlib.import_module(f"{AGENT}.litellm_mcp_mini_agent")

    assert seeds is exec_rpc_server
    assert seeds.__name__ == seeds.__spec__.name == "liteagent_nb.services.exec_rpc_server"
    assert agent.run_mcp_mini_agent is liteagent_nb.run_mcp_mini_agent


def test_the_users_own_package_of_that_name_wins_and_ours_is_found_beside_it(installed, tmp_path, monkeypatch):
    (tmp_path / "examples").mkdir()
    (tmp_path / "examples" / "mine.py").write_text("x = 7\n")
    monkeypatch.syspath_prepend(tmp_path)

    try:
        assert importlib.import_module("examples.mine").x == 7
        assert importlib.util.find_spec("examples.http_tools_stub") is not None
    finally:
        for name in ("examples", "examples.mine"):
            sys.modules.pop(name, None)


def test_what_neither_the_seed_nor_litellm_has_is_not_found(installed):
    for name in (f"{AGENT}.nothing", "litellm.extras.nothing", "examples.nothing"):
        with pytest.raises(ModuleNotFoundError):
            importlib.import_module(name)


def test_litellm_knows_codex_agent_and_asks_for_the_flag(installed, monkeypatch):
    monkeypatch.delenv("LITELLM_ENABLE_CODEX_AGENT", raising=False)
    with pytest.raises(litellm.BadRequestError, match="set LITELLM_ENABLE_CODEX_AGENT=1"):
        litellm.completion(model="codex-agent/mini", messages=[{"role": "user", "content": "hi"}])


@pytest.mark.parametrize(
    "first", ["liteagent_nb.models.litellm_model", "liteagent_nb.models.quiet_litellm", "liteagent_nb.provider.replies"]
)
def test_litellm_may_be_loaded_by_our_own_modules(first):
    said = python(
        f"import liteagent_nb.compat as compat; compat.install(); import {first}, litellm\n"
        "print([entry['provider'] for entry in litellm.custom_provider_map])"
    )

    assert said == "['codex-agent', 'codex_cli_agent']\n"


def test_litellm_may_be_imported_later_and_everything_can_be_taken_back():
    said = python(f"""
{WITHOUT_MCP}
import liteagent_nb.compat as compat
compat.install()
from {AGENT}.litellm_mcp_mini_agent import AgentConfig, LocalMCPInvoker, run_mcp_mini_agent
import litellm, litellm.extras
print([entry["provider"] for entry in litellm.custom_provider_map], litellm.__spec__.loader is litellm.__loader__)
try:
    from litellm.experimental_mcp_client import load_mcp_tools
except ImportError as error:
    print("dependencies are missing" in str(error))
compat.uninstall()
left = [finder for finder in sys.meta_path if type(finder).__module__.startswith("liteagent_nb")]
print(left, hasattr(litellm, "extras"), litellm.custom_provider_map)
try:
    import litellm.extras
except ModuleNotFoundError as error:
    print(error)
""")

    assert said.splitlines() == [
        "['codex-agent', 'codex_cli_agent'] True",
        "True",
        "[] False []",
        "No module named 'litellm.extras'",
    ]


def test_a_script_and_a_program_run_with_the_seeds_paths(tmp_path):
    (tmp_path / "beside.py").write_text("word = 'beside'\n")
    (tmp_path / "snippet.py").write_text(
        "import sys, beside\nimport examples\nprint(__name__, sys.argv[1:], beside.word, examples.__path__)\n"
    )
    command = [sys.executable, "-m", "liteagent_nb.compat"]

    script = subprocess.run(
        [*command, str(tmp_path / "snippet.py"), "a"], capture_output=True, text=True, env=ENV, check=True
    )
    program = subprocess.run([*command, "uvicorn", "--version"], capture_output=True, text=True, env=ENV, check=True)

    assert script.stdout == "__main__ ['a'] beside []\n"
    assert "uvicorn" in program.stdout


@pytest.mark.parametrize("words", [["no-such-program"], []])
def test_what_is_no_program_is_said_in_two_lines(words):
    done = subprocess.run(
        [sys.executable, "-m", "liteagent_nb.compat", *words], capture_output=True, text=True, env=ENV, check=False
    )

    assert done.returncode == 1
    assert done.stderr.splitlines()[0].startswith("ConfigError: there is no program")
    assert len(done.stderr.splitlines()) == 2
