"""The agents that a request has gone through already, so that none of them asks itself without end."""

from __future__ import annotations

from contextvars import ContextVar

__all__ = ["HEADER", "parse_via", "via", "via_header"]

HEADER = "x-liteagent-via"
"""The header that carries the ids from one agent to the next, separated by commas."""

via: ContextVar[tuple[str, ...]] = ContextVar("via", default=())
"""The ids of the agents that the present run answers through, the first one first; empty where a user asks."""


def via_header() -> dict[str, str]:
    """Return the header to send along with a request; none where no agent is on the way."""
    return {HEADER: ",".join(ids)} if (ids := via.get()) else {}


def parse_via(text: str) -> tuple[str, ...]:
    """Return the ids in a header's value."""
    return tuple(word for part in text.split(",") if (word := part.strip()))
