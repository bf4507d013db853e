"""AgentPanel: a chat with an agent in a cell's output, which goes on while other cells run (`%agent panel`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from liteagent_nb.magics.agent_options import AGENT_LINE
from liteagent_nb.magics.loaded import loaded_magics
from liteagent_nb.magics.panel_backing import PanelBacking, merged
from liteagent_nb.magics.panel_commands import PanelCommands
from liteagent_nb.panels.chat import Chat
from liteagent_nb.panels.chat_export import markdown_of, notebook_of
from liteagent_nb.panels.chat_turns import Question, turn_bundle
from liteagent_nb.panels.panel_view import PanelView

if TYPE_CHECKING:
    from collections.abc import Mapping

    from liteagent_nb.core.steps import Run
    from liteagent_nb.magics.agent_magic import AgentMagics
    from liteagent_nb.panels.chat_turns import Turn

__all__ = ["AgentPanel"]

_FALLBACK = "A chat with an agent: run this cell to go on with it."


class AgentPanel:
    """A chat with an agent: controls in the output of the cell whose value it is, finished turns as outputs below.

    *options* are those of `%agent`, as text (`"-m openai/gpt-4o-mini --ask all"`) or by their names
    (`model=my_model, tool=[f], ask=["exec_python"]`), where objects may stand for names. Nothing waits for a run: other
    cells can be run meanwhile, and a second question comes after the first. *magics* are those of this notebook, whose
    traits, ledger and cassette it uses. Raises `ConfigError` outside a notebook and
    without the extra `panels`.
    """

    def __init__(self, options: str = "", /, *, magics: AgentMagics | None = None, **named: object) -> None:
        self.given = named
        """The options by their names."""
        magics = magics or loaded_magics("AgentMagics", elsewhere="run_agent(…) runs an agent")
        asked = AGENT_LINE.read(magics.parser, options, None, magics.ip.user_ns)
        self._backing = PanelBacking(magics, merged(asked.chosen, named))
        self._view = PanelView("agent_panel", magics.ip.display_pub, hear=self._hear, fallback=_FALLBACK)
        self._chat = Chat(self._backing, self, magics.portal)
        self._do = PanelCommands(self._chat, self._backing, ask=self._ask, answer=self._view.answer)

    def ask(self, text: str, *names: str, model: str = "") -> AgentPanel:
        """Ask, and return at once; *names* are variables that go with it. `wait` waits for the answer."""
        self._ask(Question(text, model, names))
        return self

    def wait(self, timeout_s: float | None = None) -> Run | None:
        """Wait until all is answered, at most *timeout_s*; return the last run. An interrupt ends the wait alone."""
        self._chat.is_idle.wait(timeout_s)
        return self.runs[-1] if self.runs else None

    def stop(self) -> None:
        """Stop the run that goes on; what came so far is kept."""
        self._chat.stop()

    def close(self) -> None:
        """End the chat; its turns stay where they are."""
        self._chat.close()
        self._view.close()

    @property
    def runs(self) -> tuple[Run, ...]:
        """The runs so far, those that were asked again left out."""
        return tuple(turn.run for turn in self._chat.state.turns if not turn.is_replaced)

    def to_markdown(self) -> str:
        """Return the conversation as Markdown."""
        return markdown_of(self._chat.state.turns)

    def to_notebook(self) -> dict[str, object]:
        """Return the conversation as a notebook (nbformat 4.5): prose as Markdown cells, code as code cells."""
        return notebook_of(self._chat.state.turns)

    def __repr__(self) -> str:
        return f"<AgentPanel: {len(self.runs)} answered>"

    def _ipython_display_(self) -> None:
        """Show the controls, and the turns so far as outputs of the cell that runs now (IPython calls this by name)."""
        self._view.show()
        for turn in self._chat.state.turns:
            self.publish(turn)

    def send(self, message: dict[str, object]) -> None:
        """Tell the view."""
        self._view.send(message, is_busy=not self._chat.is_idle.is_set())

    def publish(self, turn: Turn) -> None:
        """Show *turn* below the cell that shows the panel, or show it anew there."""
        self._view.put(str(turn.number), turn_bundle(turn))

    def _hear(self, message: Mapping[str, Any]) -> None:
        self._do(message)

    def _ask(self, question: Question) -> None:
        self._chat.ask(question, context=self._view.context)
