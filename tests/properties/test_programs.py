"""Random runs whose tools start real programs: none of them, nor what they start, outlives its run."""

from __future__ import annotations

import asyncio
import tempfile
import uuid
from dataclasses import replace

import pytest
from checks import check, check_next_question
from hypothesis import given, settings
from hypothesis import strategies as st
from leaks import killed, nothing_is_left
from scenes import AGAIN, CONFIGS, INTERRUPTS, Interrupt, play, scenes
from toolsets import Functions, Own

from liteagent_nb.kernels.processes import run_process
from liteagent_nb.testing import call
from liteagent_nb.tools.composite import CompositeInvoker
from liteagent_nb.tools.local_invoker import LocalMCPInvoker
from liteagent_nb.tools.toolbox import Toolbox

MARKER = f"3600.{uuid.uuid4().int % 10**9}"
"""The argument of every `sleep` here, by which it can be told from all others on this machine."""

PROGRAMS = {
    "says": "echo hi",
    "fails": "echo oops >&2; exit 3",
    "sleeps": f"sleep {MARKER}",
    "ignores": f"trap '' TERM INT HUP; sleep {MARKER}",
    "child ignores": f"(trap '' TERM INT HUP; exec sleep {MARKER}) & echo started",
    "holds the pipe": f"sleep {MARKER} & echo started",
    "leaves its session": f"setsid sleep {MARKER} >/dev/null 2>&1 & sleep 0.01",
    "leaves its family": f"(setsid sh -c 'sleep {MARKER} & sleep {MARKER}' &) ; exit 0",
    "floods": "exec yes",
    "kills itself": f"sleep {MARKER} & kill -9 $$",
    "kills its supervisor": f"sleep {MARKER} & kill -9 $PPID; sleep {MARKER}",
    "closes its pipes": f"exec >&- 2>&-; sleep {MARKER}",
}


def programs(trigger):
    """Return tools that run programs: side by side, and alone as `exec_shell`."""

    async def program(what: str, timeout_s: float) -> object:
        trigger.reached("program")
        done = await run_process(["sh", "-c", PROGRAMS[what]], timeout_s=timeout_s)
        return done.stdout[:100]

    return CompositeInvoker(
        [
            Toolbox([program, *(f for f in Functions(trigger).all if f.__name__ != "exec_python")]),
            LocalMCPInvoker(shell_allow_prefixes=("sh", "echo", "nonsuch"), tool_timeout_sec=0.3),
            Own(trigger),
        ]
    )


SHELL = st.sampled_from(["echo hi", "nonsuch", "rm no", "sh -c 'echo hi; exit 1'", f"sh -c 'sleep {MARKER} & sleep 9'"])
CALLS = st.one_of(
    st.builds(lambda what: call("program", what=what, timeout_s=0.06), st.sampled_from([*PROGRAMS])),
    # The program's own limit is far away: the tool's, or an interrupt, has to end it.
    st.builds(lambda what: call("program", what=what, timeout_s=30), st.sampled_from([*PROGRAMS])),
    st.builds(lambda cmd: call("exec_shell", cmd=cmd), SHELL),
    st.just(call("exec_python", code="print(6 * 7)")),
    st.builds(call, st.sampled_from(["good", "stubborn", "works", "own_good"])),
)
# Starting a program takes tens of milliseconds: an interrupt has to be able to fall into it.
LATER = st.one_of(
    st.builds(Interrupt, st.just("ms"), st.integers(5, 150), AGAIN),
    st.builds(Interrupt, st.sampled_from(["program", "ToolFinished"]), st.integers(0, 2), AGAIN),
)
LONGER = st.builds(
    lambda config, most, limit_s: replace(
        config, tool_timeout_sec=0.3, max_total_seconds=limit_s, max_iterations=2, max_tools_per_iter=most
    ),
    CONFIGS,
    st.integers(1, 3),
    st.sampled_from([None, None, None, 0.05, 0.1]),
)


@pytest.fixture(scope="module", autouse=True)
def scratch_root(tmp_path_factory):
    """Scratch folders land here, and none of them stays."""
    root = tmp_path_factory.mktemp("scratch")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(root))
        yield root
    assert list(root.iterdir()) == []


@pytest.mark.timeout(600)  # making a failing example small takes a while
@settings(max_examples=400)
@given(scene=scenes(CALLS, interrupts=LATER | LATER | LATER | INTERRUPTS, configs=LONGER, begins_with_calls=True))
def test_a_run_leaves_no_process_wherever_it_is_interrupted(scene):
    with nothing_is_left(), asyncio.Runner() as runner:
        # Ending a program may take longer than a run waits for it; it goes on in the background.
        played = runner.run(play(scene, programs, settle_s=3.0))

        assert killed(MARKER) == []
        check(played)
        if played.run is not None:
            runner.run(check_next_question(played.run, programs(played.trigger)))
