"""Patience: how often a request is sent again, and how long before."""

from __future__ import annotations

import random
from dataclasses import dataclass

import httpx

from liteagent_nb.models.litellm_errors import retry_after_s
from liteagent_nb.provider.names import whole_number
from liteagent_nb.provider.refusals import Refused

__all__ = ["Patience", "patience_of"]

_TOO_MANY, _SERVER_ERROR = 429, 500
_NEVER_BETTER = frozenset({501, 505, 508})
"""Not implemented, a version of HTTP, a loop: a second time they are the same."""
_BROKEN = (httpx.ConnectError, httpx.ConnectTimeout, httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError)
"""What a new connection may mend. A server that is silent for long may be at work: it is not asked twice."""


@dataclass(frozen=True, slots=True)
class Patience:
    """The retries of a request: how many, and how long before the first, at most before any."""

    retries: int
    first_s: float
    longest_s: float

    def pause_s(self, error: Exception, *, attempt: int) -> float:
        """Return how long to wait after *attempt* (0 is the first); raises *error* where it is not worth another one.

        A server that asks for a longer pause than the longest is not asked again: the error says how long.
        """
        told_s = retry_after_s(error)
        if attempt >= self.retries or not _may_pass(error) or (told_s or 0) > self.longest_s:
            raise error
        # A little at random: those who were refused together should not come back together.
        own_s = min(self.first_s * 2**attempt, self.longest_s) * random.uniform(0.75, 1)  # noqa: S311 - no secret
        return own_s if told_s is None else told_s


def patience_of(retries: int | None) -> Patience:
    """Return what the environment says; *retries*, where it is given, wins. Raises `ConfigError` for no numbers."""
    return Patience(
        retries=whole_number("CODEX_AGENT_MAX_RETRIES", 2) if retries is None else retries,
        first_s=whole_number("CODEX_AGENT_RETRY_BASE_MS", 120) / 1000,
        longest_s=whole_number("CODEX_AGENT_MAX_BACKOFF_MS", 1500) / 1000,
    )


def _may_pass(error: Exception) -> bool:
    if isinstance(error, Refused):
        status = error.status_code
        return status == _TOO_MANY or (status >= _SERVER_ERROR and status not in _NEVER_BETTER)
    return isinstance(error, _BROKEN)
