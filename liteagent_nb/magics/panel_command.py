"""`%agent panel …`: this notebook's chat, shown in the cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from liteagent_nb.magics.agent_options import AGENT_LINE
from liteagent_nb.magics.choosing import Wanted

if TYPE_CHECKING:
    from liteagent_nb.magics.agent_magic import AgentMagics
    from liteagent_nb.magics.agent_panel import AgentPanel

__all__ = ["is_panel_command", "panel_command"]


def is_panel_command(rest: str) -> bool:
    """Whether what stands behind the word `panel` makes it a command: `panel of experts` is a task."""
    return not rest.strip() or rest.lstrip().startswith("-")


def panel_command(magics: AgentMagics, wanted: Wanted, rest: str, body: str) -> AgentPanel:
    """Return the chat that these options and those before them describe; the cell's text is its first question.

    It is the notebook's chat where there is one with these options, so that a cell that is run again goes on with it;
    `--fresh` begins a new one.
    """
    from liteagent_nb.magics.agent_panel import AgentPanel  # noqa: PLC0415 - ipywidgets load when a panel is shown

    asked = AGENT_LINE.read(magics.parser, rest, body or None, magics.ip.user_ns)
    given = {**wanted.given, **Wanted(asked.chosen, magics).given}
    output, is_new = given.pop("output", None), given.pop("fresh", False)
    if magics.panel is None or is_new or given not in ({}, magics.panel.given):
        magics.panel = AgentPanel(magics=magics, **given)
    if output:
        magics.ip.user_ns[str(output)] = magics.panel
    if asked.task.strip():
        magics.panel.ask(asked.task)
    return magics.panel
