"""A notebook for tests of the magics: a real IPython shell, and what its cells showed."""

from __future__ import annotations

import atexit

import pytest
from IPython.core.displaypub import CapturingDisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config


class Notebook:
    """A shell, what its last cell showed, and the cell that it asked for."""

    def __init__(self, shell):
        self.shell = shell
        self.ns = shell.user_ns
        self.next_cell = ""
        shell.set_next_input = lambda text, replace=False: setattr(self, "next_cell", text)

    def run(self, cell):
        """Return the value of *cell*; raises what it raised."""
        self.shell.display_pub.outputs.clear()
        result = self.shell.run_cell(cell)
        result.raise_error()
        return result.result

    def fails(self, cell, kind):
        with pytest.raises(kind) as caught:
            self.run(cell)
        return caught.value

    @property
    def shown(self):
        return "\n".join(output["data"]["text/plain"] for output in self.shell.display_pub.outputs)


@pytest.fixture
def new_notebook():
    """Return a function that opens a notebook with these names in it."""
    opened = []

    def new(**names):
        config = Config()
        config.HistoryManager.enabled = False
        shell = InteractiveShell(config=config)
        atexit.unregister(shell.atexit_operations)  # each of hundreds would collect all garbage once more
        shell.display_pub = CapturingDisplayPublisher(shell=shell)
        shell.run_line_magic("load_ext", "liteagent_nb")
        shell.user_ns.update(names)
        opened.append(shell)
        return Notebook(shell)

    yield new
    for shell in opened:
        shell.run_line_magic("unload_ext", "liteagent_nb")


@pytest.fixture
def notebook(new_notebook):
    return new_notebook()
