"""`jupyter liteagent …`: the demo, JupyterLab on its notebook, the embedded model's weights, and the services."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from liteagent_nb import environment
from liteagent_nb.core.errors import LiteAgentError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from liteagent_nb.core.protocols import Invoker

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code: 0, or 1 for a failure that is explained in two lines."""
    chosen = _parser().parse_args(argv)
    try:
        return int(chosen.run(chosen))
    except LiteAgentError as error:
        print("\n".join(error._render_traceback_()), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="jupyter liteagent", description="An LLM agent in a notebook cell.")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    demo = commands.add_parser("demo", help="run the first notebook with the embedded model: no key, no network")
    demo.add_argument("--lab", action="store_true", help="open it in JupyterLab instead of running it here")
    demo.add_argument("--out", type=Path, default=Path("liteagent-demo"), help="folder for the results (%(default)s)")
    demo.set_defaults(run=_demo)

    setup = commands.add_parser("setup-local", help="fetch the embedded model's weights and check them")
    setup.set_defaults(run=_setup_local)

    _add_serve(commands.add_parser("serve", help="run agents for other programs, over HTTP"))
    _add_exec_rpc(commands.add_parser("exec-rpc", help="run code for other programs, over HTTP"))
    _add_tools(commands.add_parser("tools", help="offer tools to other programs, over HTTP"))
    _add_mcp(commands.add_parser("mcp", help="offer tools and the agent to MCP clients, over stdio or HTTP"))
    return parser


def _add_serve(command: argparse.ArgumentParser) -> None:
    host, port = environment.text("MINI_AGENT_API_HOST", "127.0.0.1"), environment.text("MINI_AGENT_API_PORT", "8788")
    _add_place(command, host=host, port=port)
    command.add_argument("--model", default="", help="the model where none is named (LITELLM_DEFAULT_MODEL)")
    command.add_argument("--cassette", default="", metavar="FILE", help="replay it; MODE:FILE records, …")
    command.add_argument("--isolate", action="store_true", help="code has no network and none of the user's files")
    command.set_defaults(run=_serve)


def _add_exec_rpc(command: argparse.ArgumentParser) -> None:
    _add_place(command, port=8790)
    command.add_argument("--gateway", default="", metavar="URL", help="run the code on a Jupyter Gateway")
    command.add_argument("--gateway-token-file", type=Path, help="holds the token of that gateway")
    command.add_argument("--isolate", action="store_true", help="without network and the user's files")
    command.set_defaults(run=_exec_rpc)


def _add_tools(command: argparse.ArgumentParser) -> None:
    _add_place(command, port=8791)
    command.add_argument(
        "--module", action="append", default=[], metavar="MODULE",
        help="the functions of package.module or file.py, instead of the tools that run code; may be repeated",
    )  # fmt: skip
    command.add_argument("--allow-shell", action="append", metavar="PREFIX", help="a program exec_shell may run")
    command.add_argument("--isolate", action="store_true", help="without network and the user's files")
    command.add_argument("--timeout", type=float, default=120.0, metavar="SECONDS", help="for one call (%(default)g)")
    command.set_defaults(run=_tools)


def _add_mcp(command: argparse.ArgumentParser) -> None:
    command.add_argument("--http", action="store_true", help="serve streamable HTTP at /mcp, not stdin and stdout")
    _add_place(command, port=8792)
    command.add_argument("--model", default="", help="which model the agent asks where a client names none")
    command.add_argument("--max-iterations", type=int, default=8, metavar="N", help="of a run (%(default)s)")
    command.add_argument("--timeout", type=float, default=10.0, metavar="SECONDS", help="of a tool (%(default)s)")
    command.add_argument("--allow-shell", action="append", metavar="PREFIX", help="a program that exec_shell may run")
    command.add_argument("--no-agent", action="store_true", help="offer the tools only, not ask_agent")
    command.add_argument("--isolate", action="store_true", help="code sees no network and none of the user's files")
    command.set_defaults(run=_mcp)


def _add_place(command: argparse.ArgumentParser, *, port: int | str, host: str = "127.0.0.1") -> None:
    """Add where a service listens, and who may ask."""
    command.add_argument("--host", default=host, help="the address to bind (%(default)s)")
    command.add_argument("--port", type=int, default=port, help="0 takes a free one (%(default)s)")
    command.add_argument("--token-file", type=Path, help="where the token is kept, made where there is none")
    command.add_argument("--open", action="store_true", help="ask for no token; on loopback only")
    command.add_argument("--allow-host", action="append", default=[], metavar="NAME", help="a name it is asked by")
    command.add_argument("--drain", type=int, default=10, metavar="SECONDS", help="for what runs at the end")


def _demo(chosen: argparse.Namespace) -> int:
    from liteagent_nb import demo  # noqa: PLC0415 - needs the extra `local`, the other commands do not

    _setup_local(chosen)
    if chosen.lab:
        return demo.open_in_lab(chosen.out)
    return demo.run_here(chosen.out, say=_say)


def _setup_local(_chosen: argparse.Namespace) -> int:
    from liteagent_nb.models.embedded.weights import install_weights  # noqa: PLC0415 - the other commands do without

    install_weights(_say)
    return 0


def _serve(chosen: argparse.Namespace) -> int:
    from liteagent_nb.cassettes.opening import choose_cassette  # noqa: PLC0415 - the other commands need no web server
    from liteagent_nb.services.agent_proxy import create_app  # noqa: PLC0415
    from liteagent_nb.services.serving import Place, serve, token_for  # noqa: PLC0415

    place = Place(chosen.host, chosen.port, chosen.drain)
    token = token_for(place, chosen.token_file, is_open=chosen.open, say=_say)
    words = chosen.cassette
    cassette = choose_cassette(words if ":" in words or not words else f"replay:{words}")
    hosts = frozenset(chosen.allow_host)
    app = create_app(model=chosen.model, cassette=cassette, isolate=chosen.isolate, token=token, hosts=hosts)
    serve(app, place, name="serve", say=_say)
    return 0


def _exec_rpc(chosen: argparse.Namespace) -> int:
    from liteagent_nb.assembly import make_executor  # noqa: PLC0415 - the other commands need no web server
    from liteagent_nb.services.exec_rpc_server import create_app  # noqa: PLC0415
    from liteagent_nb.services.serving import Place, serve, token_for  # noqa: PLC0415
    from liteagent_nb.services.tokens import read_token  # noqa: PLC0415

    place = Place(chosen.host, chosen.port, chosen.drain)
    token = token_for(place, chosen.token_file, is_open=chosen.open, say=_say)
    gateway_token = read_token(chosen.gateway_token_file) if chosen.gateway_token_file else ""
    executor = make_executor(gateway=chosen.gateway, token=gateway_token, isolate=chosen.isolate)
    serve(create_app(executor, token=token, hosts=frozenset(chosen.allow_host)), place, name="exec-rpc", say=_say)
    return 0


def _tools(chosen: argparse.Namespace) -> int:
    from liteagent_nb.assembly import make_invoker  # noqa: PLC0415 - the other commands need no web server
    from liteagent_nb.core.config import AgentConfig  # noqa: PLC0415
    from liteagent_nb.services.http_tools_stub import create_app  # noqa: PLC0415
    from liteagent_nb.services.serving import Place, serve, token_for  # noqa: PLC0415
    from liteagent_nb.tools.modules import functions_of  # noqa: PLC0415
    from liteagent_nb.tools.toolbox import Toolbox  # noqa: PLC0415

    if chosen.module:
        invoker: Invoker = Toolbox([function for module in chosen.module for function in functions_of(module)])
    else:
        config = AgentConfig(shell_allow_prefixes=chosen.allow_shell or ("echo",), tool_timeout_sec=chosen.timeout)
        invoker = make_invoker(config, isolate=chosen.isolate)
    place = Place(chosen.host, chosen.port, chosen.drain)
    token = token_for(place, chosen.token_file, is_open=chosen.open, say=_say)
    app = create_app(invoker, token=token, hosts=frozenset(chosen.allow_host), timeout_s=chosen.timeout)
    serve(app, place, name="tools", say=_say)
    return 0


def _mcp(chosen: argparse.Namespace) -> int:
    from liteagent_nb.assembly import make_invoker  # noqa: PLC0415 - the other commands do without
    from liteagent_nb.core.config import AgentConfig  # noqa: PLC0415
    from liteagent_nb.core.portal import shared_portal  # noqa: PLC0415
    from liteagent_nb.services.mcp_server import create_app, serve_mcp  # noqa: PLC0415
    from liteagent_nb.services.serving import Place, serve, token_for  # noqa: PLC0415

    config = AgentConfig(
        model=chosen.model,
        max_iterations=chosen.max_iterations,
        tool_timeout_sec=chosen.timeout,
        shell_allow_prefixes=tuple(chosen.allow_shell or ("echo",)),
    )
    tools, offers_agent = make_invoker(config, isolate=chosen.isolate), not chosen.no_agent
    if not chosen.http:
        # At once: a thread reads stdin, which nothing can break off. What runs is ended by its supervisors.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        shared_portal().wait_for(serve_mcp(tools, config=config, offers_agent=offers_agent))
        return 0
    place = Place(chosen.host, chosen.port, chosen.drain)
    token = token_for(place, chosen.token_file, is_open=chosen.open, say=_say)
    hosts = frozenset(chosen.allow_host)
    app = create_app(tools, config=config, offers_agent=offers_agent, token=token, hosts=hosts)
    serve(app, place, name="mcp", say=_say)
    return 0


def _say(text: str) -> None:
    print(text, flush=True)
