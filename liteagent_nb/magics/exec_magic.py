"""`%exec` and `%%exec`: parse, run in a sidecar kernel, show, return."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_cell_magic, magics_class, no_var_expand
from traitlets import Bool, Float, Unicode

from liteagent_nb.kernels.crossing import unpacked
from liteagent_nb.magics.exec_cell import ExecCell, Outcome
from liteagent_nb.magics.exec_commands import command_of
from liteagent_nb.magics.exec_completion import exec_matcher
from liteagent_nb.magics.exec_errors import after, error_of
from liteagent_nb.magics.exec_options import EXEC_LINE
from liteagent_nb.magics.exec_tape import ExecTape
from liteagent_nb.magics.executors import Place
from liteagent_nb.magics.options import Settings, variable_name
from liteagent_nb.magics.stopped import Stopped
from liteagent_nb.panels.cell_outputs import CellOutputs
from liteagent_nb.panels.exec_view import partial_result

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from IPython.core.interactiveshell import InteractiveShell

    from liteagent_nb.cassettes.cassette import Cassette
    from liteagent_nb.core.execution import ExecResult, OutputWatcher
    from liteagent_nb.core.portal import Portal
    from liteagent_nb.kernels.protocol import ContextStatus
    from liteagent_nb.magics.exec_panel import ExecPanel
    from liteagent_nb.magics.executors import Executors

__all__ = ["ExecMagics"]

T = TypeVar("T")


@magics_class
class ExecMagics(Magics):
    """Defaults of `%exec`; an option on the line wins over them."""

    lang = Unicode("", help="The language; empty: python, or that of the context.").tag(config=True)
    main = Unicode("main", help="The context of this notebook's Python cells.").tag(config=True)
    timeout = Float(60.0, help="How many seconds a cell may take.").tag(config=True)
    isolate = Bool(help="Whether code has no network, and no files but its own folder.").tag(config=True)
    url = Unicode("", help="The URL of an exec-rpc server; empty: MINI_AGENT_EXEC_BASE.").tag(config=True)
    gateway = Unicode("", help="The URL of a Jupyter server or gateway.").tag(config=True)

    def __init__(
        self,
        shell: InteractiveShell,
        portal: Portal,
        executors: Executors,
        find_cassette: Callable[[str | None], Cassette | None],
    ) -> None:
        super().__init__(shell)
        self.ip = shell  # `shell` itself may be None, say its types
        self.portal = portal
        self.executors = executors
        self.find_cassette = find_cassette
        self.tapes: dict[tuple[Place, Cassette], ExecTape] = {}
        self.last: ExecResult | None = None
        self.panel: ExecPanel | None = None
        """The panel that was shown last."""
        self.matcher = exec_matcher(self)

    @property
    def parser(self) -> Any:
        """The reader of the line's options."""
        return cast("Any", ExecMagics.exec).parser  # set by EXEC_LINE

    @EXEC_LINE
    @no_var_expand
    @line_cell_magic
    def exec(self, line: str, cell: str | None = None) -> object:
        """Run code in a kernel of its own, never in this one; its outputs appear here.

        %%exec runs the cell's text, %exec the rest of the line. Options come first. Variables stay from cell to cell,
        in a context named main; --in and --out take variables of this notebook along and bring some back.
        %exec status, list, restart, interrupt or close [NAME] is about contexts; %exec languages says what can be run.
        %exec panel shows a panel whose code runs while other cells do; its value is the ExecPanel.
        """
        asked = EXEC_LINE.read(self.parser, line, cell, self.ip.user_ns)
        wanted = Settings(asked.chosen, self)
        if asked.chosen.help:
            print(self.parser.format_help())  # noqa: T201 (help is text)
            return None
        if cell is not None and asked.words != "":
            raise UsageError("the line of %%exec takes options only (--lang bash, …); the code stands below it")
        if cell is None and asked.words == "panel":
            return self._panel(line.strip().removesuffix("panel"), wanted)
        if cell is None and asked.words is not None and (command := command_of(asked.words)):
            self.ip.display_pub.publish(command(self, wanted))
            return None
        return self._run(asked.task if cell is None else cell, wanted)

    def _run(self, code: str, wanted: Settings) -> ExecResult | None:
        name, is_quiet = variable_name(wanted.output), bool(wanted.quiet)
        place = Place.of(wanted)
        cell = ExecCell.of(code, wanted, self.ip.user_ns, mark=place.mark)
        tape = self.tape(wanted)
        executor = self.executors[_asked(place, tape)]
        cell = self.ask(cell.placed(executor))
        run = partial(tape.run if tape else ExecCell.run, cell, executor)
        panel = CellOutputs(self.ip.display_pub, is_quiet=is_quiet)
        outcome = self._watched(run, panel, name, context=cell.context or "")
        if (error := error_of(outcome.result, context=cell.context or "", timeout_s=cell.timeout_s)) or outcome.fault:
            raise error or cast("Exception", outcome.fault)
        self.ip.user_ns.update({one.name: unpacked(one) for one in outcome.brought})
        return outcome.result if is_quiet and not name else None

    def _panel(self, options: str, wanted: Settings) -> ExecPanel:
        """Return the panel that these options describe; without any, the last one."""
        from liteagent_nb.magics.exec_panel import ExecPanel  # noqa: PLC0415 - ipywidgets load when a panel is shown

        if self.panel is None or wanted.given.keys() - {"code", "output"}:
            self.panel = ExecPanel(options, magics=self)
        if name := variable_name(wanted.output):
            self.ip.user_ns[name] = self.panel
        return self.panel

    def _watched(
        self,
        run: Callable[[OutputWatcher], Coroutine[None, None, Outcome]],
        panel: CellOutputs,
        name: str,
        *,
        context: str,
    ) -> Outcome:
        came: list[Outcome] = []

        async def work() -> Outcome:
            try:
                came.append(await run(panel.watch))
            finally:
                panel.end()
            return came[0]

        try:
            outcome = self.portal.wait_for(work(), meanwhile=panel.show_until)
        except KeyboardInterrupt:
            panel.show()
            result = came[0].result if came else partial_result(panel.seen, context=context)
            self._keep(result, name)
            raise Stopped(after(result, context), hint="what came so far is kept in _exec_result") from None
        panel.finish(outcome.result)
        self._keep(outcome.result, name)
        return outcome

    def _keep(self, result: ExecResult, name: str) -> None:
        self.last = result
        self.ip.user_ns.update({"_exec_result": result, **({name: result} if name else {})})

    def ask(self, work: Coroutine[None, None, T]) -> T:
        """Wait for what an executor is asked."""
        return self.portal.wait_for(work)

    def tape(self, wanted: Settings) -> ExecTape | None:
        """Return what replays or records the cells of a place; None without a cassette."""
        cassette = self.find_cassette(wanted.cassette)
        if cassette is None:
            return None
        return self.tapes.setdefault((Place.of(wanted), cassette), ExecTape(cassette))

    def contexts(self, wanted: Settings) -> Sequence[ContextStatus]:
        """Return the open contexts of a place, replayed ones too; opens nothing on this machine."""
        tape = self.tape(wanted)
        place = _asked(Place.of(wanted), tape)
        is_idle = place.is_near and place not in self.executors.made
        live = () if is_idle else self.ask(self.executors[place].contexts())
        return tape.contexts(live) if tape else live


def _asked(place: Place, tape: ExecTape | None) -> Place:
    """Return the place that is asked: a replay asks nobody far away, not even for its languages."""
    return Place() if tape and tape.is_replay else place
