"""Supplies: the models and tools that the proxy's runs are made of."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from liteagent_nb.assembly import (
    Closing,
    Maker,
    Wires,
    choose_model,
    make_http_tools,
    make_invoker,
    make_run_context,
    maker_of,
    wired,
)
from liteagent_nb.cassettes.cassette import Cassette
from liteagent_nb.core.config import AgentConfig
from liteagent_nb.core.errors import ConfigError
from liteagent_nb.core.protocols import Invoker, Model
from liteagent_nb.kernels.protocol import ContextExecutor
from liteagent_nb.services.client_tools import ClientTools
from liteagent_nb.tools.composite import CompositeInvoker
from liteagent_nb.tools.echo import EchoMCP

if TYPE_CHECKING:
    from liteagent_nb.services.agent_requests import Task

__all__ = ["Supplies"]


@dataclass(frozen=True, slots=True)
class Supplies:
    """What runs are made of. No two runs share a context of the *executor*."""

    executor: ContextExecutor
    """Runs the code of local tools."""
    model: str = ""
    """The model where none is named; empty: the one of `choose_model`."""
    models: Mapping[str, Model] = field(default_factory=dict)
    """Models of one's own, by name."""
    functions: Sequence[Callable[..., object]] = ()
    """Functions of one's own, beside the local tools."""
    isolate: bool = False
    cassette: Cassette | None = None
    _echo: EchoMCP = field(default_factory=EchoMCP)
    _loaded: set[str] = field(default_factory=set)

    @property
    def default_model(self) -> str:
        """The model where none is named."""
        return choose_model(None, self.model).name

    def maker(self, name: str, completion_kwargs: Mapping[str, object]) -> Maker:
        """Return the maker of the model of that name."""
        own = self.models.get(name)
        return maker_of(name, completion_kwargs) if own is None else Maker(name, lambda: own)

    async def wires(self, task: Task, config: AgentConfig, model: Maker | None = None) -> Wires:
        """Return what *task* needs; *model* answers where that is not what *config* names. Raises `ConfigError`."""
        maker = await self.loaded(model or self.maker(config.model, config.completion_kwargs))
        stronger = None
        if config.escalate_model:
            stronger = await self.loaded(self.maker(config.escalate_model, config.completion_kwargs))
        tools, close = self._tools(task, config)
        return wired(maker, tools, stronger=stronger, cassette=self.cassette, close=close)

    async def loaded(self, maker: Maker) -> Maker:
        """Return *maker*; the first of its kind is made in a thread, since litellm takes seconds to load."""
        kind = maker.name.partition("/")[0] if maker.name.startswith("local/") else "litellm"
        is_replay = self.cassette is not None and self.cassette.mode == "replay"
        if kind in self._loaded or maker.name in self.models or is_replay:
            return maker
        made = await asyncio.to_thread(maker.make)
        if maker.name not in {"dummy", "noop", "echo"}:
            self._loaded.add(kind)
        return Maker(maker.name, lambda: made)

    def own_tools(self) -> Invoker:
        """Return the tools that other programs may call: each call for itself, without a run."""
        local = make_invoker(AgentConfig(), self.functions, executor=self.executor, isolate=self.isolate)
        has_echo = any(getattr(function, "__name__", "") == "echo" for function in self.functions)
        return local if has_echo else CompositeInvoker([self._echo, local])

    def _tools(self, task: Task, config: AgentConfig) -> tuple[Invoker | None, Closing | None]:
        if task.backend == "http":
            if not task.tools_url:
                raise ConfigError("tool_http_base_url is missing", hint="name the tools host, or another tool_backend")
            far = make_http_tools(task.tools_url, task.tools_headers)
            return far, far.aclose
        if task.backend == "local":
            context = make_run_context(self.executor)
            return make_invoker(config, self.functions, executor=context, isolate=self.isolate), context.aclose
        if task.backend == "client":
            return ClientTools(task.client_tools), None
        return (self._echo if task.backend == "echo" else None), None
