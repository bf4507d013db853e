"""Stack: all services at once, each served over HTTP and wired to the others, with one model behind them."""

from __future__ import annotations

import secrets
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from liteagent_nb.assembly import EMBEDDED_MODEL, make_executor, make_model
from liteagent_nb.models.embedded.engine import start_server
from liteagent_nb.models.embedded.weights import weights_for
from liteagent_nb.services import agent_proxy, exec_rpc_server
from liteagent_nb.services.host import Host, host_app
from liteagent_nb.services.tools_host import serve_tools

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import ASGIApp

    from liteagent_nb.checks.check import Bench
    from liteagent_nb.core.protocols import Model

__all__ = ["EMBEDDED", "LLAMA", "Stack", "stack_of"]

EMBEDDED, LLAMA = "embedded", "llama"
"""Which model: the embedded one in process, or llama.cpp's own OpenAI-compatible server with the same weights."""
_REPLY_TOKENS = 48


@dataclass(frozen=True, slots=True)
class Stack:
    """The services: the agent's code runs at *code*, it may use *tools*, and *agent* is asked."""

    model: str
    tools: Host
    code: Host
    agent: Host


def stack_of(bench: Bench, kind: str) -> Stack:
    """Return the stack of that *kind*, served once for a bench."""
    return bench.keep(f"stack-{kind}", lambda: _served(kind))


@contextmanager
def _served(kind: str) -> Iterator[Stack]:
    with ExitStack() as opened:
        model = make_model(EMBEDDED_MODEL) if kind == EMBEDDED else opened.enter_context(_llama())
        tools = opened.enter_context(serve_tools([parcel_price], token=secrets.token_urlsafe()))
        code = opened.enter_context(
            host_app(lambda token: exec_rpc_server.create_app(token=token), token=secrets.token_urlsafe())
        )

        def app(token: str) -> ASGIApp:
            runner = make_executor(url=code.url, token=code.token)
            return agent_proxy.create_app(model=model.name, models=[model], executor=runner, token=token)

        agent = opened.enter_context(host_app(app, token=secrets.token_urlsafe()))
        yield Stack(model.name, tools, code, agent)


@contextmanager
def _llama() -> Iterator[Model]:
    """Give a model that is asked over HTTP, of llama.cpp's own server; the server ends with it."""
    key = secrets.token_urlsafe()
    server = start_server(weights_for(EMBEDDED_MODEL), key)
    address = f"{server.listening_address}/v1"
    yield make_model("openai/smollm2", {"api_base": address, "api_key": key, "max_tokens": _REPLY_TOKENS})
    del server  # it ends where nothing holds it


def parcel_price(weight_kg: float) -> str:
    """Price of sending a parcel.

    Args:
        weight_kg: weight of the parcel in kilograms
    """
    return f"{4.5 + 1.2 * weight_kg:.2f} EUR"
