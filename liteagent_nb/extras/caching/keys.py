"""When two requests are the same: a digest of all that can change the answer."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from liteagent_nb import environment

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["RequestKeys"]

_FORMAT = "liteagent-answers-1"
"""Changes with what is written of an answer, so that old entries are not read."""
_ABOUT_SENDING = frozenset(
    "metadata litellm_metadata cache caching timeout request_timeout stream_timeout num_retries max_retries priority "
    "litellm_call_id litellm_trace_id litellm_logging_obj logger_fn verbose no-log".split()
)
"""How a request is sent and noted: the answer does not hang on it."""
_ABOUT_LOAD = frozenset("rpm tpm weight order timeout stream_timeout max_retries max_parallel_requests tags".split())
"""How a deployment is chosen among those of its name."""
_MAX_KNOWN = 256


class RequestKeys:
    """The keys of one router's requests.

    They cover the request whatever the order of its keys, the servers that its model's name stands for (addresses,
    versions, whose API key), the router's default parameters, and what the environment gives where these say nothing.
    All of it goes through SHA-256: no key or prompt can be read out of what is stored under it.
    """

    def __init__(self, router: Any) -> None:
        self._router = router
        self._known: dict[str, tuple[int | None, bytes, tuple[str, ...]]] = {}

    def key_of(self, request: Mapping[str, Any]) -> str | None:
        """Return the key of *request*; None where something in it cannot be compared, a callable for instance."""
        asked = {name: value for name, value in request.items() if name not in _ABOUT_SENDING and value is not None}
        servers, variables = self._servers_of(str(asked.get("model")))
        try:
            told = _canonical([asked, _tags(request), [environment.text(name) for name in variables]])
        except (TypeError, ValueError, RecursionError):
            return None
        return hashlib.sha256(servers + told).hexdigest()

    def _servers_of(self, model: str) -> tuple[bytes, tuple[str, ...]]:
        """Return what *model* stands for, and the variables that say the rest."""
        version = _version(self._router)
        known = self._known.get(model)
        if known is None or version is None or known[0] != version:
            if len(self._known) >= _MAX_KNOWN:
                self._known.clear()
            known = self._known[model] = (version, *_described(self._router, model))
        return known[1:]


def _tags(request: Mapping[str, Any]) -> object:
    """Return what, of all metadata, chooses among deployments."""
    metadata = request.get("metadata")
    return metadata.get("tags") if isinstance(metadata, dict) else None


def _version(router: Any) -> int | None:
    """Return what moves with each change of the router's deployments; None where it keeps no such count."""
    registry = getattr(router, "registry", None)
    return registry().version if callable(registry) else None


def _described(router: Any, model: str) -> tuple[bytes, tuple[str, ...]]:
    deployments, aliases, defaults = _configuration(router)
    # A name that is no deployment's own is an alias, a pattern or a fallback: any of them may answer.
    named = [each for each in deployments if each.get("model_name") == model] or deployments
    params = [
        {name: value for name, value in dict(each.get("litellm_params") or {}).items() if name not in _ABOUT_LOAD}
        for each in named
    ]
    told = json.dumps([_FORMAT, sorted(map(_loosely, params)), _loosely(aliases), _loosely(defaults)])
    return hashlib.sha256(told.encode()).digest(), tuple(sorted({name for each in params for name in _variables(each)}))


def _configuration(router: Any) -> tuple[list[Any], object, object]:
    registry = getattr(router, "registry", None)
    if callable(registry):
        return registry().all(), registry().aliases(), router.settings().default_litellm_params
    parts = (getattr(router, name, None) for name in ("model_list", "model_group_alias", "default_litellm_params"))
    deployments, aliases, defaults = parts
    return deployments or [], aliases, defaults


def _variables(params: Mapping[str, Any]) -> list[str]:
    """Return the variables that litellm reads for a deployment which does not name its server, or a key."""
    provider = params.get("custom_llm_provider") or str(params.get("model")).partition("/")[0]
    names = [] if params.get("api_key") else ["API_KEY"]
    names += [] if params.get("api_base") or params.get("base_url") else ["API_BASE", "BASE_URL"]
    return [f"{prefix}_{name}" for prefix in {str(provider).upper(), "OPENAI"} for name in names]


def _canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=_plain).encode("utf-8", "surrogatepass")


def _plain(value: Any) -> object:
    """Return what pydantic's models, and their classes as response formats, say; raises `TypeError` for others."""
    if isinstance(value, type) and hasattr(value, "model_json_schema"):
        return value.model_json_schema()
    if hasattr(value, "model_dump") and not isinstance(value, type):
        return value.model_dump()
    raise TypeError(f"a {type(value).__name__} cannot be compared")


def _loosely(value: object) -> str:
    """Return *value* as text; of what JSON cannot say, how it prints: that holds for this process at least."""
    return json.dumps(value, sort_keys=True, default=repr)
