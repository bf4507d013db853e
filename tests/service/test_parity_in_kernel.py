"""`%parity` in a real kernel: progress, the stop button, what stays of it."""

from __future__ import annotations

import pytest
from notebook_kernel import new_kernel

SETUP = """
%load_ext liteagent_nb
import asyncio
async def arm(text):
    await asyncio.sleep(0.02)
    yield "Paris"
async def hang(text):
    await asyncio.sleep(60)
"""


@pytest.fixture(scope="module")
def kernel():
    with new_kernel() as one:
        assert one.run(SETUP).reply["status"] == "ok"
        yield one


def test_progress_is_drawn_while_it_measures_and_only_the_verdict_stays(kernel):
    cell = kernel.run("%parity $arm $arm --rounds 4 --prompt Where?")

    assert any("warming up" in html for html in cell.updates)
    assert any("of at most 4 measured" in html for html in cell.updates)
    assert cell.of("display_data")[0]["data"] == cell.of("update_display_data")[-1]["data"] == {"text/plain": ""}
    (verdict,) = cell.of("execute_result")
    assert verdict["data"]["text/plain"].partition("\n")[0].endswith(": arm against arm")
    assert verdict["data"]["text/html"].count('<img class="la-plot"') == 9


def test_a_quiet_one_with_a_name_shows_nothing(kernel):
    cell = kernel.run("%parity $arm $arm --rounds 1 --prompt Where? -q -o kept")

    assert cell.updates == cell.texts == []
    assert kernel.run("len(kept.trials)").texts == ["1"]


def test_stop_keeps_what_was_measured_and_shows_it(kernel):
    cell, took_s = kernel.stop("%parity $arm $arm --rounds 2000 --prompt Where? -o kept", when="1 of at most 2,000")

    assert took_s < 5
    assert cell.reply["ename"] == "KeyboardInterrupt"
    assert len(cell.reply["traceback"]) == 2
    assert "kept in _parity_verdict" in cell.reply["traceback"][1]
    assert cell.of("update_display_data")[-1]["data"] == {"text/plain": ""}
    assert cell.texts[-1].startswith(("undecided: arm against arm", "invalid: arm against arm"))
    assert cell.texts[-1].endswith("[stopped]")
    after = kernel.run("print(kept is _parity_verdict, kept.is_stopped, 0 < len(kept.trials) < 100)")
    assert after.of("stream")[0]["text"] == "True True True\n"


def test_stop_while_it_warms_up_says_that_nothing_was_measured(kernel):
    cell, took_s = kernel.stop("%parity $arm $hang -o none", when="warming up")

    assert took_s < 5
    assert "nothing was measured" in cell.reply["traceback"][0]
    assert kernel.run("'none' in globals()").texts == ["False"]
    assert (
        kernel.run("%parity $arm $arm --rounds 1 --prompt again -q -o v\nprint(len(v.trials))").reply["status"] == "ok"
    )
