"""A local server that replays recorded bytes, in a process of its own, and arms that ask it: no key, no network."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from liteagent_nb import environment
from liteagent_nb.core.chat import Transcript
from liteagent_nb.core.errors import ConfigError
from liteagent_nb.parity.arms import Prompt, ServerTimes
from liteagent_nb.parity.making_arms import core_arm

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from liteagent_nb.parity.arms import Arm

__all__ = ["LOCAL_PROMPTS", "ReplayServer", "replaying"]

_SCRIPT = Path(__file__).with_name("replay_server.py")
_PATIENCE_S = 10

LOCAL_PROMPTS = tuple(
    Prompt(name.replace(" ", "-"), Transcript.of(f"replay {name}")) for name in ("text 200", "letters 100", "calls 8")
)
"""What the server has recordings of: plain pieces, pieces of many scripts, and calls of tools."""


@dataclass(frozen=True, slots=True)
class ReplayServer:
    """The server at *url*."""

    url: str
    client: httpx.AsyncClient

    def core(self, name: str) -> Arm:
        """Return a Router with that streaming core, which asks this server."""
        params = {"model": "openai/replayed", "api_base": f"{self.url}/v1", "api_key": "none"}
        deployment = {"model_name": "replayed", "litellm_params": params}
        return core_arm(name, [deployment], server_times=self.times, prompts=LOCAL_PROMPTS)

    async def times(self) -> ServerTimes | None:
        """Return when the last answer went out; None where there was none."""
        told = (await self.client.get(f"{self.url}/times")).json()
        return ServerTimes(**told) if told else None


@asynccontextmanager
async def replaying() -> AsyncIterator[ReplayServer]:
    """Run the server until the end of the block."""
    process = await asyncio.to_thread(_started)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        port = (await asyncio.to_thread(process.stdout.readline)).strip()
        if not port:
            raise ConfigError("the local server does not start", hint="does this Python start at all: python -I -c 1")
        async with httpx.AsyncClient(trust_env=False, timeout=_PATIENCE_S) as client:
            yield ReplayServer(f"http://127.0.0.1:{port}", client)
    finally:
        process.stdin.close()  # it ends by that, and so it would if this process were gone
        process.stdout.close()
        await asyncio.to_thread(process.wait, _PATIENCE_S)


def _started() -> subprocess.Popen[str]:
    command = [sys.executable, "-I", str(_SCRIPT)]
    env = environment.child_environment()
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env)
