"""Checks of what is around: Redis, Docker, and the ports of our services. What nobody named may be missing."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING

import httpx

from liteagent_nb import environment
from liteagent_nb.checks.check import Bench, Skipped
from liteagent_nb.core.errors import ConfigError
from liteagent_nb.services.serving import Place, listening

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["docker", "ports", "redis"]

_ANSWER_WITHIN_S = 3
_DOCKER_WITHIN_S = 20
_HEALTH_WITHIN_S = 1
_KEY = "liteagent_nb:check"
_REDIS_REMEDY = "start redis-server, or mend REDIS_URL, or REDIS_HOST and REDIS_PORT; configure_cache needs none"


def redis(_bench: Bench) -> str:
    """Write to the Redis that the environment names, else to the one of this machine, and read it back."""
    is_named = any(map(environment.text, ("REDIS_URL", "REDIS_HOST", "REDIS_PORT")))
    try:
        import redis as client  # noqa: PLC0415 - an extra
    except ImportError:
        raise Skipped("the extra redis is not installed", remedy='pip install "liteagent_nb[redis]"') from None
    limits = {"socket_timeout": _ANSWER_WITHIN_S, "socket_connect_timeout": _ANSWER_WITHIN_S}
    try:
        with client.Redis.from_url(environment.text("REDIS_URL") or _redis_url(), **limits) as server:
            server.set(_KEY, "123", px=_ANSWER_WITHIN_S * 1000)
            found = bytes(server.get(_KEY) or b"nothing").decode()
    except (client.RedisError, ValueError) as error:
        if is_named:
            raise ConfigError(f"the Redis that is named does not answer: {error}", hint=_REDIS_REMEDY) from None
        raise Skipped("no Redis is named, and none answers on this machine", remedy=_REDIS_REMEDY) from None
    return f"{'the named Redis' if is_named else 'the Redis of this machine'} keeps {found}"


def _redis_url() -> str:
    password = environment.text("REDIS_PASSWORD")
    login = f":{password}@" if password else ""
    return f"redis://{login}{environment.text('REDIS_HOST', '127.0.0.1')}:{environment.text('REDIS_PORT', '6379')}/0"


def docker(_bench: Bench) -> str:
    """Ask the Docker engine for its version."""
    program = shutil.which("docker")
    if program is None:
        raise Skipped("docker is not installed", remedy="only the compose files need it (binder/compose)")
    command = [program, "version", "--format", "{{json .Server}}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_DOCKER_WITHIN_S, check=False)
    except subprocess.TimeoutExpired:
        raise Skipped("the Docker engine does not answer", remedy="start it") from None
    said = done.stdout.strip()
    if done.returncode or not said.startswith("{"):
        raise Skipped("docker is there, its engine is not", remedy="start it; only binder/compose needs it")
    return f"Docker engine {json.loads(said).get('Version', 'of unknown version')}"


def ports(_bench: Bench) -> str:
    """Look whether the ports are free that our services take where none is named."""
    wanted = _ports()
    taken = {name: port for name, port in wanted.items() if not _is_free(port)}
    strangers = {name: port for name, port in taken.items() if not _is_ours(port)}
    if strangers:
        said = ", ".join(f"{port} ({name})" for name, port in strangers.items())
        name = next(iter(strangers))
        hint = f"jupyter liteagent {name} --port 0, or another number; or end what listens there"
        raise ConfigError(f"taken by another program: {said}", hint=hint)
    free = ", ".join(str(port) for name, port in wanted.items() if name not in taken)
    return f"free: {free or 'none'}" + "".join(f"; {port} is {name} already" for name, port in taken.items())


def _ports() -> Mapping[str, int]:
    said = environment.text("MINI_AGENT_API_PORT", "8788")
    if not said.isdecimal():
        raise ConfigError(f"MINI_AGENT_API_PORT is {said!r}", hint="set it to a number, such as 8788")
    return {"serve": int(said), "exec-rpc": 8790, "tools": 8791, "mcp": 8792}


def _is_free(port: int) -> bool:
    try:
        listening(Place(port=port)).close()
    except ConfigError:
        return False
    return True


def _is_ours(port: int) -> bool:
    """Whether what listens there answers as our services do."""
    try:
        answer = httpx.get(f"http://127.0.0.1:{port}/health", timeout=_HEALTH_WITHIN_S, trust_env=False)
        said = answer.json()
    except (httpx.HTTPError, ValueError):
        return False
    return isinstance(said, dict) and said.get("ok") is True
