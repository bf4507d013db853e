"""`%%agent` in a real JupyterLab."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

NOTEBOOKS = Path(__file__).parent.parent.parent / "notebooks"
SETUP = "%load_ext liteagent_nb\nfrom liteagent_nb.testing import ScriptedModel, call, calls, endless, slow"


@pytest.mark.weights
async def test_the_first_notebook_runs_on_the_embedded_model(desk, weights):
    shutil.copy(NOTEBOOKS / "00_first_run.ipynb", desk.lab.folder)
    await desk.open("00_first_run.ipynb")

    await desk.run_all()

    assert "exec_python" in await desk.output_text(1)
    assert "7006652" in (await desk.output_text(2)).replace(",", "")
    outputs = await desk.saved_outputs()
    assert not [o for cell in outputs for o in cell if o["output_type"] == "error"]


async def test_text_streams_and_stop_keeps_what_came(desk):
    desk.lab.notebook(
        "stop.ipynb",
        SETUP,
        "model = ScriptedModel(endless('word after word '), 'and on it goes')",
        "%%agent --model model -o stopped\ntalk",
        "%%agent --model model -o went_on\ngo on",
        "print(stopped.stopped_reason, '|', went_on.stopped_reason, '|', went_on.final_answer)",
    )
    await desk.open("stop.ipynb")
    await desk.start_all()
    await desk.page.get_by_text("word after word word after word").first.wait_for(timeout=30_000)

    started = time.monotonic()
    await desk.interrupt()
    await desk.page.get_by_text("Stopped by you").first.wait_for(timeout=10_000)
    took_s = time.monotonic() - started

    assert took_s < 2
    assert "word after word" in await desk.output_text(2)
    await desk.page.wait_for_timeout(500)
    # An interrupt ends "run all": the rest is run by hand, and the conversation goes on.
    await desk.page.locator(".jp-CodeCell").nth(3).click()
    await desk.command("notebook:run-cell-and-select-next")
    await desk.command("notebook:run-cell-and-select-next")
    assert "cancelled | success | and on it goes" in await desk.output_text(4)


async def test_20000_pieces_at_full_speed_are_all_shown(desk):
    desk.lab.notebook(
        "fast.ipynb",
        SETUP + "\nmodel = ScriptedModel(' '.join(f'w{n}' for n in range(20_000)) + ' THE-END', chunk_chars=6)",
        "%%agent --model model -o fast\ntalk a lot",
        "print(len(fast.final_answer), 'still answering')",
    )
    await desk.open("fast.ipynb")

    await desk.run_all()

    assert "THE-END" in await desk.output_text(1)
    assert "still answering" in await desk.output_text(2)


async def test_prices_are_prices_and_formulas_are_formulas(desk):
    desk.lab.notebook(
        "prices.ipynb",
        SETUP + "\nfrom liteagent_nb.core.chat import Price\n"
        "model = ScriptedModel('From $5 to $10, but $x^2$ too.', 'word ' * 99, price=Price(1e-3, 1e-3))",
        "%agent -m model --no-tools what costs $3 or $4?",
        "%agent -m model --fresh --no-tools --budget 0.05 hi",
    )
    await desk.open("prices.ipynb")

    await desk.run_all()

    await desk.page.locator(".la-answer mjx-container").first.wait_for(timeout=10_000)
    assert "From $5 to $10, but" in await desk.output_text(1)
    assert "of $0.0500" in await desk.output_text(2)
    assert await desk.page.locator("mjx-container").count() == 1


async def test_a_cassette_is_kept_beside_the_notebook_and_carried_in_a_cell(desk):
    desk.lab.notebook(
        "taped.ipynb",
        SETUP + "\nmodel = ScriptedModel(call('exec_python', code='print(6*7)'), 'It is 42.')",
        "%agent cassette record",
        "%agent -m model what is 6 * 7?",
        "%agent cassette embed",
    )
    await desk.open("taped.ipynb")

    await desk.run_all()

    assert (desk.lab.folder / "taped.cassette.json").is_file()
    assert "taped.cassette.json" in await desk.output_text(1)
    carrying = desk.page.locator(".jp-CodeCell").nth(4)
    await carrying.get_by_text("%%agent cassette replay").first.wait_for(timeout=10_000)
