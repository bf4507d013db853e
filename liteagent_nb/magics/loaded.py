"""The magics of the notebook that this runs in, for panels that are made by a call."""

from __future__ import annotations

from typing import Any

from IPython.core.getipython import get_ipython

from liteagent_nb.core.errors import ConfigError

__all__ = ["loaded_magics"]


def loaded_magics(name: str, *, elsewhere: str) -> Any:
    """Return the magics *name* of this notebook, loaded if need be; by their name, since they know the panels.

    Raises `ConfigError` outside a notebook; *elsewhere* says what does the work there.
    """
    shell = get_ipython()
    if shell is None:
        raise ConfigError("a panel is part of a notebook", hint=f"{elsewhere} anywhere else")
    if name not in shell.magics_manager.registry:
        shell.run_line_magic("load_ext", "liteagent_nb")
    return shell.magics_manager.registry[name]
