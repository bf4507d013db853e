"""The headers for a tools host: those that its caller gives, and the environment's where it may have them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx

from liteagent_nb import environment
from liteagent_nb.core.errors import ConfigError

__all__ = ["HostHeaders", "headers_for", "read_url"]

_DEFAULTS = "MINI_AGENT_TOOL_HTTP_HEADERS"
_ALLOWED = "MINI_AGENT_TOOL_HTTP_ALLOW"
_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE = re.compile(r"[\x20-\x7e\t]*")
_HOST = re.compile(r"[\w.:-]+")
_OWN = frozenset(
    "accept-encoding connection content-length content-type host te trailer transfer-encoding upgrade".split()
)
"""What the client says itself: another value would break the request, or send it elsewhere."""


@dataclass(frozen=True, slots=True)
class HostHeaders:
    """What a host is sent. Any header may hold a secret, so none is shown, and none goes to another origin."""

    values: Mapping[str, str] = field(repr=False)
    is_withheld: bool = False
    """Whether the environment has headers that this host does not get."""

    @property
    def secrets(self) -> list[str]:
        """What no error may show: the values, and the words in them."""
        return [word for value in self.values.values() for word in (value, *value.split())]

    @property
    def hint(self) -> str:
        """What to do where the host asks who is there."""
        if self.is_withheld:
            return f"the headers of {_DEFAULTS} go only to hosts that {_ALLOWED} names"
        return f"give headers, or set {_DEFAULTS} and {_ALLOWED}"


def headers_for(base: httpx.URL, given: Mapping[str, str] | None = None) -> HostHeaders:
    """Return the headers for the host at *base*; those *given* for it win, whatever the case of their names.

    Raises `ConfigError` for what cannot be a header, and for variables that cannot be read; values are never shown.
    """
    defaults = _checked(_from_environment(), _DEFAULTS)
    is_allowed = any(_is_at(base, entry) for entry in environment.text(_ALLOWED).split(",") if entry.strip())
    merged = httpx.Headers(defaults if is_allowed else {})
    merged.update(_checked(given or {}, "headers"))
    return HostHeaders(dict(merged), is_withheld=bool(defaults) and not is_allowed)


def read_url(text: str, beside: httpx.URL | None = None) -> httpx.URL:
    """Return the URL in *text*, seen from *beside*; an empty one where it is none."""
    try:
        url = httpx.URL(text) if beside is None else beside.join(text)
        return url if url.host else httpx.URL()  # a name may turn out to be none when it is read
    except (httpx.InvalidURL, TypeError, ValueError):
        return httpx.URL()


def _from_environment() -> object:
    try:
        return json.loads(environment.text(_DEFAULTS, "{}"))
    except (ValueError, RecursionError):  # the error itself would show a piece of the value
        raise ConfigError(f"{_DEFAULTS} is not JSON", hint='such as {"Authorization": "Bearer …"}') from None


def _checked(headers: object, source: str) -> dict[str, str]:
    if not isinstance(headers, Mapping):
        raise ConfigError(f"{source} must be an object of names and texts", hint='such as {"Authorization": "…"}')
    checked: dict[str, str] = {}
    for name, value in headers.items():
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise ConfigError(f"{source} holds a name that no header can have", hint="letters, digits and dashes")
        if name.lower() in _OWN:
            raise ConfigError(f"{source} must not set {name}", hint="leave it out: the request sets it itself")
        if not isinstance(value, str) or not _VALUE.fullmatch(value):
            raise ConfigError(f"{source}: the value of {name} cannot be sent", hint="ASCII text without line breaks")
        checked[name] = value.strip()
    return checked


def _is_at(base: httpx.URL, entry: str) -> bool:
    """Whether *entry*, an origin or a host, is where *base* is. A host alone means https there, or loopback."""
    entry = entry.strip()
    allowed = read_url(entry if "://" in entry else f"//{entry}")
    if not _HOST.fullmatch(allowed.host):
        raise ConfigError(
            f"{_ALLOWED} holds what is no origin", hint="such as https://tools.example.org,127.0.0.1:8791"
        )
    if allowed.host != base.host:
        return False
    if allowed.scheme:
        return (allowed.scheme, allowed.port) == (base.scheme, base.port)
    is_loopback = base.host in {"localhost", "::1"} or base.host.startswith("127.")
    return (base.scheme == "https" or is_loopback) and allowed.port in {None, base.port}
