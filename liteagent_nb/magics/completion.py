"""Tab completion for the line of `%agent`: options, models, tools, commands and `` $`names` ``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from IPython.core.completer import SimpleCompletion, context_matcher

from liteagent_nb.assembly import EMBEDDED_MODEL, choose_model
from liteagent_nb.cassettes.cassette import MODES
from liteagent_nb.magics.agent_options import AGENT_LINE
from liteagent_nb.magics.cassette_command import WORDS
from liteagent_nb.magics.choosing import BUILT_IN, models_in
from liteagent_nb.magics.commands import COMMANDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from IPython.core.completer import CompletionContext, MatcherAPIv2, SimpleMatcherResult

    from liteagent_nb.magics.agent_magic import AgentMagics

__all__ = ["agent_matcher"]

_LINE = re.compile(r"^\s*(?:[\w.,\s]+=\s*)?%{1,2}agent\s+(.*)$")
_REFERENCE = re.compile(r"\$`(\w*)$")


def agent_matcher(magics: AgentMagics) -> MatcherAPIv2:
    """Return a matcher for the shell's completer."""

    @context_matcher()  # type: ignore[untyped-decorator]  # IPython's own is untyped
    def match_agent(context: CompletionContext) -> SimpleMatcherResult:
        return _matches(context, magics)

    return match_agent  # type: ignore[no-any-return]


def _matches(context: CompletionContext, magics: AgentMagics) -> SimpleMatcherResult:
    is_agent_cell = context.full_text.lstrip().startswith("%%agent")
    line = _LINE.match(context.text_until_cursor)
    if (line or is_agent_cell) and (name := _REFERENCE.search(context.text_until_cursor)):
        return _result(name[1], _names(magics, lambda _: True))
    if line is None or (context.full_text.lstrip().startswith("%%") and context.cursor_line):
        return _result("", [])
    *before, fragment = re.split(r"\s+", line[1])
    return _result(fragment, _candidates(before, fragment, magics))


def _candidates(before: list[str], fragment: str, magics: AgentMagics) -> Iterable[str]:
    previous = before[-1] if before else ""
    if previous in {"-m", "--model", "--escalate"}:
        return _models(magics)
    if previous == "--tool":
        return [*_names(magics, callable), *BUILT_IN]
    if previous == "--cassette":
        return MODES
    if fragment.startswith("-"):
        return AGENT_LINE.flags
    if before == ["cassette"]:
        return WORDS
    return [*COMMANDS, "cassette", "cost"] if not before and fragment else []


def _models(magics: AgentMagics) -> list[str]:
    chosen = choose_model(None, magics.model).name
    return list(dict.fromkeys([*models_in(magics.ip.user_ns), chosen, EMBEDDED_MODEL, *_EXAMPLES]))


_EXAMPLES = (
    "anthropic/claude-sonnet-4-5",
    "gemini/gemini-2.5-flash",
    "ollama/llama3.2",
    "openai/gpt-4o-mini",
    "openai/gpt-5",
)


def _names(magics: AgentMagics, suits: Callable[[object], bool]) -> list[str]:
    hidden = magics.ip.user_ns_hidden
    return [
        name
        for name, value in magics.ip.user_ns.items()
        if not name.startswith("_") and name not in hidden and suits(value)
    ]


def _result(fragment: str, candidates: Iterable[str]) -> SimpleMatcherResult:
    found = [SimpleCompletion(text, type="magic") for text in candidates if text.startswith(fragment)]
    return {"completions": found, "matched_fragment": fragment, "suppress": bool(found)}
