"""The variables of a context, asked by executing code: near, over HTTP and over a gateway alike."""

from __future__ import annotations

import contextlib
import inspect
import json
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from liteagent_nb.kernels import _variables

if TYPE_CHECKING:
    from liteagent_nb.kernels.protocol import ContextExecutor

__all__ = ["Variable", "variables_of"]

_SOURCE = inspect.getsource(_variables)
_WITHIN_S = 3.0


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable as a list shows it."""

    name: str
    kind: str
    """The name of its type."""
    text: str
    """Its value in a few words."""


async def variables_of(executor: ContextExecutor, context: str) -> tuple[Variable, ...] | None:
    """Return the variables of a Python context, by name; None where it does not answer within three seconds.

    Raises `UnknownContext`. The code that asks defines nothing there.
    """
    ticket = secrets.token_hex(8)
    ask = f"lambda of: (exec({_SOURCE!r}, of), print(of['listed'](globals(), {ticket!r})))"
    code = f"({ask})({{'__name__': 'listing'}});"  # the semicolon: no value is shown, and `_` is kept
    result = await executor.execute(code, timeout_s=_WITHIN_S, context=context)
    for line in result.stdout.splitlines():
        if ticket in line:  # other threads may print, too
            with contextlib.suppress(ValueError):
                told: dict[str, Any] = json.loads(line)
                return tuple(Variable(*(str(word) for word in row)) for row in told["rows"])
    return None
