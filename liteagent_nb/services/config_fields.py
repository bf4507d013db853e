"""AgentConfig at the door: its fields with their kinds, read off the class itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints

from liteagent_nb.core.config import ABOVE_ZERO, LEAST, AgentConfig
from liteagent_nb.services.kinds import FLAG, NUMBER, OBJECT, TEXT, TEXTS, WHOLE, Kind, above, or_null

__all__ = ["CONFIG_KINDS", "read_config"]

_KINDS: dict[Any, Kind] = {str: TEXT, bool: FLAG, int: WHOLE, float: NUMBER, tuple: TEXTS, Mapping: OBJECT}


def _kind_of(name: str, hint: Any) -> Kind:
    options = get_args(hint)
    is_optional = NoneType in options
    plain = next(option for option in options if option is not NoneType) if is_optional else hint
    kind = _bounded(name, _KINDS[get_origin(plain) or plain])
    return or_null(kind) if is_optional else kind


def _bounded(name: str, kind: Kind) -> Kind:
    if name in LEAST:
        return above(kind, LEAST[name], with_bound=True)
    return above(kind, 0) if name in ABOVE_ZERO else kind


_HINTS = get_type_hints(AgentConfig)

CONFIG_KINDS: dict[str, Kind] = {field.name: _kind_of(field.name, _HINTS[field.name]) for field in fields(AgentConfig)}
"""Every field of AgentConfig."""


def read_config(said: Mapping[str, object]) -> AgentConfig:
    """Return the config that *said* has the fields of, which were checked before. Raises `ConfigError`."""
    chosen: dict[str, Any] = {name: _as_value(said[name]) for name in CONFIG_KINDS if name in said}
    return AgentConfig(**chosen)


def _as_value(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value
