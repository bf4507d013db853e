"""Where outputs can be redrawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from liteagent_nb.panels.live_area import Publish

__all__ = ["live_publish"]


def live_publish(shell: InteractiveShell, *, is_quiet: bool) -> Publish | None:
    """Return what shows and updates an output; None where nothing is to be drawn.

    A kernel's shell can redraw, a terminal's prints each state on a new line.
    """
    return None if is_quiet or not shell.has_trait("kernel") else shell.display_pub.publish
