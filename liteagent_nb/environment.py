"""The one module that reads the environment."""

from __future__ import annotations

import functools
import json
import os
import re
import tempfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "child_environment",
    "expanded",
    "has_proxy_for",
    "is_flag_set",
    "key_names",
    "key_values",
    "plus",
    "prepare_litellm",
    "replace_environment",
    "secret_values",
    "server_environment",
    "text",
    "without",
]

_SECRET_NAMES = re.compile(
    r"(?:^|_)(?:API_?KEY|KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?|COOKIE|HEADERS|DSN)(?:_|$)"
)
_REFERENCE = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")
_OWN_KEY = "MINI_AGENT_API_KEY"
_SECRET_MIN_CHARS = 8
"""Shorter values are switches (`TOKENIZERS=false`) or placeholders; masking them would garble plain words."""

_CHILD_NAMES = (
    "PATH LANG LC_ALL LC_CTYPE TZ TERM SYSTEMROOT LD_LIBRARY_PATH DYLD_LIBRARY_PATH VIRTUAL_ENV OMP_NUM_THREADS "
    "OPENBLAS_CORETYPE OPENBLAS_L2_SIZE JAVA_HOME GOROOT RUSTUP_HOME CARGO_HOME"
).split()


def text(name: str, default: str = "") -> str:
    """Return the variable *name*, or *default* where it is unset or blank."""
    return os.environ.get(name, "").strip() or default


def is_flag_set(name: str) -> bool:
    """Whether *name* says yes: `1`, `true`, `yes` or `on`."""
    return text(name).lower() in {"1", "true", "yes", "on"}


def key_names() -> list[str]:
    """Return the names (never the values) of the model keys that are set, `OPENAI_API_KEY` for instance."""
    return [name for name in _keys() if name != _OWN_KEY]


def key_values() -> list[str]:
    """Return the values of the keys that are set, our own services' too: what must never be shown."""
    return [os.environ[name].strip() for name in _keys()]


def _keys() -> list[str]:
    return sorted(name for name, value in os.environ.items() if name.endswith("_API_KEY") and value.strip())


def secret_values() -> list[str]:
    """Return the values of all variables whose names speak of a secret; of JSON headers the values in it."""
    found = (value.strip() for name, value in os.environ.items() if _SECRET_NAMES.search(name.upper()))
    return [word for value in found for word in _secrets_of(value) if len(word) >= _SECRET_MIN_CHARS]


def _secrets_of(value: str) -> list[str]:
    try:
        headers = json.loads(value)
    except ValueError:
        return [value]
    if not isinstance(headers, dict):
        return [value]
    return [word for inner in headers.values() for word in (str(inner), *str(inner).split())]


@functools.lru_cache(maxsize=64)  # a look at every variable, for the answer that hardly ever changes
def has_proxy_for(url: str) -> bool:
    """Whether requests to *url* go through a proxy."""
    import urllib.parse  # noqa: PLC0415
    import urllib.request  # noqa: PLC0415 - http, mail and ssl come with it

    parts = urllib.parse.urlsplit(url)
    proxies = urllib.request.getproxies()
    is_named = bool(proxies.get(parts.scheme) or proxies.get("all"))
    return is_named and not urllib.request.proxy_bypass(parts.hostname or "")


def prepare_litellm() -> None:
    """Keep litellm from fetching its price map over the network; to be called before it is imported."""
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")


def child_environment(home: str | None = None) -> dict[str, str]:
    """Return the environment for code that an agent runs: an allow-list, so no key or token gets in.

    *home* becomes HOME and TMPDIR.
    """
    home = home or tempfile.gettempdir()
    kept = {name: os.environ[name] for name in _CHILD_NAMES if name in os.environ}
    return {**kept, "HOME": home, "TMPDIR": home, "PYTHONIOENCODING": "utf-8", "PYTHONDONTWRITEBYTECODE": "1"}


def server_environment() -> dict[str, str]:
    """Return the environment for a program that the user names by its command: no key gets in, its own home does."""
    clean = child_environment(os.path.expanduser("~"))  # noqa: PTH111 - a home that is not there is no error here
    clean.pop("PYTHONDONTWRITEBYTECODE")  # code of an agent leaves nothing behind; a program may keep what it compiled
    return {**clean, "TMPDIR": tempfile.gettempdir()}


def expanded(value: str) -> str:
    """Return *value* with each `${NAME}` replaced by that variable, each `${NAME:-other}` by *other* without one.

    Raises `KeyError` for a variable that is not set.
    """
    return _REFERENCE.sub(_referred, value)


def _referred(reference: re.Match[str]) -> str:
    name, default = reference.groups()
    return os.environ[name] if default is None else text(name, default)


def replace_environment(variables: Mapping[str, str]) -> None:
    """Make *variables* the whole environment: for a process that was forked to become another."""
    os.environ.clear()
    os.environ.update(variables)


def plus(**variables: str) -> dict[str, str]:
    """Return the environment with those *variables*."""
    return {**os.environ, **variables}


def without(*names: str) -> dict[str, str]:
    """Return the environment without the variables *names*."""
    return {name: value for name, value in os.environ.items() if name not in names}
