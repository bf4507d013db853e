"""Faults of a provider that only show on the wire: rate limits, server errors, garbage."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from liteagent_nb.testing.script import Line

__all__ = ["Garbage", "RateLimited", "ServerError", "WireLine", "expanded"]


@dataclass(frozen=True, slots=True)
class RateLimited:
    """Answer *times* requests with status 429. *retry_after* is the header's value: seconds or a date."""

    times: int = 1
    retry_after: float | str | None = None
    code: str = "rate_limit_exceeded"
    message: str = "Rate limit reached for requests"


@dataclass(frozen=True, slots=True)
class ServerError:
    """Answer *times* requests with an error status; *body* stands in for OpenAI's error object."""

    status: int = 500
    times: int = 1
    message: str = "The server had an error while processing your request."
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class Garbage:
    """Send *data* as it stands, with status 200, as if it were a stream."""

    data: bytes = b"data: {this is no JSON\n\n"
    content_type: str = "text/event-stream"


WireLine: TypeAlias = "Line | RateLimited | ServerError | Garbage"
"""One answer of a provider's script."""


def expanded(script: Iterable[WireLine]) -> Iterator[WireLine]:
    """Repeat faults that last for several requests."""
    for line in script:
        if isinstance(line, RateLimited | ServerError):
            yield from [replace(line, times=1)] * line.times
        else:
            yield line
