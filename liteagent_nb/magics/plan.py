"""What a cell will do: everything that is known before a model is made or asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from liteagent_nb.assembly import (
    Closing,
    Maker,
    ModelChoice,
    make_far_invoker,
    make_invoker,
    make_run_context,
    maker_of,
    priced,
    wired,
)
from liteagent_nb.cassettes.cassette import Cassette
from liteagent_nb.core.chat import Transcript
from liteagent_nb.core.config import AgentConfig
from liteagent_nb.core.ledger import Limits
from liteagent_nb.core.protocols import Invoker
from liteagent_nb.core.redaction import redact
from liteagent_nb.extras.caching.answers import AnswerCache
from liteagent_nb.magics.cache_command import answer_cache
from liteagent_nb.magics.cassette_command import find_cassette
from liteagent_nb.magics.choosing import Wanted, address, find_functions, find_model, models_in, read_price
from liteagent_nb.magics.executors import Place
from liteagent_nb.magics.pictures import find_pictures
from liteagent_nb.magics.references import with_references
from liteagent_nb.services.tokens import read_token

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from liteagent_nb.assembly import Wires
    from liteagent_nb.magics.agent_magic import AgentMagics
    from liteagent_nb.magics.conversation import Conversation
    from liteagent_nb.magics.options import Asked

__all__ = ["Plan", "far_tools", "limits_of", "planned"]

_USED = {"replay": "replayed from {}", "record": "recorded on {}", "auto": "with {}"}


@dataclass(frozen=True, slots=True)
class Plan:
    """A cell's task, its limits, and what it is made of."""

    choice: ModelChoice
    transcript: Transcript
    config: AgentConfig
    model: Maker
    tools: Invoker | None
    stronger: Maker | None
    cassette: Cassette | None
    close: Closing | None
    """Closes what the run opens: the context of its code, the connections to its tools."""
    cache: AnswerCache | None = None
    more_tools: Callable[[], tuple[Invoker | None, Closing | None]] = lambda: (None, None)
    """Tools for another run beside this one."""

    def another(self) -> Plan:
        """Return the same with tools of its own."""
        tools, close = self.more_tools()
        return replace(self, tools=tools, close=close)

    def wires(self) -> Wires:
        """Make model and tools, which may take seconds."""
        return wired(
            self.model,
            self.tools,
            stronger=self.stronger,
            cassette=self.cassette,
            close=self.close,
            cache=self.cache,
        )


def planned(magics: AgentMagics, asked: Asked, conversation: Conversation) -> Plan:
    """Return what *asked* will do, after what *conversation* holds.

    Raises `ConfigError` where it cannot, `BudgetError` where nothing is left.
    """
    wanted, names = Wanted(asked.chosen, magics), magics.ip.user_ns
    limits = limits_of(wanted)
    config = magics.ledger.bounded(wanted.config(asked.chosen.model or magics.model), limits)
    own_retries = {"num_retries": 0} if asked.chosen.each is not None else {}  # the batch asks again itself
    settings = {**own_retries, **config.completion_kwargs}
    choice, model = find_model(asked.chosen.model, magics.model, names, settings)
    cassette = find_cassette(magics, asked.chosen.cassette)
    told = [choice.why, *_about_tools(wanted), *_about_cassette(cassette), *_about_limits(limits, config)]
    task, pictures = with_references(asked.task, names), find_pictures(asked.chosen.image or (), names)
    is_cached = bool(wanted.cache) and (cassette is None or cassette.mode == "off")
    told += ["with the cache"] if is_cached else []
    told += [f"shows {picture.about}" for picture in pictures]
    new_tools = partial(_tools, magics, wanted, config, cassette)
    tools, close = new_tools()
    return Plan(
        choice=replace(choice, why="; ".join(told)),
        transcript=conversation.asked(task, pictures=pictures, system=wanted.system, is_fresh=bool(wanted.fresh)),
        config=config,
        model=priced(model, read_price(wanted.price)) if wanted.price else model,
        tools=tools,
        stronger=_stronger(config, names),
        cassette=cassette,
        close=close,
        cache=answer_cache(magics) if is_cached else None,
        more_tools=new_tools,
    )


def _tools(
    magics: AgentMagics, wanted: Wanted, config: AgentConfig, cassette: Cassette | None
) -> tuple[Invoker | None, Closing | None]:
    """Return the tools of a run; its code runs where `%exec` runs code, in a context and a folder of its own."""
    if wanted.no_tools:
        return None, None
    if wanted.tools_url:
        return far_tools(magics, wanted, cassette)
    context = make_run_context(magics.executors[Place(isolate=bool(wanted.isolate))])
    functions = find_functions(wanted.tool, magics.ip.user_ns)
    others = magics.servers.named(wanted.mcp)
    tools = make_invoker(config, functions, executor=context, isolate=bool(wanted.isolate), others=others)
    return tools, context.aclose


def far_tools(magics: AgentMagics, wanted: Wanted, cassette: Cassette | None) -> tuple[Invoker, Closing]:
    """Return the tools of the host that the line names, the notebook's functions beside them."""
    functions = find_functions(wanted.tool, magics.ip.user_ns)
    url, token = _host(wanted)
    return make_far_invoker(
        url,
        functions,
        others=magics.servers.named(wanted.mcp),
        token=token,
        timeout_s=wanted.timeout,
        cassette=cassette,
    )


def _host(wanted: Wanted) -> tuple[str, Callable[[], str]]:
    """Return where the tools are, and what gives the token."""
    (url, token), file = address(wanted.tools_url), wanted.tools_token_file
    return url, (lambda: read_token(Path(file).expanduser())) if file else lambda: token


def limits_of(wanted: Wanted) -> Limits:
    """Return the notebook's limits."""
    return Limits(wanted.notebook_budget, wanted.notebook_tokens, wanted.notebook_seconds)


def _stronger(config: AgentConfig, names: Mapping[str, object]) -> Maker | None:
    name = config.escalate_model
    if not name:
        return None
    own = models_in(names).get(name)
    return Maker(own.name, lambda: own) if own else maker_of(name, config.completion_kwargs)


def _about_tools(wanted: Wanted) -> Iterator[str]:
    if wanted.tools_url and not wanted.no_tools:
        yield f"with the tools of {redact(_host(wanted)[0])}"


def _about_cassette(cassette: Cassette | None) -> Iterator[str]:
    if cassette is not None:
        yield _USED[cassette.mode].format(cassette.source)


def _about_limits(limits: Limits, config: AgentConfig) -> Iterator[str]:
    """Tell what is left of the notebook's limits."""
    if limits.usd is not None:
        yield f"${config.max_cost_usd:.4f} left of this notebook's ${limits.usd:g}"
    if limits.tokens is not None:
        yield f"{config.max_tokens_total:,} tokens left of this notebook's {limits.tokens:,}"
    if limits.seconds is not None:
        yield f"{config.max_total_seconds:.1f} s left of this notebook's {limits.seconds:g}"
