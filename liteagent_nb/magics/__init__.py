"""The IPython face: one file a magic."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, cast

from liteagent_nb.core.portal import Portal
from liteagent_nb.magics.agent_magic import AgentMagics
from liteagent_nb.magics.cassette_command import find_cassette
from liteagent_nb.magics.exec_magic import ExecMagics
from liteagent_nb.magics.executors import Executors
from liteagent_nb.magics.parity_magic import ParityMagics
from liteagent_nb.magics.serve_command import stop_serving
from liteagent_nb.magics.transformer import keep_questions
from liteagent_nb.panels.formatters import register_formatters, unregister_formatters

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["load", "unload"]


def load(shell: InteractiveShell) -> None:
    """Give *shell* the magics, their completion, and a look for what they return."""
    unload(shell)
    portal = Portal()
    executors = Executors(portal)
    agent = AgentMagics(shell, portal, executors)
    execs = ExecMagics(shell, portal, executors, partial(find_cassette, agent))
    for magics in (agent, execs, ParityMagics(shell, portal)):
        shell.register_magics(magics)
        shell.Completer.custom_matchers.append(magics.matcher)
    shell.input_transformers_cleanup.append(keep_questions)
    register_formatters(shell)


def unload(shell: InteractiveShell) -> None:
    """Take back all that `load` gave; does nothing where nothing was loaded."""
    kinds = (AgentMagics, ExecMagics, ParityMagics)
    agent, execs, parity = (shell.magics_manager.registry.pop(kind.__name__, None) for kind in kinds)
    if not (isinstance(agent, AgentMagics) and isinstance(execs, ExecMagics) and isinstance(parity, ParityMagics)):
        return
    configurables: list[object] = cast("list[object]", shell.configurables)
    for name, magics in (("agent", agent), ("exec", execs), ("parity", parity)):
        for kind in ("line", "cell"):
            shell.magics_manager.magics[kind].pop(name, None)
        configurables.remove(magics)
        shell.Completer.custom_matchers.remove(magics.matcher)
    shell.input_transformers_cleanup.remove(keep_questions)
    unregister_formatters(shell)
    stop_serving(agent)
    if agent.answers is not None:
        agent.answers.close()
    execs.executors.close()
    agent.servers.close()
    agent.portal.close()
