"""`%agent` in a real kernel: streaming, the stop button, loading."""

from __future__ import annotations

import pytest
from notebook_kernel import new_kernel

SETUP = """
%load_ext liteagent_nb
import asyncio, time
from liteagent_nb.testing import ScriptedModel, call, endless, slow
async def hang(n: int) -> str:
    "Hang."
    await asyncio.sleep(60)
    return "never"
def hang_sync(n: int) -> str:
    "Hang in a thread."
    time.sleep(3)
    return "late"
"""


@pytest.fixture(scope="module")
def kernel():
    with new_kernel() as one:
        assert one.run(SETUP).reply["status"] == "ok"
        yield one


def test_text_is_drawn_while_it_streams_and_settles_to_one_result(kernel):
    kernel.run("m = ScriptedModel(slow(0.1, ' '.join(f'w{n}' for n in range(40)), each_s=0.02), chunk_chars=5)")

    cell = kernel.run("%agent -m m count")

    drawn = [html for html in cell.updates if "w1" in html]
    assert len(drawn) >= 3
    assert "w39" not in drawn[0]
    assert any("thinking" in html for html in cell.updates)
    assert cell.of("update_display_data")[-1]["data"] == {"text/plain": ""}
    assert cell.texts[:2] == ["scripted · the Model m of this notebook", ""]
    assert cell.texts[2].startswith("w0 w1")
    assert "la-answer" in cell.of("execute_result")[0]["data"]["text/html"]


@pytest.mark.parametrize(
    ("script", "when"),
    [
        ("slow(60, 'never')", "thinking"),
        ("endless('word ')", "word word"),
        ("call('hang', n=1)", "running"),
        ("call('hang_sync', n=1)", "running"),
        ("call('exec_python', code='import time; time.sleep(60)')", "running"),
    ],
)
def test_stop_ends_within_a_second_keeps_the_run_and_the_conversation(kernel, script, when):
    kernel.run(f"%agent reset\nm = ScriptedModel('first', {script}, 'going on')")
    kernel.run("%agent -m m hello")

    cell, took_s = kernel.stop("%agent -m m --timeout 90 --tool hang --tool hang_sync -o kept do it", when=when)

    assert took_s < 1.0
    assert cell.reply["status"] == "error"
    assert cell.reply["ename"] == "KeyboardInterrupt"
    assert len(cell.reply["traceback"]) == 2
    assert "[cancelled]" in cell.texts[-1]
    assert cell.of("update_display_data")[-1]["data"] == {"text/plain": ""}
    after = kernel.run(
        "print(kept.stopped_reason, kept is _agent_run)\nr = %agent -m m go on\nprint(r.final_answer, len(r.messages))"
    )
    assert "".join(c["text"] for c in after.of("stream")).startswith("cancelled True\ngoing on")


def test_a_second_stop_during_the_clean_up_does_no_harm(kernel):
    kernel.run("m = ScriptedModel(endless('word '), 'fine')")
    pressed = []

    def press(kind, content):
        if len(pressed) < 2 and kind == "update_display_data" and "word" in str(content["data"]):
            pressed.append(1)
            kernel.manager.interrupt_kernel()

    kernel.run("%agent -m m talk", on_message=press)

    assert kernel.run("%agent -m m go on").texts[-1] == "fine"


def test_a_failing_model_is_two_lines_and_the_partial_run(kernel):
    kernel.run("from liteagent_nb.testing import breaks_off\nm = ScriptedModel(breaks_off('half an'))")

    cell = kernel.run("%agent -m m --fresh tell")

    assert cell.reply["ename"] == "ModelError"
    assert len(cell.reply["traceback"]) == 2
    assert cell.texts[-1] == "half an\n[error]"


def test_20000_pieces_at_full_speed_are_drawn_seldom_and_none_is_lost(kernel):
    kernel.run("m = ScriptedModel('word ' * 20_000 + 'END', chunk_chars=5)")

    cell = kernel.run("run = %agent -m m talk")

    times = [at for kind, _, at in cell.messages if kind == "update_display_data"]
    assert len(times) < 15 * (times[-1] - times[0]) + 5
    assert kernel.run("len(run.final_answer)").texts == ["100003"]


def test_unload_and_load_again(kernel):
    assert kernel.run("%unload_ext liteagent_nb").reply["status"] == "ok"
    assert kernel.run("%agent status").reply["ename"] == "UsageError"
    assert kernel.run("%load_ext liteagent_nb\n%agent status").reply["status"] == "ok"
    assert kernel.run("m = ScriptedModel('hi')\n%agent -m m hello").texts[-1] == "hi"


def test_loading_brings_in_nothing_heavy():
    code = "%load_ext liteagent_nb\nimport sys\nprint([m for m in ('litellm', 'ipywidgets', 'starlette', 'uvicorn', 'pandas', 'numpy', 'matplotlib', 'PIL', 'httpx', 'openai', 'pydantic') if m in sys.modules])"
    with new_kernel() as kernel:
        cell = kernel.run(code)

    assert cell.of("stream")[0]["text"] == "[]\n"
