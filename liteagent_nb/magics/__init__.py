"""The IPython face: one file a magic."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from liteagent_nb.core.portal import Portal
from liteagent_nb.magics.agent_magic import AgentMagics
from liteagent_nb.magics.transformer import keep_questions
from liteagent_nb.panels.formatters import register_formatters, unregister_formatters

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["load", "unload"]


def load(shell: InteractiveShell) -> None:
    """Give *shell* the magics, their completion, and a look for runs."""
    unload(shell)
    magics = AgentMagics(shell, Portal())
    shell.register_magics(magics)
    shell.Completer.custom_matchers.append(magics.matcher)
    shell.input_transformers_cleanup.append(keep_questions)
    register_formatters(shell)


def unload(shell: InteractiveShell) -> None:
    """Take back all that `load` gave; does nothing where nothing was loaded."""
    manager = shell.magics_manager
    magics = manager.registry.pop(AgentMagics.__name__, None)
    if not isinstance(magics, AgentMagics):
        return
    for kind in ("line", "cell"):
        manager.magics[kind].pop("agent", None)
    configurables: list[object] = cast("list[object]", shell.configurables)
    configurables.remove(magics)
    shell.Completer.custom_matchers.remove(magics.matcher)
    shell.input_transformers_cleanup.remove(keep_questions)
    unregister_formatters(shell)
    magics.portal.close()
