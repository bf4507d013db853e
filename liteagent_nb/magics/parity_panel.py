"""ParityPanel: two arms measured side by side in a cell's output, while other cells run (`%parity panel`)."""

from __future__ import annotations

import json
from argparse import Namespace
from typing import TYPE_CHECKING, Any

from liteagent_nb.magics.loaded import loaded_magics
from liteagent_nb.magics.options import Settings
from liteagent_nb.magics.parity_arms import find_arms, find_prompts, joined_prompts
from liteagent_nb.magics.parity_completion import known_arms
from liteagent_nb.magics.parity_options import COMPARE_LINE
from liteagent_nb.magics.parity_work import measured
from liteagent_nb.panels.comparison_card import Request, kept_bundle
from liteagent_nb.panels.panel_view import PanelView
from liteagent_nb.panels.parity_bench import ParityBench
from liteagent_nb.parity.telling import verdict_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from liteagent_nb.core.verdict import Verdict
    from liteagent_nb.magics.parity_magic import ParityMagics
    from liteagent_nb.panels.comparison_card import Comparison
    from liteagent_nb.parity.events import ParityWatcher

__all__ = ["ParityPanel"]

_KEPT, _EMPTY = "kept", {"text/plain": ""}
_FALLBACK = "A panel that compares models: run this cell to go on with it."


class ParityPanel:
    """Compares two arms beside the notebook: a form, a table and a plot that grow, and each verdict.

    *options* are those of `%parity`, as text, arms among them: `"openai/gpt-4o-mini $mine --rounds 30"`; *prompts* are
    what `%%parity` takes from its cell. They fill the form; `compare`, or its button, begins, since answers may cost
    money. Nothing waits for a comparison, a second one is measured after the first, and those that ended stay in the
    saved notebook. Raises `ConfigError` outside a notebook and without the extra `panels`.
    """

    def __init__(self, options: str = "", *, prompts: str = "", magics: ParityMagics | None = None) -> None:
        magics = magics or loaded_magics("ParityMagics", elsewhere="run_parity(…) compares")
        line = COMPARE_LINE.options_first(options)
        asked = COMPARE_LINE.read(magics.parser, line, None, magics.ip.user_ns)
        self._chosen = asked.chosen
        arms = [*(asked.words or "").split(), "", ""]
        self._request = Request(
            arms[0],
            arms[1],
            joined_prompts([*(asked.chosen.prompt or ()), *([prompts.strip()] if prompts.strip() else ())]),
            asked.chosen.rounds,
            asked.chosen.thresh,
        )
        self._magics = magics
        self._view = PanelView(
            "parity_panel", magics.ip.display_pub, hear=self._hear, fallback=_FALLBACK, styles=["parity.css"]
        )
        self._bench = ParityBench(self._measure, self, magics.portal, request=self._request, arms=known_arms(magics.ip))
        self._words: Mapping[str, Callable[[Mapping[str, Any]], object]] = {
            "hello": lambda _: self._bench.show_whole(),
            "start": self._start,
            "stop": lambda message: self._bench.stop(int(message.get("n", 0))),
            "look": lambda _: self._look(),
            "forget": lambda message: self._bench.change(lambda state: state.forget(int(message["n"]))),
            "clear": lambda _: self._bench.change(lambda state: state.clear()),
            "cells": lambda _: self._view.answer({"cells": self._cells()}),
            "verdicts": lambda _: self._view.answer({"file": {"name": "parity.json", "text": self._verdicts_text()}}),
            "next": self._next_cell,
        }

    def compare(
        self,
        baseline: str = "",
        candidate: str = "",
        *,
        prompts: Sequence[str] = (),
        rounds: int | None = None,
        thresh_pct: float | None = None,
    ) -> ParityPanel:
        """Compare *candidate* with *baseline* and return at once; what is left out is as the panel was made.

        Arms are named as on the line of `%parity`: a model, `$name`, `core:legacy`, `cassette:FILE`.
        """
        given = self._request
        request = Request(
            baseline or given.baseline,
            candidate or given.candidate,
            joined_prompts(prompts) or given.prompts,
            given.rounds if rounds is None else rounds,
            given.thresh_pct if thresh_pct is None else thresh_pct,
        )
        self._bench.run(request)
        return self

    def wait(self, timeout_s: float | None = None) -> Verdict | None:
        """Wait until all is measured, at most *timeout_s*; return the last verdict. An interrupt ends only that."""
        self._bench.is_idle.wait(timeout_s)
        return self.verdicts[-1] if self.verdicts else None

    def stop(self) -> None:
        """Stop what is measured and what waits; what was measured is judged and kept."""
        self._bench.stop()

    def close(self) -> None:
        """End the panel, and what it measures; verdicts stay in the notebook."""
        self._bench.stop()
        self._view.close()

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """What came of the comparisons, in the order they were asked for."""
        return self._bench.state.verdicts

    def __repr__(self) -> str:
        return f"<ParityPanel: {len(self.verdicts)} compared>"

    def _ipython_display_(self) -> None:
        """Show the panel, and what it measured so far beside it (IPython calls this by name)."""
        self._view.show()
        self._view.put(_KEPT, _EMPTY)  # nbval sees what comes first, and that is the same each time
        if ended := self._bench.state.ended:
            self.keep(ended)

    def send(self, message: dict[str, object]) -> None:
        """Tell the view."""
        self._view.send(message, is_busy=not self._bench.is_idle.is_set())

    def keep(self, comparisons: tuple[Comparison, ...]) -> None:
        """Show what ended as an output of the notebook, which gets the last verdict, too."""
        self._view.put(_KEPT, {**_EMPTY, **kept_bundle(comparisons)})
        if self.verdicts:
            self._magics.ip.user_ns["_parity_verdict"] = self.verdicts[-1]

    async def _measure(self, request: Request, watch: ParityWatcher) -> Verdict:
        """Measure what the form asks for, with the options of the line."""
        names = self._magics.ip.user_ns
        arms = find_arms([name for name in (request.baseline, request.candidate) if name], names)
        prompts = find_prompts((), request.prompts if request.prompts.strip() else None, names)
        asked = {**vars(self._chosen), "rounds": request.rounds, "thresh": request.thresh_pct}
        return await measured(arms, prompts, Settings(Namespace(**asked), self._magics), watch)

    def _hear(self, message: Mapping[str, Any]) -> None:
        if (do := self._words.get(str(message.get("do")))) is not None:
            do(message)

    def _start(self, message: Mapping[str, Any]) -> None:
        """Begin with what the form says."""
        try:
            rounds = int(message["rounds"]) if message.get("rounds") else None
            thresh_pct = float(message["thresh"]) if message.get("thresh") else None
        except ValueError:
            told = "Rounds are a whole number, and the margin is a number of percent."
            self._bench.change(lambda state: state.notice(told))
            return
        baseline, candidate, prompts = (str(message.get(name, "")).strip() for name in ("a", "b", "prompts"))
        self._bench.run(Request(baseline, candidate, prompts, rounds, thresh_pct))

    def _look(self) -> None:
        """Offer what may be compared now: cells change it."""
        arms = known_arms(self._magics.ip)
        self._bench.change(lambda state: state.show_arms(arms))

    def _cells(self) -> list[dict[str, str]]:
        sources = dict.fromkeys(one.request.cell for one in self._bench.state.ended)
        return [{"kind": "code", "source": source} for source in sources]

    def _verdicts_text(self) -> str:
        return json.dumps([verdict_json(verdict) for verdict in self.verdicts], indent=1)

    def _next_cell(self, message: Mapping[str, Any]) -> None:
        """Let the last cell come with the next one that is run: this page knows no better way."""
        self._magics.ip.set_next_input(str(message["cells"][-1]["source"]))
        self._bench.change(lambda state: state.notice("The last one comes as a new cell with the next cell you run."))
