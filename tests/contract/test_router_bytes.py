"""Whatever bytes a server sends, however they are cut: every core of a Router makes the same of them."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from router_cases import FEW, FINE, STALLED, WARM, refusal
from router_seen import Case, Theatre, opened
from scripted_wire import CUT, Answer
from sse_bytes import CALLED, DONE, ROLE, STOP, TOLD, USAGE, call, chunk, event, say

pytestmark = pytest.mark.asyncio(loop_scope="module")
CORES = ("legacy", "extracted", "verify")

TEXT = st.text(max_size=6) | st.sampled_from(
    ["\n\n", "data: ", "\r", '"', "\\", "[DONE]", "</s>", "\ufeff", "🙂", "{}"]
)
SAID = st.builds(say, TEXT)
ODD = st.one_of(
    st.sampled_from([ROLE, STOP, CALLED, USAGE, DONE, event(None), event([]), event({}), b": still here\n\n", b"\n"]),
    st.builds(lambda text: chunk({"content": text}, "stop"), TEXT),
    st.builds(lambda text: chunk({"reasoning_content": text}), TEXT),
    st.builds(lambda text, index: chunk({"content": text}, index=index), TEXT, st.integers(0, 1)),
    st.builds(lambda text, more: say(text, **more), TEXT, st.sampled_from([{"usage": TOLD}, {"x_mine": 1}, {"id": "x"}, {"model": "n"}])),
    st.builds(lambda number, text: call(number, text, id=f"c{number}", name="add"), st.integers(0, 1), TEXT),
    st.builds(call, st.integers(0, 1), TEXT),
    st.binary(min_size=1, max_size=6).map(lambda data: b"data: " + data + b"\n\n"),
    st.just(event({"error": {"message": "boom", "code": 500}})),
)  # fmt: skip
RUNS = st.lists(st.lists(SAID, max_size=5) | st.lists(ODD, max_size=2), min_size=1, max_size=5)


@st.composite
def answers(draw):
    """Return an answer: mostly text, odd events in it, its bytes cut anywhere, ended well or not."""
    events = [*draw(st.sampled_from([(), WARM])), *(one for run in draw(RUNS) for one in run)]
    data = b"".join([*events, *draw(st.sampled_from([(STOP, DONE), (STOP, DONE), (DONE,), ()]))])
    data = data.replace(b"\n", draw(st.sampled_from([b"\n", b"\n", b"\r\n", b"\r"])))
    data = draw(st.sampled_from([b"", b"", b"\xef\xbb\xbf"])) + data
    places = sorted({0, len(data), *draw(st.lists(st.integers(0, len(data)), max_size=5))})
    parts = [data[start:end] for start, end in itertools.pairwise(places)]
    return Answer((*(step for part in parts for step in (part, FEW)), *draw(st.sampled_from([(), (), (CUT,)]))))


@given(answers=st.lists(answers(), min_size=1, max_size=4))
@settings(max_examples=6, suppress_health_check=[HealthCheck.too_slow])
async def test_any_bytes_are_read_the_same(theatre, answers):
    cases = [Case(f"answer {number}", {"m": answer}) for number, answer in enumerate(answers)]

    shown = await theatre.play(cases, CORES)

    found = {name: one.differences for name, one in shown.items() if any(one.differences.values())}
    assert found == {}, answers


class Faulty:
    """A router with one fault, around litellm's own."""

    def __init__(self, router, fault):
        self._router, self._fault = router, fault

    async def acompletion(self, **request):
        if self._fault == "asks twice":
            async for _ in await self._router.acompletion(**request):
                pass
        if self._fault == "loses its callbacks":
            request = {name: value for name, value in request.items() if name != "metadata"}
        try:
            return FaultyStream(await self._router.acompletion(**request), self._fault)
        except Exception as error:
            if self._fault == "raises another error":
                error.status_code = 418
            raise


class FaultyStream:
    def __init__(self, stream, fault):
        self._stream, self._fault, self._count = stream, fault, 0

    def __aiter__(self):
        return self

    async def __anext__(self):
        self._count += 1
        chunk = await anext(self._stream)
        if self._fault == "swallows a piece" and self._count == 2:
            return await anext(self._stream)
        if self._fault == "changes a hidden word" and self._count == 2:
            chunk._hidden_params["model_id"] = "another"
        return chunk

    async def aclose(self):
        if self._fault != "does not close":
            await self._stream.aclose()

    def __getattr__(self, name):
        return getattr(self._stream, name)


async def close_and_leave(asking):
    stream = await opened(asking)
    asking.take(await anext(stream))
    await stream.aclose()


FAULTS = {
    "no fault": Case("case", {"m": FINE}),
    "swallows a piece": Case("case", {"m": FINE}),
    "changes a hidden word": Case("case", {"m": FINE}),
    "loses its callbacks": Case("case", {"m": FINE}),
    "asks twice": Case("case", {"m": FINE}),
    "raises another error": Case("case", {"m": refusal(401)}),
    "does not close": Case("case", {"m": STALLED}, reading=close_and_leave),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_the_comparison_finds_a_faulty_core(theatre, fault):
    def make(model_list, *, core, **more):
        router = theatre.make_router(model_list, core="legacy", **more)
        return Faulty(router, core)

    here = Theatre(theatre.wire, theatre.recorder, make, patience_s=3.0 if fault == "no fault" else 0.2)

    shown = await here.play([FAULTS[fault]], ["sound", fault])

    assert bool(shown["case"].differences[fault]) == (fault != "no fault")
