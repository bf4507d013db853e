"""`%agent cost`: what every question cost, as a table."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from liteagent_nb.core.errors import ConfigError
from liteagent_nb.core.ledger import Ledger
from liteagent_nb.magics.counting import counted
from liteagent_nb.panels.lists import note_bundle, rows_bundle
from liteagent_nb.panels.run_view import money

if TYPE_CHECKING:
    from liteagent_nb.core.ledger import Charge
    from liteagent_nb.magics.agent_magic import AgentMagics

__all__ = ["cost_command"]


def cost_command(magics: AgentMagics, words: str) -> tuple[dict[str, str], Any]:
    """Return what was spent, to show; and the ledger as a DataFrame, where pandas is there."""
    if words.strip() == "clear":
        spent = money(magics.ledger.spent.cost_usd)
        magics.ledger = Ledger()
        return note_bundle(f"The ledger begins anew; {spent} forgotten."), None
    if words.strip():
        raise ConfigError(f"%agent cost does not know {words.strip()!r}", hint="%agent cost, or %agent cost clear")
    ledger = magics.ledger
    if find_spec("pandas") is None:
        return rows_bundle("Cost", [*map(_line, ledger.charges), ("total", _total(ledger))]), None
    import pandas as pd  # noqa: PLC0415 - a user's own library, and heavy

    return note_bundle(_total(ledger)), pd.DataFrame(ledger.rows(), columns=list(Ledger.COLUMNS))


def _line(charge: Charge) -> tuple[str, str]:
    replayed = " · replayed" if charge.is_replayed else ""
    return (
        f"[{charge.cell}] {charge.model}",
        f"{charge.usage.total_tokens:,} tokens · {money(charge.usage.cost_usd)}{replayed}",
    )


def _total(ledger: Ledger) -> str:
    spent = ledger.spent
    tokens = f"{'≈ ' if spent.is_estimate else ''}{counted(spent.total_tokens, 'token')}"
    told = f"{counted(len(ledger.charges), 'question')}, {tokens}, {money(spent.cost_usd)}"
    replayed = sum(charge.is_replayed for charge in ledger.charges)
    return f"{told}; {replayed} of them replayed, not paid again" if replayed else told
