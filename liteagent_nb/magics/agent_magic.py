"""`%agent` and `%%agent`: parse, assemble, show, return."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from IPython.core.magic import Magics, line_cell_magic, magics_class, no_var_expand
from traitlets import Bool, Float, Int, List, Unicode

from liteagent_nb.assembly import run_wired
from liteagent_nb.core.errors import ConfigError
from liteagent_nb.core.ledger import Ledger
from liteagent_nb.magics import commands
from liteagent_nb.magics.agent_options import AGENT_LINE
from liteagent_nb.magics.choosing import Wanted
from liteagent_nb.magics.completion import agent_matcher
from liteagent_nb.magics.conversation import Conversation
from liteagent_nb.magics.each_command import ask_each
from liteagent_nb.magics.mcp_servers import McpServers
from liteagent_nb.magics.options import Asked, variable_name
from liteagent_nb.magics.plan import planned
from liteagent_nb.magics.redrawing import live_publish
from liteagent_nb.magics.stopped import Stopped
from liteagent_nb.panels.live_run import LiveRun
from liteagent_nb.panels.run_view import line_bundle, run_bundle

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from liteagent_nb.cassettes.cassette import Cassette
    from liteagent_nb.core.portal import Portal
    from liteagent_nb.core.steps import Run
    from liteagent_nb.extras.caching.answers import AnswerCache
    from liteagent_nb.magics.agent_panel import AgentPanel
    from liteagent_nb.magics.executors import Executors
    from liteagent_nb.services.host import Host

__all__ = ["AgentMagics"]


@magics_class
class AgentMagics(Magics):
    """Defaults of `%agent`; an option on the line wins over them."""

    model = Unicode("", help="Which model answers; empty: LITELLM_DEFAULT_MODEL, else local/smollm2.").tag(config=True)
    max_iterations = Int(8, help="How many times the model may be asked.").tag(config=True)
    max_seconds = Float(None, allow_none=True, help="How long a run may take.").tag(config=True)
    max_tokens = Int(None, allow_none=True, help="How many tokens a run may use.").tag(config=True)
    budget = Float(None, allow_none=True, help="How much a run may cost, in USD.").tag(config=True)
    price = Unicode("", help="What the model costs, as --price says it.").tag(config=True)
    notebook_budget = Float(None, allow_none=True, help="How much all runs may cost, in USD.").tag(config=True)
    notebook_tokens = Int(None, allow_none=True, help="How many tokens all runs may use.").tag(config=True)
    notebook_seconds = Float(None, allow_none=True, help="How long all runs may take.").tag(config=True)
    cassette = Unicode("", help="off, record, replay or auto; a file; MODE:FILE.").tag(config=True)
    cache = Bool(help="Whether what was asked before is answered from the cache.").tag(config=True)
    cache_dir = Unicode("", help="Where that is kept; empty: the user's cache folder.").tag(config=True)
    temperature = Float(None, allow_none=True, help="How freely the model words its answer.").tag(config=True)
    tool = List(Unicode(), help="Functions of the notebook that the model may call.").tag(config=True)
    tools_url = Unicode("", help="The host whose tools are used instead of the local ones.").tag(config=True)
    tools_token_file = Unicode("", help="The file that holds the token of that host.").tag(config=True)
    mcp = List(Unicode(), help="Files that name MCP servers, whose tools the model may call.").tag(config=True)
    no_tools = Bool(help="Whether the model answers without any tool.").tag(config=True)
    allow_shell = List(Unicode(), ["echo"], help="Programs that exec_shell may run.").tag(config=True)
    send_images = Bool(
        None, allow_none=True, help="Whether models are shown pictures; None: those that are known to see."
    ).tag(config=True)
    auto_run = Bool(help="Whether the first code block of an answer is run.").tag(config=True)
    escalate = Unicode("", help="A stronger model that takes over when limits come near.").tag(config=True)
    concurrency = Int(1, help="How many tools may run at once.").tag(config=True)
    isolate = Bool(help="Whether the agent's code has no network, and no files but its own folder.").tag(config=True)
    timeout = Float(10.0, help="How many seconds one tool may take.").tag(config=True)
    api_base = Unicode("", help="The URL of an OpenAI-compatible server.").tag(config=True)
    system = Unicode("", help="What the model is told before the conversation.").tag(config=True)

    def __init__(self, shell: InteractiveShell, portal: Portal, executors: Executors) -> None:
        super().__init__(shell)
        self.ip = shell  # `shell` itself may be None, say its types
        self.portal = portal
        self.executors = executors
        self.servers = McpServers(portal)
        self.conversation = Conversation()
        self.ledger = Ledger()
        self.carried: Cassette | None = None
        """The cassette that a cell of the notebook carries."""
        self.answers: AnswerCache | None = None
        """The cache, where one is used."""
        self.panel: AgentPanel | None = None
        """The chat that this notebook shows."""
        self.served: dict[str, Host] = {}
        """What other programs may ask, by its kind."""
        self.matcher = agent_matcher(self)

    @AGENT_LINE
    @no_var_expand
    @line_cell_magic
    def agent(self, line: str, cell: str | None = None) -> object:
        """Give a task to an agent and watch it work; the value is the Run.

        %%agent takes the cell's text as the task, %agent the rest of the line. Options come first.
        %agent reset, history, models, tools or status tells about the conversation, which goes on over cells.
        %agent cassette record, replay, auto or off uses a recording; %agent cost says what every question cost.
        %agent cache on answers what was asked before from the cache; cache clear, off, status.
        %%agent --each df gives the task once for each row of df, whose columns fill its {column}s.
        %agent panel shows a chat that goes on while other cells run; --ask all asks before every call.
        %agent serve offers this agent to other programs, serve --mcp to MCP clients; serve stop ends it.
        $`x` in a task tells the model what the variable x is, --image x shows it as a picture; --option $x takes its
        value.
        """
        asked = AGENT_LINE.read(self.parser, line, cell, self.ip.user_ns)
        if asked.chosen.help:
            print(self.parser.format_help())  # noqa: T201 (help is text)
            return None
        self._limit(asked)
        if asked.words is not None and (answer := commands.named(asked.words, cell)):
            return answer(self, Wanted(asked.chosen, self))
        if not asked.task.strip():
            raise ConfigError("there is no task", hint="write what to do below %%agent, or behind %agent")
        if asked.chosen.each is not None:
            return ask_each(self, asked)
        if asked.chosen.checkpoint:
            raise ConfigError("--checkpoint is for a batch", hint="name its table: --each df")
        if asked.chosen.ask:
            raise ConfigError("a cell cannot ask while it runs", hint="%agent panel --ask … shows a chat that can")
        return self._ask(asked)

    def _limit(self, asked: Asked) -> None:
        """Keep the notebook's limits: they hold for all runs from now on."""
        for name in ("notebook_budget", "notebook_tokens", "notebook_seconds"):
            if (limit := getattr(asked.chosen, name)) is not None:
                setattr(self, name, limit)

    def _ask(self, asked: Asked) -> Run | None:
        name, is_quiet = variable_name(asked.chosen.output), asked.chosen.quiet
        plan = planned(self, asked, self.conversation)
        if not is_quiet:
            self.publish(line_bundle(plan.choice.name, plan.choice.why))
        with LiveRun(live_publish(self.ip, is_quiet=bool(is_quiet))) as panel:
            panel.say(f"loading {plan.choice.name}")
            try:
                work = run_wired(plan.transcript, plan.wires(), config=plan.config, watch=panel)
                run: Run | None = self.portal.wait_for(work)
                is_stopped = False
            except KeyboardInterrupt:
                run, is_stopped = panel.run, True
        if run is None:  # interrupted before there was anything, or beyond the grace of its clean-up
            raise Stopped("nothing had come yet")
        self._keep(run, name=name, is_stopped=is_stopped)
        return None if is_quiet and name else run

    def _keep(self, run: Run, *, name: str, is_stopped: bool) -> None:
        """Keep *run*; a broken or stopped one is shown here, since the cell turns red instead of having a value."""
        self.conversation.keep(run)
        self.ledger.add(run, at=datetime.now().astimezone().isoformat(" ", "seconds"), cell=self.ip.execution_count)
        self.ip.user_ns.update({"_agent_run": run, **({name: run} if name else {})})
        if is_stopped or run.error is not None:
            self.publish(run_bundle(run))
            raise Stopped("what came so far is kept in _agent_run") if run.error is None else run.error

    @property
    def parser(self) -> Any:
        """The reader of the line's options."""
        return cast("Any", AgentMagics.agent).parser  # set by AGENT_LINE

    def publish(self, bundle: dict[str, Any]) -> None:
        """Show *bundle* as an output of the running cell."""
        self.ip.display_pub.publish(bundle)
