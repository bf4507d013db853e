"""How IPython shows a Run and an ExecResult; registered from outside, so that core needs no IPython."""

from __future__ import annotations

from typing import TYPE_CHECKING

from liteagent_nb.core.execution import ExecResult
from liteagent_nb.core.steps import Run
from liteagent_nb.panels.exec_view import result_bundle
from liteagent_nb.panels.run_view import run_bundle

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["register_formatters", "unregister_formatters"]


def register_formatters(shell: InteractiveShell) -> None:
    """Let *shell* show a Run and an ExecResult as a reader wants them."""
    assert shell.display_formatter is not None  # every running shell has one
    shell.display_formatter.mimebundle_formatter.for_type(Run, run_bundle)
    shell.display_formatter.mimebundle_formatter.for_type(ExecResult, result_bundle)


def unregister_formatters(shell: InteractiveShell) -> None:
    """Take the formatters back."""
    assert shell.display_formatter is not None
    shell.display_formatter.mimebundle_formatter.pop(Run, None)
    shell.display_formatter.mimebundle_formatter.pop(ExecResult, None)
