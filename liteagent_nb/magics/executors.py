"""The executors that a notebook uses: each made when it is first needed, all closed together."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING

from liteagent_nb import environment
from liteagent_nb.assembly import make_executor

if TYPE_CHECKING:
    from collections.abc import Callable

    from liteagent_nb.core.portal import Portal
    from liteagent_nb.kernels.protocol import ContextExecutor
    from liteagent_nb.magics.options import Settings

__all__ = ["Executors", "Place"]

_CLOSING_S = 5.0
_OWN = token_hex(2)


@dataclass(frozen=True, slots=True)
class Place:
    """Where code runs: near by default, isolated, on a server, or in kernels of a gateway."""

    url: str = ""
    gateway: str = ""
    isolate: bool = False

    @classmethod
    def of(cls, wanted: Settings) -> Place:
        """Return the place that a line, the traits or the environment names."""
        gateway, isolate = wanted.gateway or "", bool(wanted.isolate)
        url = wanted.url or ("" if gateway or isolate else environment.text("MINI_AGENT_EXEC_BASE"))
        return cls(url, gateway, isolate)

    @property
    def mark(self) -> str:
        """What the names of this notebook's contexts end in: on a server, other notebooks have a `main`, too."""
        return f"-{_OWN}" if self.url else ""

    @property
    def is_near(self) -> bool:
        """Whether it is this machine, where nothing is open before something was run."""
        return not (self.url or self.gateway)

    def __str__(self) -> str:
        near = "this machine, isolated" if self.isolate else "this machine"
        return self.url or self.gateway or near


class Executors:
    """Makes and keeps them; no kernel is left when they are closed, at the latest at exit."""

    def __init__(self, portal: Portal, make: Callable[..., ContextExecutor] = make_executor) -> None:
        self._portal = portal
        self._make = make
        self._made: dict[Place, ContextExecutor] = {}

    def __getitem__(self, place: Place) -> ContextExecutor:
        """Return the executor of *place*, made if it must be. Raises `ConfigError` where that cannot be."""
        if place not in self._made:
            token = environment.text("MINI_AGENT_API_KEY") if place.url else ""  # a gateway has its own
            cwd = str(Path.cwd()) if place.is_near and not place.isolate else ""  # a cell finds the files beside it
            executor = self._make(url=place.url, token=token, gateway=place.gateway, isolate=place.isolate, cwd=cwd)
            if not self._made:
                atexit.register(self.close)
            self._made[place] = executor
        return self._made[place]

    @property
    def made(self) -> dict[Place, ContextExecutor]:
        """Those that are in use."""
        return dict(self._made)

    def close(self) -> None:
        """Close all; one that hangs or fails holds up nobody. Where nothing was ever run, there is nothing to close."""
        made, self._made = self._made, {}
        atexit.unregister(self.close)
        if made and self._portal.is_open:  # at exit no thread can be started any more
            self._portal.wait_for(_closed(list(made.values())))


async def _closed(executors: list[ContextExecutor]) -> None:
    closing = asyncio.gather(*(executor.aclose() for executor in executors), return_exceptions=True)
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(closing, _CLOSING_S)
