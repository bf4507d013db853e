"""ExecPanel: code that runs in sidecar kernels, in a cell's output, while other cells run (`%exec panel`)."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from liteagent_nb.magics.exec_options import EXEC_LINE
from liteagent_nb.magics.executors import Place
from liteagent_nb.magics.loaded import loaded_magics
from liteagent_nb.magics.options import Settings
from liteagent_nb.panels.exec_export import cells_of_executions, kept_bundle, notebook_of_executions
from liteagent_nb.panels.panel_view import PanelView
from liteagent_nb.panels.workbench import Workbench

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from liteagent_nb.core.execution import ExecResult
    from liteagent_nb.magics.exec_magic import ExecMagics
    from liteagent_nb.panels.execution_card import Execution

__all__ = ["ExecPanel"]

_KEPT, _EMPTY = "kept", {"text/plain": ""}
_FALLBACK = "A panel that runs code: run this cell to go on with it."


class ExecPanel:
    """Runs code beside the notebook: controls in the output of the cell whose value it is.

    *options* are those of `%exec`, as text: `"-l bash"`, `"-c other --timeout 600"`, `"--url http://…"`. Contexts are
    those of `%exec`. Nothing waits for an execution, and those that ended stay in the saved notebook. Raises
    `ConfigError` outside a notebook and without the extra `panels`.
    """

    def __init__(self, options: str = "", *, magics: ExecMagics | None = None) -> None:
        magics = magics or loaded_magics("ExecMagics", elsewhere="Contexts() runs code")
        wanted = Settings(EXEC_LINE.read(magics.parser, options, None, magics.ip.user_ns).chosen, magics)
        place = Place.of(wanted)
        self._magics = magics
        self._view = PanelView("exec_panel", magics.ip.display_pub, hear=self._hear, fallback=_FALLBACK)
        self._bench = Workbench(
            magics.executors[place],
            self,
            magics.portal,
            context=wanted.context or f"{wanted.main}{place.mark}",
            language="python",
            timeout_s=wanted.timeout,
        )
        if wanted.lang:
            self._bench.choose(language=wanted.lang)
        self._words: Mapping[str, Callable[[Mapping[str, Any]], object]] = {
            "hello": lambda _: self._hello(),
            "run": lambda message: self.run(str(message["code"])),
            "interrupt": lambda message: self._bench.interrupt(int(message.get("n", 0))),
            "restart": lambda _: self._bench.restart(),
            "close": lambda _: self._bench.close_context(),
            "language": lambda message: self._bench.choose(language=str(message["name"])),
            "context": lambda message: self._bench.choose(context=str(message["name"])),
            "look": lambda _: self._bench.look(),
            "forget": lambda message: self._bench.change(lambda state: state.forget(int(message["n"]))),
            "clear": lambda _: self._bench.change(lambda state: state.clear()),
            "cells": lambda _: self._answer("cells", [asdict(cell) for cell in cells_of_executions(self._ended)]),
            "notebook": lambda _: self._answer("file", {"name": "executions.ipynb", "text": self._notebook_text()}),
            "next": self._next_cell,
        }

    def run(self, code: str, *, language: str = "", context: str | None = None) -> None:
        """Run *code* and return at once; `wait` waits for it. Without *language* and *context*: the chosen ones."""
        if code.strip():
            self._bench.run(code, language=language, context=context)

    def wait(self, timeout_s: float | None = None) -> ExecResult | None:
        """Wait until all has ended, at most *timeout_s*; return the last result. An interrupt ends the wait alone."""
        self._bench.is_idle.wait(timeout_s)
        return self.results[-1] if self.results else None

    def interrupt(self) -> None:
        """Interrupt what runs in the chosen context, and drop what waits there."""
        self._bench.interrupt()

    def restart(self) -> None:
        """Give the chosen context a new kernel."""
        self._bench.restart()

    def close(self) -> None:
        """End the panel, and what it runs; contexts stay open, and executions stay in the notebook."""
        self._bench.close()
        self._view.close()

    @property
    def results(self) -> tuple[ExecResult, ...]:
        """What came of the executions that ended, in the order they were asked for."""
        return self._bench.state.results

    def to_notebook(self) -> dict[str, object]:
        """Return the executions as a notebook (nbformat 4.5), with what they showed."""
        return notebook_of_executions(self._ended)

    def __repr__(self) -> str:
        return f"<ExecPanel: {len(self.results)} executed>"

    def _ipython_display_(self) -> None:
        """Show the panel, and what it ran so far beside it (IPython calls this by name)."""
        self._view.show()
        self._view.put(_KEPT, _EMPTY)  # nbval sees what comes first, and that is the same each time
        if self._ended:
            self.keep(self._ended)

    def send(self, message: dict[str, object]) -> None:
        """Tell the view."""
        self._view.send(message, is_busy=not self._bench.is_idle.is_set())

    def keep(self, executions: tuple[Execution, ...]) -> None:
        """Show what ended as an output of the notebook."""
        self._view.put(_KEPT, {**_EMPTY, **kept_bundle(executions)})

    @property
    def _ended(self) -> tuple[Execution, ...]:
        return self._bench.state.ended

    def _notebook_text(self) -> str:
        return json.dumps(self.to_notebook(), indent=1)

    def _answer(self, what: str, value: object) -> None:
        self._view.answer({what: value})

    def _hear(self, message: Mapping[str, Any]) -> None:
        if (do := self._words.get(str(message.get("do")))) is not None:
            do(message)

    def _hello(self) -> None:
        self._bench.show_whole()
        self._bench.look()

    def _next_cell(self, message: Mapping[str, Any]) -> None:
        """Let the first cell come with the next one that is run: this page knows no better way."""
        self._magics.ip.set_next_input(str(message["cells"][-1]["source"]))
        self._bench.change(lambda state: state.notice("The last one comes as a new cell with the next cell you run."))
