"""The seed's import paths: `install()` makes `litellm.experimental_mcp_client.mini_agent…` and the like lead here.

Nothing of litellm is replaced: only names that nothing else answers are answered. Nothing loads before it is imported.

A line of a shell, `uvicorn litellm.experimental_mcp_client.mini_agent.agent_proxy:app` for instance, begins a process
of its own, in which nobody has called `install()`. `python -m liteagent_nb.compat uvicorn …` does, and then is that
program; it runs scripts in the same way (`python -m liteagent_nb.compat snippet.py`). With

    alias uvicorn="python -m liteagent_nb.compat uvicorn"

lines of the seed run as they are printed. Its parity scripts are there, too, where no file has their name:
`python -m liteagent_nb.compat local/scripts/router_core_parity.py`.

A hook in site-packages would spare the alias, and would be in every Python that starts there: what changes imports
should be asked for where it happens.
"""

from __future__ import annotations

import sys

from liteagent_nb.compat.finders import FIRST, LAST, answered, offer_codex_agent

__all__ = ["install", "uninstall"]


def install() -> None:
    """Answer the seed's import paths from now on; a second time changes nothing.

    litellm's map of custom providers gets `codex-agent`, too, once litellm is imported: it answers where
    `LITELLM_ENABLE_CODEX_AGENT` is set, and says so where it is not.
    """
    if LAST not in sys.meta_path:
        sys.meta_path.insert(0, FIRST)
        sys.meta_path.append(LAST)
    if "litellm" in sys.modules:
        offer_codex_agent()


def uninstall() -> None:
    """Answer them no more, and forget what was imported by them."""
    sys.meta_path[:] = [finder for finder in sys.meta_path if finder not in (FIRST, LAST)]
    for name in answered:
        sys.modules.pop(name, None)
        parent, _, child = name.rpartition(".")
        if parent in sys.modules:
            vars(sys.modules[parent]).pop(child, None)
    answered.clear()
    if "liteagent_nb.provider.codex_agent" in sys.modules:
        from liteagent_nb.provider.codex_agent import disable_codex_agent  # noqa: PLC0415 - litellm comes with it

        disable_codex_agent()
