"""Finders of modules: the seed's names, answered where nothing else answers them, lazily."""

from __future__ import annotations

import importlib
import sys
import threading
from dataclasses import dataclass
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

__all__ = ["FIRST", "LAST", "answered", "offer_codex_agent"]

_MCP_CLIENT = "litellm.experimental_mcp_client"
_AGENT = f"{_MCP_CLIENT}.mini_agent"
_HOMES = {
    f"{_AGENT}.litellm_mcp_mini_agent": "liteagent_nb",
    f"{_AGENT}.http_tools_invoker": "liteagent_nb.tools.http_tools_invoker",
    f"{_AGENT}.agent_proxy": "liteagent_nb.services.agent_proxy",
    f"{_AGENT}.exec_rpc_server": "liteagent_nb.services.exec_rpc_server",
    "litellm.extras.images": "liteagent_nb.extras.images",
    "litellm.extras.cache": "liteagent_nb.extras.cache",
    "litellm.extras.response_utils": "liteagent_nb.extras.response_utils",
    "litellm.extras.batch": "liteagent_nb.extras.batch",
    "examples.http_tools_stub": "liteagent_nb.services.http_tools_stub",
}
"""The seed's modules, and what they are here."""
_OURS = "liteagent_nb."
_PACKAGES = frozenset({_AGENT, "litellm.extras", "examples"})
"""What holds them, and nothing else."""


answered: set[str] = set()
"""The modules that are there because of us."""


class _Last(MetaPathFinder):
    """Answers the seed's names where nothing else does."""

    def find_spec(self, name: str, _path: object = None, _target: object = None) -> ModuleSpec | None:
        if name in _PACKAGES:
            return ModuleSpec(name, _Empty(), is_package=True)
        return ModuleSpec(name, _Alias(_HOMES[name])) if name in _HOMES else None


class _Empty(Loader):
    """A package without anything of its own."""

    def exec_module(self, module: ModuleType) -> None:
        answered.add(module.__name__)


@dataclass
class _Alias(Loader):
    """A module of ours under another name."""

    home: str
    _own: ModuleSpec | None = None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = importlib.import_module(self.home)
        self._own = module.__spec__  # the machinery is about to put *spec* in its place
        answered.add(spec.name)
        return module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self._own


class _First(MetaPathFinder):
    """Looks after litellm, and what of ours may load it, while they load, and answers for the seed's agent at once.

    litellm's MCP client has a finder of its own for all that is below it, which fails for what it does not know.
    """

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name.startswith(_AGENT):
            return LAST.find_spec(name)
        wrapper = _OrEmpty if name == _MCP_CLIENT else _ThenOffer if _may_load_litellm(name) else None
        if wrapper is None:
            return None
        others = [finder for finder in sys.meta_path if finder is not self]
        found = (spec for finder in others if (spec := finder.find_spec(name, path, target)) is not None)
        spec = next(found, None)
        if spec is not None and spec.loader is not None:
            spec.loader = wrapper(spec.loader)
        return spec


@dataclass
class _Around(Loader):
    """Loads as *real* does; the module knows of *real* alone."""

    real: Loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self.real.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        assert module.__spec__ is not None
        module.__spec__.loader = module.__loader__ = self.real
        self.real.exec_module(module)


class _Depth(threading.local):
    """How many modules are half loaded that `_ThenOffer` loads."""

    now = 0


_depth = _Depth()


def _may_load_litellm(name: str) -> bool:
    return name == "litellm" or (name.startswith(_OURS) and "litellm" not in sys.modules)


class _ThenOffer(_Around):
    """litellm, or a module of ours that may load it: codex-agent is in its map once none of them is half loaded."""

    def exec_module(self, module: ModuleType) -> None:
        _depth.now += 1
        try:
            super().exec_module(module)
        finally:
            _depth.now -= 1
        if _depth.now == 0 and "litellm" in sys.modules:
            offer_codex_agent()


class _OrEmpty(_Around):
    """litellm's MCP client; where the package `mcp` is missing, its name at least leads on to the seed's agent."""

    def exec_module(self, module: ModuleType) -> None:
        try:
            super().exec_module(module)
        except ImportError as error:
            reason = error

            def missing(name: str) -> NoReturn:
                raise ImportError(f"{module.__name__}.{name}: {reason}")

            vars(module)["__getattr__"] = missing
            answered.add(module.__name__)
        if FIRST in sys.meta_path:  # litellm has put its finder before it
            sys.meta_path.remove(FIRST)
            sys.meta_path.insert(0, FIRST)


def offer_codex_agent() -> None:
    """Enter codex-agent into litellm's map of custom providers."""
    from liteagent_nb.provider import codex_agent  # noqa: PLC0415 - litellm comes with it

    codex_agent.offer_codex_agent()


FIRST, LAST = _First(), _Last()
"""What stands before and behind all other finders."""
