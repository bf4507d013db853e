"""BatchTask: one task of a batch, and the key that a checkpoint finds it by."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, TypeAlias

from liteagent_nb.cassettes.masking import Mask
from liteagent_nb.cassettes.requests import model_request
from liteagent_nb.core.chat import Transcript, text_of
from liteagent_nb.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from liteagent_nb.core.config import AgentConfig

__all__ = ["BatchTask", "Tasks", "limits_in", "numbered"]

Tasks: TypeAlias = Iterable[str | Iterable[object] | Transcript]
"""Each a text, or chat messages; may be endless."""

_LIMITS = ("max_total_seconds", "max_tokens_total", "max_cost_usd", "tool_timeout_sec")
"""What may cut an answer short, but does not shape one that was reached within it."""
_NOT_SHAPING = frozenset({*_LIMITS, "model", "completion_kwargs", "temperature", "tool_concurrency"})
"""Limits, what the request itself tells already, and how fast it goes."""


@dataclass(frozen=True, slots=True)
class BatchTask:
    """The task at *index*; *key* is the same in every start of the same batch."""

    index: int
    transcript: Transcript
    key: str

    @property
    def text(self) -> str:
        """What the user asked, for people."""
        asked = (m for m in reversed(self.transcript.messages) if m.get("role") == "user")
        return text_of(next(asked, {}).get("content"))


def numbered(tasks: Tasks, config: AgentConfig, *, has_keys: bool) -> Iterator[BatchTask]:
    """Give each of *tasks* its index, and where *has_keys* its key, as it is asked for.

    The key is a digest of task, model and all of *config* that shapes an answer; no secret and no server goes
    into it. Equal tasks are told apart by which of them it is. Raises `ConfigError` for a table, which is no list of
    tasks.
    """
    if hasattr(tasks, "columns") or isinstance(tasks, str):
        hint = 'give a list of texts, or a column: df["question"]; %%agent --each df fills a template'
        raise ConfigError(f"a {type(tasks).__name__} is no list of tasks", hint=hint)
    keys = _Keys(config) if has_keys else None
    for index, task in enumerate(tasks):
        transcript = Transcript.of(task)
        yield BatchTask(index, transcript, keys.next_of(transcript) if keys else "")


class _Keys:
    """The keys of a batch's tasks, one after the other."""

    def __init__(self, config: AgentConfig) -> None:
        self._config = config
        self._shape = _shape_of(config)
        self._mask = Mask()
        self._seen: Counter[bytes] = Counter()

    def next_of(self, transcript: Transcript) -> str:
        request = model_request(self._config.model, transcript, (), self._config.settings(), mask=self._mask)
        digest = hashlib.sha256(f"{request.key} {self._shape}".encode()).digest()[:16]
        self._seen[digest] += 1
        return f"{digest.hex()}-{self._seen[digest]}"


def limits_in(config: AgentConfig) -> list[float | None]:
    """Return the limits of one run."""
    return [getattr(config, name) for name in _LIMITS]


def _shape_of(config: AgentConfig) -> str:
    names = sorted({field.name for field in fields(config)} - _NOT_SHAPING)
    shaping: Mapping[str, object] = {name: getattr(config, name) for name in names}
    return json.dumps(shaping, sort_keys=True, default=str)
