"""The one door to litellm: imported without network, chatter and warnings."""

from __future__ import annotations

import warnings

from liteagent_nb import environment

environment.prepare_litellm()
with warnings.catch_warnings():
    # Pydantic warns of litellm's own types when they are first built: that is nothing a user can mend.
    warnings.simplefilter("ignore")
    import litellm

    litellm.ModelResponse()
    litellm.ModelResponseStream()

# litellm prints a list of providers, and where to file bugs, on every error otherwise.
litellm.suppress_debug_info = True

__all__ = ["litellm"]
