"""Tab completion for the line of `%agent`: options, models, tools, commands and `` $`names` ``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from liteagent_nb.assembly import EMBEDDED_MODEL, choose_model
from liteagent_nb.cassettes.cassette import MODES
from liteagent_nb.magics.agent_options import AGENT_LINE
from liteagent_nb.magics.cassette_command import WORDS as CASSETTE_WORDS
from liteagent_nb.magics.choosing import BUILT_IN, models_in
from liteagent_nb.magics.commands import COMMANDS
from liteagent_nb.magics.matching import line_before, matcher, offered, public_names
from liteagent_nb.magics.mcp_servers import server_files
from liteagent_nb.magics.pictures import picture_names
from liteagent_nb.magics.serve_command import WORDS as SERVE_WORDS
from liteagent_nb.services.tokens import default_token_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from IPython.core.completer import CompletionContext, MatcherAPIv2, SimpleMatcherResult

    from liteagent_nb.magics.agent_magic import AgentMagics

__all__ = ["EXAMPLES", "agent_matcher"]

_OWN_HOST = "http://127.0.0.1:8791"
"""Where `jupyter liteagent tools` is."""
_LINE = re.compile(r"^\s*(?:[\w.,\s]+=\s*)?%agent\s")
_REFERENCE = re.compile(r"\$`(\w*)$")
_AFTER = {"cassette": CASSETTE_WORDS, "serve": SERVE_WORDS}
"""What may come behind a command."""


def agent_matcher(magics: AgentMagics) -> MatcherAPIv2:
    """Return a matcher for the shell's completer."""

    def match_agent(context: CompletionContext) -> SimpleMatcherResult:
        return _matches(context, magics)

    return matcher(match_agent)


def _matches(context: CompletionContext, magics: AgentMagics) -> SimpleMatcherResult:
    is_agent_cell = context.full_text.lstrip().startswith("%%agent")
    if (is_agent_cell or _LINE.match(context.text_until_cursor)) and (
        name := _REFERENCE.search(context.text_until_cursor)
    ):
        return offered(name[1], public_names(magics.ip))
    if (line := line_before(context, "agent")) is None:
        return offered("", [])
    before, fragment = line
    return offered(fragment, _candidates(before, fragment, magics))


def _candidates(before: list[str], fragment: str, magics: AgentMagics) -> Iterable[str]:
    values = _VALUES.get(before[-1] if before else "")
    if values is not None:
        return values(magics)
    if len(before) == 1 and before[0] in _AFTER:
        return _AFTER[before[0]]
    if fragment.startswith("-"):
        return AGENT_LINE.flags
    return [*COMMANDS, "cassette", "cost", "serve"] if not before and fragment else []


def _models(magics: AgentMagics) -> list[str]:
    chosen = choose_model(None, magics.model).name
    return list(dict.fromkeys([*models_in(magics.ip.user_ns), chosen, EMBEDDED_MODEL, *EXAMPLES]))


def _tools(magics: AgentMagics) -> list[str]:
    return [*public_names(magics.ip, callable), *BUILT_IN]


def _pictures(magics: AgentMagics) -> list[str]:
    return picture_names(magics.ip.user_ns)


_VALUES: Mapping[str, Callable[[AgentMagics], Iterable[str]]] = {
    **dict.fromkeys(("-m", "--model", "--escalate"), _models),
    "--tool": _tools,
    "--tools-url": lambda _: [_OWN_HOST],
    "--tools-token-file": lambda _: [str(default_token_file())],
    "--mcp": lambda _: server_files(),
    "--image": _pictures,
    "--cassette": lambda _: MODES,
}
"""What may follow an option."""

EXAMPLES = (
    "anthropic/claude-sonnet-4-5",
    "gemini/gemini-2.5-flash",
    "ollama/llama3.2",
    "openai/gpt-4o-mini",
    "openai/gpt-5",
)
"""Names of models, for a start."""
