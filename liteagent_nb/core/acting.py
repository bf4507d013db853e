"""Acting: the calls of one reply, run with bounded concurrency, answered in the order asked."""

from __future__ import annotations

import asyncio
import difflib
from typing import TYPE_CHECKING

from liteagent_nb.core.arguments import read_arguments
from liteagent_nb.core.chat import text_of
from liteagent_nb.core.errors import CassetteMiss
from liteagent_nb.core.steps import ToolFinished, ToolStarted
from liteagent_nb.core.tasks import finish_or_abandon, is_being_cancelled
from liteagent_nb.core.text import clean, shorten
from liteagent_nb.core.tools import Observation, ToolInvocation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from liteagent_nb.core.chat import Message, ToolCall
    from liteagent_nb.core.config import AgentConfig
    from liteagent_nb.core.protocols import Invoker
    from liteagent_nb.core.steps import Watcher
    from liteagent_nb.core.tools import Tool

__all__ = ["Errands", "told"]

CANCEL_GRACE_S = 0.8
"""How long a tool's cleanup may take before it is left behind; a stop has to hold within a second."""

TIMEOUT_GRACE_S = 0.4
"""How long an invoker may overrun its limit before it is cancelled: its own answer says more than ours."""


class Errands:
    """The calls of one reply on their way; `messages()` may be read at any moment and answers every call."""

    def __init__(
        self, calls: Sequence[ToolCall], *, invoker: Invoker | None, offered: Sequence[Tool], config: AgentConfig
    ) -> None:
        self._calls = tuple(calls)
        self._invoker = invoker
        self._offered = {tool.name: tool for tool in offered}
        self._config = config
        self._finished: dict[int, ToolInvocation] = {}

    async def run(self, watch: Watcher) -> None:
        """Run the calls. One that must run alone waits for those before it, and those after it wait for it.

        Raises `CassetteMiss` where a replay has no recording of a call: that is nothing to tell the model.
        """
        room = asyncio.Semaphore(self._config.tool_concurrency)
        for batch in self._batches():
            if len(batch) == 1:  # most often: what runs alone needs no task of its own
                await self._run_one(batch[0], room, watch)
            else:
                await self._run_together(batch, room, watch)

    async def _run_together(self, batch: Sequence[int], room: asyncio.Semaphore, watch: Watcher) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for index in batch:
                    group.create_task(self._run_one(index, room, watch))
        except* CassetteMiss as misses:
            raise misses.exceptions[0] from None

    def _batches(self) -> Iterator[list[int]]:
        batch: list[int] = []
        for index, call in enumerate(self._calls[: self._config.max_tools_per_iter]):
            tool = self._offered.get(call.name)
            if tool is not None and tool.run_alone:
                yield batch
                yield [index]
                batch = []
            else:
                batch.append(index)
        yield batch

    async def _run_one(self, index: int, room: asyncio.Semaphore, watch: Watcher) -> None:
        call = self._calls[index]
        async with room:
            watch(ToolStarted(index, call))
            arguments, complaint = read_arguments(call.arguments)
            started_s = asyncio.get_running_loop().time()
            observation = Observation.failure(complaint) if complaint else await self._observe(call.name, arguments)
            t_ms = (asyncio.get_running_loop().time() - started_s) * 1000
            self._finish(index, call.arguments if complaint else arguments, _timed(observation, t_ms))
            watch(ToolFinished(self._finished[index]))

    async def _observe(self, name: str, arguments: Mapping[str, object]) -> Observation:
        """Call the tool; whatever it raises is what was observed."""
        tool = self._offered.get(name)
        if tool is None or self._invoker is None:
            return Observation.failure(self._unknown(name))
        timeout_s = tool.timeout_s or self._config.tool_timeout_sec
        try:
            async with asyncio.timeout(timeout_s + TIMEOUT_GRACE_S) as limit:
                work = self._invoker.call_tool(name, arguments, timeout_s=timeout_s)
                return _checked(await finish_or_abandon(work, grace_s=CANCEL_GRACE_S))
        except asyncio.CancelledError:
            if is_being_cancelled():
                raise
            return Observation.failure("the tool cancelled itself")
        except TimeoutError as error:
            is_ours = limit.expired()
            return Observation.failure(f"timeout after {timeout_s:g}s" if is_ours else f"TimeoutError: {error}", rc=-1)
        except CassetteMiss:
            raise
        except Exception as error:  # noqa: BLE001 - a failed tool is an observation, whatever it raises
            return Observation.failure(f"{type(error).__name__}: {error}")

    def _unknown(self, name: str) -> str:
        if not self._offered:
            return f"unknown tool {name!r}: no tools are offered"
        near = difflib.get_close_matches(name, self._offered, n=1)
        meant = f"; did you mean {near[0]!r}?" if near else ""
        return f"unknown tool {name!r}{meant} Tools: {', '.join(self._offered)}"

    def _finish(self, index: int, arguments: Mapping[str, object] | str, observation: Observation) -> None:
        call, config = self._calls[index], self._config
        message = told(observation, ask_to_mend=config.enable_repair, max_chars=config.hard_char_budget)
        self._finished[index] = ToolInvocation(index, call.name, call.id, arguments, observation, message)

    @property
    def invocations(self) -> tuple[ToolInvocation, ...]:
        """The calls that were run, in the order asked."""
        return tuple(self._finished[index] for index in sorted(self._finished))

    def messages(self, *, unanswered: str) -> Iterator[Message]:
        """Yield one tool message for each call; *unanswered* says why a call has not been run to its end."""
        for index, call in enumerate(self._calls):
            if index in self._finished:
                content = self._finished[index].message
            elif index >= self._config.max_tools_per_iter:
                content = (
                    f"Error: not run, since at most {self._config.max_tools_per_iter} calls are run for one reply."
                )
            else:
                content = f"Error: {unanswered}"
            yield {"role": "tool", "tool_call_id": call.id, "content": content}


def told(observation: Observation, *, ask_to_mend: bool, max_chars: int) -> str:
    """Return what the model is told of an observation: its text, or everything that helps to mend a failure."""
    if observation.ok:
        return shorten(clean(observation.text or observation.stderr or "(no output)"), max_chars)
    failed = [f"Error: {observation.error or 'the tool failed'}"]
    failed += [f"rc: {observation.rc}"] if observation.rc is not None else []
    failed += [f"stderr:\n{observation.stderr}"] if observation.stderr else []
    failed += [f"stdout:\n{text_of(observation.text)}"] if observation.text else []
    if ask_to_mend:
        failed.append("Observation from last tool run: it failed. Mend the call and try again, or answer without it.")
    return shorten(clean("\n".join(failed)), max_chars)


def _checked(observation: object) -> Observation:
    """Return what an invoker brought back, if it is what it promises; raises `TypeError` where it is not."""
    if not isinstance(observation, Observation):
        raise TypeError(f"the invoker returned {type(observation).__name__} instead of an Observation")
    for name in ("stdout", "stderr"):
        if not isinstance(value := getattr(observation, name), str):
            raise TypeError(f"the invoker returned {type(value).__name__} as {name} instead of text")
    return observation


def _timed(observation: Observation, t_ms: float) -> Observation:
    """Fill in the time where the invoker did not measure it."""
    return observation if observation.t_ms else observation.timed(t_ms)
