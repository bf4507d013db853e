"""The check of a Router's streaming cores: both must read the same from recorded bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from liteagent_nb.checks.check import Skipped
from liteagent_nb.core.errors import ModelError
from liteagent_nb.core.portal import shared_portal
from liteagent_nb.models.router_core.making import why_only_legacy
from liteagent_nb.parity.replaying import replaying
from liteagent_nb.parity.runner import run_parity

if TYPE_CHECKING:
    from liteagent_nb.checks.check import Bench
    from liteagent_nb.core.verdict import Verdict

__all__ = ["cores"]

_ROUNDS = 2


def cores(_bench: Bench) -> str:
    """Compare `legacy` and `extracted` on a server of this machine: what they read, not how fast."""
    if why := why_only_legacy():
        raise Skipped(f"the core is legacy, and stays it: {why}", remedy="pip install --upgrade litellm")
    verdict = shared_portal().wait_for(_compared())
    finding = verdict.finding("behaviour")
    if finding is None or finding.status != "accepted":
        why = finding.reason if finding else "; ".join(verdict.reasons)
        raise ModelError(f"the core extracted reads otherwise than legacy: {why}", hint="leave it at legacy, report it")
    return f"extracted reads what legacy reads, {len(verdict.trials)} times of {len(verdict.trials)}"


async def _compared() -> Verdict:
    async with replaying() as server:
        return await run_parity(server.core("legacy"), server.core("extracted"), rounds=_ROUNDS)
