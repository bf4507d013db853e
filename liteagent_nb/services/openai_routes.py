"""What the agent proxy does for each route of OpenAI's chat API."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from starlette.responses import Response

from liteagent_nb import environment
from liteagent_nb.assembly import EMBEDDED_MODEL, Maker, has_embedded_model
from liteagent_nb.models.dummy import ALLOW_VARIABLE
from liteagent_nb.models.echo import EchoModel
from liteagent_nb.services.agent_routes import begun, watching_nothing
from liteagent_nb.services.answers import json_answer, json_bytes
from liteagent_nb.services.openai_frames import ChatFrames
from liteagent_nb.services.openai_requests import read_chat
from liteagent_nb.services.openai_shape import Head, completion_json
from liteagent_nb.services.presence import WhileThere

if TYPE_CHECKING:
    from starlette.requests import Request

    from liteagent_nb.core.config import AgentConfig
    from liteagent_nb.core.steps import Event, Run
    from liteagent_nb.services.agent_requests import Task
    from liteagent_nb.services.agent_runs import Runs
    from liteagent_nb.services.event_stream import EventStream

__all__ = ["OpenAIRoutes"]

_STUBS = ("dummy", "noop")


class OpenAIRoutes:
    """The endpoints that OpenAI's clients know; *config* limits the runs behind them."""

    def __init__(self, runs: Runs, config: AgentConfig) -> None:
        self._runs = runs
        self._config = config
        self._created = int(time.time())
        self._echoes = environment.text("MINI_AGENT_OPENAI_SHIM_MODE") == "echo"

    async def chat(self, request: Request) -> Response | EventStream[Event, Run]:
        """Answer a conversation: whole, or piece by piece."""
        asked, way = read_chat(await request.body(), self._config), self._runs.way_of(request)
        asked = replace(asked, task=self._resolved(asked.task))
        head, model = Head.of(asked.task.config.model), self._echo()
        if asked.is_streamed:
            frames = ChatFrames(asked, head)
            return await begun(lambda watch: self._runs.run(asked.task, watch, way=way, model=model), frames, request)
        async with WhileThere(request.receive):
            run = await self._runs.run(asked.task, watching_nothing, way=way, model=model)
        content = json_bytes(completion_json(run, head, asked.task))
        return Response(self._runs.hidden(asked.task)(content), media_type="application/json")

    async def models(self, _request: Request) -> Response:
        """List the models that are really configured."""
        entries = [
            {"id": name, "object": "model", "created": self._created, "owned_by": "liteagent_nb"}
            for name in self._names()
        ]
        return json_answer({"object": "list", "data": entries})

    def _names(self) -> list[str]:
        if self._echoes:
            return ["echo"]
        supplies = self._runs.supplies
        names = [supplies.default_model, *supplies.models]
        names += [EMBEDDED_MODEL] if has_embedded_model() else []
        names += _STUBS if environment.is_flag_set(ALLOW_VARIABLE) else []
        return list(dict.fromkeys(names))

    def _resolved(self, task: Task) -> Task:
        """Return *task* with a model to ask: one of ours, `provider/model`, or for any other name the default."""
        name, supplies = task.config.model, self._runs.supplies
        if self._echoes:
            name, task = "echo", replace(task, backend="none")
        elif name not in supplies.models and name not in _STUBS and "/" not in name:
            name = supplies.default_model
        return replace(task, config=replace(task.config, model=name))

    def _echo(self) -> Maker | None:
        return Maker("echo", EchoModel) if self._echoes else None
