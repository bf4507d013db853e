"""Where Ollama is: the first address that answers, of those that are usual on a machine and in containers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx

from liteagent_nb import environment
from liteagent_nb.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["resolve_ollama_base"]

_PORT = 11434
_USUAL = ("127.0.0.1", "ollama", "host.docker.internal", "172.17.0.1")
"""This machine; the compose service; the machine, seen from inside a container of it, by name and by address."""
_ANSWER_WITHIN_S = 2.0


def resolve_ollama_base(bases: Iterable[str] = ()) -> str:
    """Return the base URL of an Ollama server that answers: of *bases*, of the environment, or of the usual places.

    Raises `ConfigError` where none does.
    """
    asked = []
    for base in bases or _candidates():
        if _answers(base):
            return base
        asked.append(base)
    hint = "start it (ollama serve), or name its address in OLLAMA_API_BASE"
    raise ConfigError(f"no Ollama answers at {', '.join(asked)}", hint=hint)


def _candidates() -> Iterator[str]:
    """Yield the named address alone where there is one: another server than the named one would be a surprise."""
    named = environment.text("OLLAMA_API_BASE") or environment.text("OLLAMA_HOST")
    if not named:
        yield from (f"http://{host}:{_PORT}" for host in _USUAL)
        return
    base = named if "://" in named else f"http://{named}"
    # Ollama's own variable says where it listens, on every address of the machine for instance.
    url = httpx.URL(base.rstrip("/"))
    host = "127.0.0.1" if url.host in {"0.0.0.0", "::"} else url.host  # noqa: S104 - nothing is bound here
    yield str(url.copy_with(host=host, port=url.port or (_PORT if "://" not in named else None))).rstrip("/")


def _answers(base: str) -> bool:
    try:
        said = httpx.get(f"{base}/api/version", timeout=_ANSWER_WITHIN_S, trust_env=False).json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError):
        return False
    return isinstance(said, dict) and bool(said.get("version"))
