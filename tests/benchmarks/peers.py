"""The peers that the benchmarks run beside us, each in a virtual environment of its own, made once and kept."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import venv
from dataclasses import dataclass
from pathlib import Path

ENVIRONMENTS = Path(tempfile.gettempdir()) / "liteagent-bench"
INSTALL_LIMIT_S = 900
MADE = "made"
"""A file of this name says that an environment is whole."""


class NotMeasured(Exception):
    """Why a peer cannot be measured; the tables say it."""


@dataclass(frozen=True)
class Peer:
    """Another agent: what pip installs, and what users import or load."""

    name: str
    requirements: tuple[str, ...]
    module: str
    is_extension: bool = False
    """Whether it is a Jupyter extension, so that `%load_ext` is what loads it."""


# lisette 0.1.37 allows the newest of both, and works with neither.
OF_LISETTE = ("toolslm<0.3.45", "fastcore<2.2")

PEERS = {
    peer.name: peer
    for peer in (
        Peer("lisette", ("lisette", *OF_LISETTE), "lisette"),
        Peer("langgraph", ("langgraph", "langchain-openai"), "langgraph.prebuilt, langchain_openai"),
        Peer("openai-agents", ("openai-agents",), "agents"),
        Peer("pydantic-ai", ("pydantic-ai-slim[openai]",), "pydantic_ai, pydantic_ai.models.openai"),
        Peer("smolagents", ("smolagents[openai]",), "smolagents, openai"),
        Peer("mini-swe-agent", ("mini-swe-agent",), "minisweagent.agents.default, minisweagent.models.litellm_model"),
        Peer("jupyter_ai_magics", ("jupyter_ai_magics", "ipython"), "jupyter_ai_magics", is_extension=True),
        Peer("ipyai", ("ipyai", "ipython", *OF_LISETTE), "ipyai", is_extension=True),
        # aimagic 0.1.0 imports bs4 without asking for it, and a module that newer execnb no longer has.
        Peer(
            "aimagic", ("aimagic", "ipython", "beautifulsoup4", "execnb<0.2", *OF_LISETTE), "aimagic", is_extension=True
        ),
    )
}

EXEC_PEERS = {
    peer.name: peer
    for peer in (
        Peer("ipyparallel", ("ipyparallel", "ipykernel"), "ipyparallel"),
        Peer("dask", ("distributed",), "distributed"),
        Peer("code-sandboxes", ("code-sandboxes", "jupyter_server", "ipykernel"), "code_sandboxes"),
    )
}
"""Those that run code; `exec_roundtrip.py` runs them, and nothing else does."""


def python_of(peer: Peer, environments: Path) -> str:
    """Return the peer's Python, installed first where it is not there. Raises `NotMeasured` where it cannot be."""
    home = environments / peer.name
    if not (home / MADE).exists():
        print(f"installing {peer.name} …", file=sys.stderr)
        venv.create(home, with_pip=True, clear=True)
        _install(home, peer)
        (home / MADE).touch()
    return str(_python(home))


def _python(home: Path) -> Path:
    return home / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def _install(home: Path, peer: Peer) -> None:
    command = [str(_python(home)), "-m", "pip", "install", "--quiet", "--upgrade", *peer.requirements]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=INSTALL_LIMIT_S)
    except subprocess.TimeoutExpired:
        raise NotMeasured(f"pip took more than {INSTALL_LIMIT_S} s") from None
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        raise NotMeasured(f"pip: {errors[-1] if errors else 'failed'}")


def version_of(python: str, peer: Peer) -> str:
    """Return the installed version of the peer."""
    name = peer.requirements[0].partition("[")[0]
    code = f"from importlib.metadata import version; print(version({name!r}))"
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=False).stdout.strip()
