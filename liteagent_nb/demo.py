"""The first notebook, executed in the terminal with its steps shown as they happen, or opened in JupyterLab."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from liteagent_nb import environment
from liteagent_nb.core.errors import ConfigError, ExecError
from liteagent_nb.course import FIRST, copy_notebooks, notebooks_folder, open_lab

try:
    import nbformat
    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError
    from nbconvert import HTMLExporter
except ImportError as missing:
    raise ConfigError(f"{missing.name} is missing", hint='pip install "liteagent_nb[local]"') from missing

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["kernel_of_this_python", "open_in_lab", "run_here"]


def run_here(out: Path, *, say: Callable[[str], None]) -> int:
    """Execute the notebook, telling each step through *say*; keep the executed copy and its HTML in *out*."""
    source, copy = notebooks_folder() / FIRST, out / FIRST
    notebook = nbformat.read(source, as_version=4)
    out.mkdir(parents=True, exist_ok=True)
    say(f"Running {FIRST} with the embedded model …")
    with TemporaryDirectory(prefix="la-") as sockets:
        client = _TellingClient(notebook, say=say, sockets=Path(sockets))
        try:
            client.execute(env=environment.without("LITELLM_DEFAULT_MODEL"))
        except CellExecutionError as failed:
            raise ExecError(f"a cell failed: {failed.ename}: {failed.evalue}", hint=f"look at {copy}") from failed
        finally:
            nbformat.write(notebook, copy)  # what ran before a failure is worth keeping, too
    page = copy.with_suffix(".html")
    page.write_text(_html(notebook), encoding="utf-8")
    say(f"\nExecuted notebook: {copy}\nAs a web page:     {page}\nTry it yourself:   jupyter liteagent demo --lab")
    return 0


def open_in_lab(out: Path) -> int:
    """Open a copy of the notebooks in JupyterLab and wait until it is closed."""
    copy_notebooks(out)
    return open_lab(out / FIRST)


def kernel_of_this_python(sockets: Path) -> AsyncKernelManager:
    """Return a kernel of this very environment, whatever kernels of the same name the user has elsewhere.

    Its sockets are files that only this user can open, where the system has such.
    """
    here = str(Path(sys.prefix) / "share" / "jupyter" / "kernels")
    manager = AsyncKernelManager(kernel_name="python3", kernel_spec_manager=KernelSpecManager(kernel_dirs=[here]))
    if sys.platform != "win32":
        manager.transport, manager.ip = "ipc", str(sockets / "k")
    return manager


def _html(notebook: nbformat.NotebookNode) -> str:
    """Return the notebook as one page that asks no other host for anything."""
    elsewhere = {name: "" for name in HTMLExporter.class_trait_names() if name.endswith("_url")}
    exporter = HTMLExporter(**elsewhere)
    page, _ = exporter.from_notebook_node(notebook)
    return str(page)


class _TellingClient(NotebookClient):
    """Tells what a notebook does while it does it."""

    def __init__(self, notebook: nbformat.NotebookNode, *, say: Callable[[str], None], sockets: Path) -> None:
        super().__init__(notebook, timeout=300, on_cell_start=self._begin)
        self._tell = say
        self._sockets = sockets
        self._told = ""

    def create_kernel_manager(self) -> AsyncKernelManager:
        """Return the manager of the kernel to start, which is ours to shut down."""
        self.km = kernel_of_this_python(self._sockets)
        return self.km

    def _begin(self, cell: nbformat.NotebookNode, cell_index: int) -> None:  # noqa: ARG002 - nbclient's call
        self._told = ""
        if cell.cell_type == "markdown" and cell.source.startswith("#"):
            self._tell("\n" + cell.source.lstrip("# ").splitlines()[0])
        elif cell.cell_type == "code":
            self._tell("\n" + "\n".join(f"  > {line}" for line in cell.source.splitlines()))

    def process_message(self, msg: dict[str, Any], cell: Any, cell_index: int) -> Any:
        """Pass a kernel's message on, and tell what is new in it."""
        content = msg["content"]
        text = content.get("text") or content.get("data", {}).get("text/plain") or ""
        if msg["msg_type"] in {"stream", "display_data", "execute_result", "update_display_data"}:
            self._tell_new(text.rstrip())
        return super().process_message(msg, cell, cell_index)

    def _tell_new(self, text: str) -> None:
        """Tell only the lines that are new: a live area repeats what it showed before."""
        old, new = self._told.splitlines(), text.splitlines()
        same = next((i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
        for line in new[same:]:
            self._tell(f"    {line}")
        self._told = text or self._told
