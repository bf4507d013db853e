"""`%parity` and `%%parity`: parse, measure two arms side by side, show, return."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from IPython.core.magic import Magics, line_cell_magic, magics_class, no_var_expand
from traitlets import Float, Int, Unicode

from liteagent_nb.magics.counting import counted
from liteagent_nb.magics.options import Settings, variable_name
from liteagent_nb.magics.parity_arms import find_arms, find_prompts, summarized
from liteagent_nb.magics.parity_completion import parity_matcher
from liteagent_nb.magics.parity_options import COMPARE_LINE
from liteagent_nb.magics.parity_work import measured
from liteagent_nb.magics.redrawing import live_publish
from liteagent_nb.magics.stopped import Stopped
from liteagent_nb.panels.lists import rows_bundle
from liteagent_nb.panels.parity_progress import ParityProgress

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from liteagent_nb.core.portal import Portal
    from liteagent_nb.core.verdict import Verdict
    from liteagent_nb.magics.parity_panel import ParityPanel

__all__ = ["ParityMagics"]

_ARMS = [
    ("a model", "openai/gpt-4o-mini, local/smollm2"),
    ("$name", "a Model, a function from a prompt to text or a stream, a cassette of this notebook"),
    ("core:legacy, core:extracted", "litellm's Router and ours, on a server of this machine that replays"),
    ("cassette:FILE", "recorded answers"),
    ("more", "%parity A B · %%parity A B · %parity panel · %parity summarize FILE · %parity --help"),
]


@magics_class
class ParityMagics(Magics):
    """Defaults of `%parity`; an option on the line wins over them."""

    rounds = Int(None, allow_none=True, help="How often each prompt is put to both; None: PARITY_ROUNDS, else 5.").tag(
        config=True
    )
    thresh = Float(None, allow_none=True, help="By how many percent B may be slower; None: PARITY_THRESH_PCT.").tag(
        config=True
    )
    live_thresh = Float(50.0, help="By how many percent, where others answer.").tag(config=True)
    warmup = Int(1, help="How many first rounds do not count.").tag(config=True)
    timeout = Float(60.0, help="How many seconds one answer may take.").tag(config=True)
    journal = Unicode("", help="The file that trials are appended to; empty: PARITY_OUT, else none.").tag(config=True)

    def __init__(self, shell: InteractiveShell, portal: Portal) -> None:
        super().__init__(shell)
        self.ip = shell  # `shell` itself may be None, say its types
        self.portal = portal
        self.parser = _parser()
        self.matcher = parity_matcher(self)
        self.panel: ParityPanel | None = None
        """The panel that was shown last."""

    @COMPARE_LINE
    @no_var_expand
    @line_cell_magic
    def parity(self, line: str, cell: str | None = None) -> object:
        """Say whether B may take the place of A: both answer side by side, and A again as a control.

        An arm is a model's name, $name for a Model or function of this notebook, cassette:FILE, core:legacy or
        core:extracted. %%parity takes the prompts from the cell: a paragraph each, or what stands between lines of ---.
        The value is the Verdict: accepted, rejected, undecided (with how many more pairs it would take) or invalid
        (too noisy to tell), for what both say and for how long they take. The stop button keeps what was measured.
        %parity summarize FILE … says what journals hold. %parity panel [A B] shows a panel that measures while other
        cells run; its value is the ParityPanel.
        """
        asked = COMPARE_LINE.read(self.parser, COMPARE_LINE.options_first(line), cell, self.ip.user_ns)
        words = (asked.words or "").split()
        if asked.chosen.help:
            print(self.parser.format_help())  # noqa: T201 (help is text)
            return None
        if not words and cell is None:
            self.publish(rows_bundle("%parity A B", _ARMS))
            return None
        wanted, name = Settings(asked.chosen, self), variable_name(asked.chosen.output)
        if words[:1] == ["panel"]:
            return self._kept(name, self._panel(line, asked.words or "", cell), wanted)
        if words[:1] == ["summarize"] and cell is None:
            return self._kept(name, summarized(words[1:], self.ip.user_ns, thresh_pct=wanted.thresh), wanted)
        verdict = self._compared(words, cell, wanted)
        self.ip.user_ns["_parity_verdict"] = verdict
        kept = self._kept(name, verdict, wanted)
        if verdict.is_stopped:
            self._show(verdict)
            raise Stopped(f"{counted(len(verdict.trials), 'trial')} measured", hint="kept in _parity_verdict")
        return kept

    def _kept(self, name: str, value: object, wanted: Settings) -> object:
        """Keep *value* under the name that the line gives, and return it where it is to be shown."""
        self.ip.user_ns.update({name: value} if name else {})
        return None if wanted.quiet and name else value

    def _panel(self, line: str, words: str, cell: str | None) -> ParityPanel:
        """Return a panel with what the line says beside *words*, `panel` and the arms; without any, the last one."""
        from liteagent_nb.magics.parity_panel import ParityPanel  # noqa: PLC0415 - ipywidgets load when it is shown

        options = COMPARE_LINE.options_first(line).rstrip().removesuffix(words) + words.removeprefix("panel")
        if self.panel is None or options.strip() or cell is not None:
            self.panel = ParityPanel(options, prompts=cell or "", magics=self)
        return self.panel

    def _show(self, verdict: Verdict) -> None:
        """Show *verdict* as the value of a cell is shown, in one that turns red."""
        formatter: Any = self.ip.display_formatter  # its types say nothing
        self.publish(formatter.format(verdict)[0])

    def _compared(self, words: list[str], cell: str | None, wanted: Settings) -> Verdict:
        """Measure until it is clear, or stopped. Raises `Stopped` where nothing was measured."""
        arms = find_arms(words, self.ip.user_ns)
        prompts = find_prompts(wanted.prompt or (), cell, self.ip.user_ns)
        with ParityProgress(live_publish(self.ip, is_quiet=bool(wanted.quiet))) as progress:
            work = measured(arms, prompts, wanted, progress)
            try:
                return self.portal.wait_for(work)
            except KeyboardInterrupt:
                verdict = progress.verdict
        if verdict is None or not verdict.trials:
            raise Stopped("nothing was measured yet", hint="the first round only warms up")
        return verdict

    def publish(self, bundle: dict[str, Any]) -> None:
        """Show *bundle* as an output of the running cell."""
        self.ip.display_pub.publish(bundle)


def _parser() -> Any:
    return cast("Any", ParityMagics.parity).parser  # set by COMPARE_LINE
