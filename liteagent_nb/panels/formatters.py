"""How IPython shows our values; registered from outside, so that core needs no IPython."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from liteagent_nb.core.execution import ExecResult
from liteagent_nb.core.steps import Run
from liteagent_nb.core.verdict import Verdict
from liteagent_nb.panels.exec_view import result_bundle
from liteagent_nb.panels.parity_view import summary_bundle, verdict_bundle
from liteagent_nb.panels.render import visible
from liteagent_nb.panels.run_view import run_bundle
from liteagent_nb.parity.summary import Summary
from liteagent_nb.parity.telling import summary_text, verdict_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["register_formatters", "unregister_formatters"]

_BUNDLES: dict[type, Callable[[Any], dict[str, str]]] = {
    Run: run_bundle,
    ExecResult: result_bundle,
    Verdict: verdict_bundle,
    Summary: summary_bundle,
}


_TEXTS: dict[type, Callable[[Any], str]] = {Verdict: verdict_text, Summary: summary_text}
"""A terminal has no HTML beside the text, and compares nothing: it is told the figures, too."""


def register_formatters(shell: InteractiveShell) -> None:
    """Let *shell* show a Run, an ExecResult, a Verdict and a Summary as a reader wants them."""
    assert shell.display_formatter is not None  # every running shell has one
    for kind, bundle in _BUNDLES.items():
        text = None if shell.has_trait("kernel") else _TEXTS.get(kind)
        look = partial(_told, text) if text else bundle
        shell.display_formatter.mimebundle_formatter.for_type(kind, look)


def _told(text: Callable[[Any], str], value: object, **_: object) -> dict[str, str]:
    return {"text/plain": visible(text(value))}


def unregister_formatters(shell: InteractiveShell) -> None:
    """Take the formatters back."""
    assert shell.display_formatter is not None
    for kind in _BUNDLES:
        shell.display_formatter.mimebundle_formatter.pop(kind, None)
