"""Ours over litellm's whole path, beside the hand loop over litellm: what our own loop adds."""

from __future__ import annotations

import liteagent


def litellm_only():
    """Return settings that change nothing, but that no server knows: litellm itself has to send the request."""
    return {"caching": False}


def conversation(task):
    return liteagent.conversation(task, settings=litellm_only())
