"""Doubles and checks for tests, as public API. The strict provider, a web server, is in `testing.provider`."""

from __future__ import annotations

from liteagent_nb.testing.script import Asked, Line, breaks_off, call, calls, endless, slow
from liteagent_nb.testing.scripted import ScriptedModel
from liteagent_nb.testing.validator import ProtocolViolation, check_request

__all__ = [
    "Asked",
    "Line",
    "ProtocolViolation",
    "ScriptedModel",
    "breaks_off",
    "call",
    "calls",
    "check_request",
    "endless",
    "slow",
]
