"""What a chat panel is made of: the options of `%agent`, this notebook's models, tools and variables."""

from __future__ import annotations

import re
from argparse import Namespace
from dataclasses import replace
from datetime import datetime
from types import ModuleType
from typing import TYPE_CHECKING

from liteagent_nb import environment
from liteagent_nb.assembly import EMBEDDED_MODEL, choose_model, run_wired
from liteagent_nb.core.errors import ConfigError
from liteagent_nb.core.protocols import Model
from liteagent_nb.magics.agent_options import AGENT_LINE
from liteagent_nb.magics.choosing import EXAMPLES, models_in
from liteagent_nb.magics.conversation import Conversation
from liteagent_nb.magics.matching import public_names
from liteagent_nb.magics.options import Asked
from liteagent_nb.magics.plan import planned
from liteagent_nb.tools.approving import ApprovingInvoker

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from liteagent_nb.core.chat import Transcript
    from liteagent_nb.core.steps import Watcher
    from liteagent_nb.magics.agent_magic import AgentMagics
    from liteagent_nb.panels.chat import Work
    from liteagent_nb.panels.chat_turns import Question, Turn
    from liteagent_nb.tools.approving import Ask

__all__ = ["PanelBacking", "merged"]

_NAME = re.compile(r"(?<![\w$`\\])\$([^\W\d]\w*)(?![`\w])")
_MOST_NAMES = 40


class PanelBacking:
    """Answers a panel's questions as `%agent` would with *chosen* on its line."""

    def __init__(self, magics: AgentMagics, chosen: Namespace) -> None:
        self._magics = magics
        self._chosen = chosen
        given = chosen.model
        self._given = {given.name: given} if isinstance(given, Model) else {}
        self.model: str = given.name if isinstance(given, Model) else given or magics.model or choose_model().name
        """The name of the model that answers what names no other."""

    def prepare(self, question: Question, before: Transcript) -> Callable[[Watcher, Ask], Work]:
        """Return what runs *question*. Raises `LiteAgentError` where it cannot be run."""
        plan = planned(self._magics, self._asked(question), Conversation(before))
        wires = plan.wires()

        def start(watch: Watcher, ask: Ask) -> Work:
            tools = wires.tools
            if tools is not None and self._chosen.ask:
                timeout_s = plan.config.tool_timeout_sec
                tools = ApprovingInvoker(tools, ask, names=self._chosen.ask, timeout_s=timeout_s)
            return run_wired(plan.transcript, replace(wires, tools=tools), config=plan.config, watch=watch)

        return start

    def _asked(self, question: Question) -> Asked:
        chosen = Namespace(**vars(self._chosen))
        named = question.model or self.model
        chosen.model = self._given.get(named, named)
        text, pictures = self._read(question)
        chosen.image = [*(chosen.image or ()), *pictures, *question.pictures]
        return Asked(chosen, text)

    def _read(self, question: Question) -> tuple[str, list[str]]:
        """Return what the model is told, and the variables that are pictures: `$name` names one, too."""
        from liteagent_nb.extras.images import looks_like_picture  # noqa: PLC0415 - Pillow loads when a chat begins

        names, pictures = self._magics.ip.user_ns, list[str]()

        def told(name: str) -> str:
            if looks_like_picture(names.get(name)):
                pictures.append(name)
                return f"`{name}`"
            return f"$`{name}`"

        text = _NAME.sub(lambda found: told(found[1]) if found[1] in names else found[0], question.text)
        beside = [told(name) for name in question.names]
        return "\n\n".join(filter(None, (text, " ".join(beside)))), list(dict.fromkeys(pictures))

    def keep(self, turn: Turn) -> None:
        """Write down what *turn* cost, and let the notebook have its run."""
        cell = self._magics.ip.execution_count
        self._magics.ledger.add(turn.run, at=datetime.now().astimezone().isoformat(" ", "seconds"), cell=cell)
        self._magics.ip.user_ns["_agent_run"] = turn.run

    def insert(self, code: str) -> None:
        """Ask for a cell below the next one that is run."""
        self._magics.ip.set_next_input(code)

    def fields(self) -> dict[str, object]:
        """Return what the view shows of it: the models, and the chosen one."""
        return {"models": self._models(), "model": self.model}

    def _models(self) -> list[list[object]]:
        own = {**dict.fromkeys(self._given, ""), **dict.fromkeys(models_in(self._magics.ip.user_ns), "")}
        keys = environment.key_names()
        others = {name: _about_key(name, keys) for name in EXAMPLES}
        named = {} if self.model in {*own, *others, EMBEDDED_MODEL} else {self.model: _about_key(self.model, keys)}
        groups = {
            "This notebook": own,
            "This machine": {EMBEDDED_MODEL: "no key, no network"},
            "Providers": {**named, **others},
        }
        return [[title, [[name, about] for name, about in rows.items()]] for title, rows in groups.items() if rows]

    def names(self) -> list[list[str]]:
        """Return the variables that may go with a question, pictures and tables first."""
        from liteagent_nb.extras.images import looks_like_picture  # noqa: PLC0415 - as above

        found = {name: self._magics.ip.user_ns[name] for name in public_names(self._magics.ip, _is_value)}
        pictures = {name for name, value in found.items() if looks_like_picture(value)}
        ranked = sorted(found, key=lambda name: (name not in pictures, not hasattr(found[name], "shape")))
        return [[name, _kind(found[name])] for name in ranked[:_MOST_NAMES]]


def merged(chosen: Namespace, more: Mapping[str, object]) -> Namespace:
    """Return *chosen* with *more*. Raises `ConfigError` for an option that is none."""
    known = vars(chosen)
    for name in more:
        if name not in known:
            raise ConfigError(f"there is no option {name}", hint=f"one of: {', '.join(AGENT_LINE.flags)}")
    given = {name: value for name, value in more.items() if value is not None}
    return Namespace(**{**known, **given})


def _about_key(name: str, keys: list[str]) -> str:
    provider = name.partition("/")[0]
    if provider.startswith("ollama"):
        return "a server of yours"
    return "key is set" if f"{provider.upper()}_API_KEY" in keys else "no key is set"


def _is_value(value: object) -> bool:
    return not callable(value) and not isinstance(value, ModuleType | Model) and not hasattr(value, "_ipython_display_")


def _kind(value: object) -> str:
    shape = getattr(value, "shape", None)
    size = f" {' by '.join(map(str, shape))}" if isinstance(shape, tuple) and shape else ""
    return f"{type(value).__name__}{size}"
