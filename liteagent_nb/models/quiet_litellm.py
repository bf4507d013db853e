"""The one door to litellm: imported without network, chatter and warnings."""

from __future__ import annotations

import contextlib
import importlib
import warnings
from typing import Any

from liteagent_nb import environment

environment.prepare_litellm()
with warnings.catch_warnings():
    # Pydantic warns of litellm's own types when they are first built: that is nothing a user can mend.
    warnings.simplefilter("ignore")
    import litellm

    litellm.ModelResponse()
    litellm.ModelResponseStream()
    with contextlib.suppress(ImportError):  # from 1.110 on loaded by every first request, whatever its provider
        importlib.import_module("litellm.llms.github_copilot.per_user_auth")

# litellm prints a list of providers, and where to file bugs, on every error otherwise.
litellm.suppress_debug_info = True

__all__ = ["inside_litellm", "litellm", "ssl_context"]

inside_litellm: Any = litellm
"""The same, for what litellm declares to nobody: its translators, its switches. Who reads them expects them to move."""


def ssl_context() -> Any:
    """Return what litellm checks certificates with."""
    http_handler: Any = importlib.import_module("litellm.llms.custom_httpx.http_handler")
    return http_handler.get_ssl_configuration()
