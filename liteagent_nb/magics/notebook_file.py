"""The notebook's own file, where the kernel can know it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from liteagent_nb import environment
from liteagent_nb.cassettes.cassette import SUFFIX

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["cassette_file", "notebook_file"]


def notebook_file(names: Mapping[str, object]) -> Path | None:
    """Return the notebook that this kernel serves; None where nobody said.

    Jupyter Server (2.0 and newer) tells it in JPY_SESSION_NAME, VS Code in a variable of the notebook. A kernel that
    was started in another way (nbclient, nbval, a console) does not know.
    """
    for told in (names.get("__vsc_ipynb_file__"), environment.text("JPY_SESSION_NAME")):
        if isinstance(told, str) and told.endswith(".ipynb") and Path(told).is_file():
            return Path(told)
    return None


def cassette_file(names: Mapping[str, object]) -> Path | None:
    """Return the cassette beside the notebook: `first.cassette.json` for `first.ipynb`."""
    notebook = notebook_file(names)
    return notebook and notebook.with_name(notebook.stem + SUFFIX)
