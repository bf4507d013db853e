"""MCP servers as the user's file names them: the `mcpServers` map that other tools read, too."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import urlsplit

from liteagent_nb import environment
from liteagent_nb.core.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["HttpServer", "Server", "StdioServer", "filled_in", "read_file", "read_servers"]

_SHAPE = '{"mcpServers": {"NAME": {"command": "PROGRAM", "args": []}, "OTHER": {"url": "https://…/mcp"}}}'


@dataclass(frozen=True, slots=True)
class StdioServer:
    """A server that is a program of this machine."""

    name: str
    command: str
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What it gets beside a clean environment; `${NAME}` in a value is a variable of the user's."""
    cwd: str = ""


@dataclass(frozen=True, slots=True)
class HttpServer:
    """A server that is asked over streamable HTTP."""

    name: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """`${NAME}` in a value is a variable of the user's."""


Server: TypeAlias = StdioServer | HttpServer


def read_file(path: Path) -> Mapping[str, object]:
    """Return the JSON object in the file at *path*. Raises `ConfigError` where there is none."""
    try:
        content = json.loads(path.expanduser().read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"the MCP servers cannot be read: {error}", hint=f"a file with {_SHAPE}") from None
    except ValueError as error:
        raise ConfigError(f"{path} is no JSON: {error}", hint=f"it should hold {_SHAPE}") from None
    if not isinstance(content, dict):
        raise ConfigError(f"{path} holds no JSON object", hint=f"it should hold {_SHAPE}")
    return content


def read_servers(config: Mapping[str, object]) -> tuple[Server, ...]:
    """Return the servers of a map, without those that are `disabled`. Raises `ConfigError` for what is none."""
    servers = config.get("mcpServers", config)
    if not isinstance(servers, Mapping) or not all(isinstance(about, Mapping) for about in servers.values()):
        raise ConfigError("this is no map of MCP servers", hint=f"it looks so: {_SHAPE}")
    return tuple(_server(str(name), about) for name, about in servers.items() if not about.get("disabled"))


def _server(name: str, about: Mapping[str, object]) -> Server:
    command, url = about.get("command"), about.get("url")
    if about.get("type") == "sse":
        raise ConfigError(f"MCP server {name!r} speaks sse, MCP's old transport", hint="give its streamable HTTP url")
    if isinstance(command, str) and command and url is None:
        cwd = about.get("cwd") or ""
        if not isinstance(cwd, str):
            raise _unfit(name, "`cwd` must be a text")
        return StdioServer(name, command, _texts(name, about), _pairs(name, about, "env"), cwd)
    if isinstance(url, str) and command is None:
        if urlsplit(url).scheme not in {"http", "https"}:
            raise _unfit(name, f"{url!r} is no http or https URL")
        return HttpServer(name, url, _pairs(name, about, "headers"))
    raise _unfit(name, "it needs a `command` or a `url`, and not both")


def _texts(name: str, about: Mapping[str, object]) -> tuple[str, ...]:
    args = about.get("args") or []
    if not isinstance(args, list | tuple) or not all(isinstance(arg, str) for arg in args):
        raise _unfit(name, "`args` must be a list of texts")
    return tuple(args)


def _pairs(name: str, about: Mapping[str, object], key: str) -> dict[str, str]:
    pairs = about.get(key) or {}
    if not isinstance(pairs, Mapping) or not all(isinstance(value, str) for value in pairs.values()):
        raise _unfit(name, f"`{key}` must be a map of texts")
    return {str(key): str(value) for key, value in pairs.items()}


def _unfit(name: str, why: str) -> ConfigError:
    return ConfigError(f"MCP server {name!r} cannot be used: {why}", hint=f"it looks so: {_SHAPE}")


def filled_in(server: Server, pairs: Mapping[str, str]) -> dict[str, str]:
    """Return *pairs* with the variables that they name. Raises `ConfigError` for one that is not set."""
    try:
        return {key: environment.expanded(value) for key, value in pairs.items()}
    except KeyError as error:
        name = error.args[0]
        raise ConfigError(
            f"MCP server {server.name!r} wants the variable {name}, which is not set",
            hint=f"set {name}, or write a default: ${{{name}:-VALUE}}",
        ) from None
