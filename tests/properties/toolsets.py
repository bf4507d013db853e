"""Tools that behave and misbehave in every way: coroutines, threads, an invoker of one's own, programs."""

from __future__ import annotations

import asyncio
import time

from hypothesis import strategies as st
from scenes import ignoring

from liteagent_nb.core.tools import Observation, Tool
from liteagent_nb.testing import call
from liteagent_nb.tools.composite import CompositeInvoker
from liteagent_nb.tools.toolbox import Toolbox


class Unshowable:
    def __repr__(self):
        raise RuntimeError("I cannot be shown")


class Doubtful:
    def __bool__(self):
        raise ValueError("as with arrays and tables")


def _loop():
    knot = []
    knot.append(knot)
    return knot


VALUES = {
    "nothing": None,
    "text": "fine",
    "half a letter": "\ud800 fine",
    "huge": "x" * 200_000,
    "many": list(range(20_000)),
    "not a number": float("nan"),
    "object": object(),
    "unshowable": Unshowable(),
    "knot": _loop(),
    "keys": {(1, 2): {3}},
    "bytes": b"\xff\x00",
    "class": Unshowable,
    "failed": Observation.failure("no"),
    "own": Observation(ok=True, result={"result": Unshowable()}),
    "own table": Observation(ok=True, result={"result": Doubtful()}),
}
ERRORS = {
    kind.__name__: kind
    for kind in (
        RuntimeError, TimeoutError, KeyboardInterrupt, SystemExit, StopIteration, GeneratorExit, asyncio.CancelledError,
        RecursionError, StopAsyncIteration,
    )
}  # fmt: skip


class Functions:
    """Functions for a Toolbox; the sync ones run in threads."""

    def __init__(self, trigger):
        self._trigger = trigger

    @property
    def all(self):
        return [getattr(self, name) for name, kind in vars(Functions).items() if name[0] != "_" and callable(kind)]

    async def good(self, turns: int = 1) -> str:
        self._trigger.reached("tool")
        await ignoring(0, turns)
        return "good"

    async def stubborn(self, turns: int = 1) -> str:
        self._trigger.reached("tool")
        await ignoring(5, turns)
        return "stubborn"

    async def slow_to_clear_up(self, turns: int = 1) -> str:
        self._trigger.reached("tool")
        try:
            await ignoring(0, turns)
        finally:
            await asyncio.sleep(0.003)
        return "cleared up"

    async def hangs(self, turns: int = 1) -> str:
        self._trigger.reached("tool")
        await asyncio.sleep(60)
        return "never"

    async def gives(self, value: str = "text") -> object:
        self._trigger.reached("tool")
        return VALUES[value]

    async def fails(self, kind: str = "RuntimeError") -> str:
        self._trigger.reached("tool")
        raise ERRORS[kind]("failed")

    def works(self, turns: int = 1) -> str:
        self._trigger.reached_in_thread()
        time.sleep(turns / 1000)
        return "worked"

    def spins(self, turns: int = 1) -> str:
        self._trigger.reached_in_thread()
        while True:
            pass

    def gives_in_a_thread(self, value: str = "text") -> object:
        self._trigger.reached_in_thread()
        return VALUES[value]

    def fails_in_a_thread(self, kind: str = "RuntimeError") -> str:
        self._trigger.reached_in_thread()
        raise ERRORS[kind]("failed")

    def promises(self, turns: int = 1) -> object:
        """Return something to await, which nobody can see from outside."""
        self._trigger.reached_in_thread()
        return self.good(turns)

    def exec_python(self, code: str) -> str:
        self._trigger.reached_in_thread()
        return f"ran {code}"


class Own:
    """An invoker as a user writes it, without the care that a Toolbox takes."""

    def __init__(self, trigger):
        self._trigger = trigger

    async def list_tools(self):
        return [Tool("own_good"), Tool("own_alone", run_alone=True), Tool("own_stubborn"), Tool("own_fails")]

    async def call_tool(self, name, arguments, *, timeout_s):
        self._trigger.reached("tool")
        await ignoring(5 if name == "own_stubborn" else 0, int(arguments.get("turns", 1)))
        if name == "own_fails":
            raise RuntimeError("failed")
        return Observation(ok=True, result="\ud800 fine" * 50)


def mixed(trigger):
    """Return all of them as one invoker."""
    return CompositeInvoker([Toolbox(Functions(trigger).all), Own(trigger)])


TURNS = st.integers(0, 5)
QUICK = st.sampled_from(["good", "stubborn", "slow_to_clear_up", "own_good", "own_alone", "own_stubborn", "own_fails"])
IN_THREADS = st.sampled_from(["works", "works", "promises", "spins"])
BROKEN = st.sampled_from(
    ["{oops", "[]", "null", '{"turns": 1}{"turns": 2}', '{"turns": []}', '{"turns": NaN}', '{"turns": "\ud800"}']
)
CALLS = st.one_of(
    st.builds(lambda name, turns: call(name, turns=turns), QUICK, TURNS),
    st.builds(lambda name, turns: call(name, turns=turns), QUICK, TURNS),
    st.builds(lambda name, turns: call(name, turns=turns), IN_THREADS, TURNS),
    st.builds(lambda value: call("gives", value=value), st.sampled_from([*VALUES])),
    st.builds(lambda kind: call("fails", kind=kind), st.sampled_from([*ERRORS])),
    st.one_of(
        st.builds(lambda value: call("gives_in_a_thread", value=value), st.sampled_from([*VALUES])),
        st.builds(lambda kind: call("fails_in_a_thread", kind=kind), st.sampled_from([*ERRORS])),
        st.just(call("hangs")),
    ),
    st.builds(call, QUICK, BROKEN),
    st.builds(call, st.sampled_from(["unknown", "", "functions.good", "größe", "x" * 70, "\ud800"])),
)
