"""`%parity panel` in a real JupyterLab: a form that measures, a plot that grows, a verdict that stays without a kernel."""

from __future__ import annotations

import json
import shutil

import nbformat

ARMS = """%load_ext liteagent_nb
import asyncio

async def before(prompt):
    for word in ("It", " is", " Paris."):
        await asyncio.sleep(0.002)
        yield word

async def after(prompt):
    for word in ("It", " is", " Paris."):
        await asyncio.sleep(0.002)
        yield word
"""
OPEN_ALONE = """path => jupyterapp.commands.execute('docmanager:open',
  {path, factory: 'Notebook', options: {kernelPreference: {shouldStart: false}}}).then(() => null)"""
POINTS = "document.querySelectorAll('.la-parity .la-growing circle.la-change').length"


async def test_a_comparison_grows_beside_the_cells_is_stopped_judged_and_kept(desk, browser):
    page = desk.page
    desk.lab.notebook("parities.ipynb", ARMS, "%parity panel $before $after", "print(6 * 7)")
    await desk.open("parities.ipynb")
    await desk.run_all()
    await page.get_by_label("How often each prompt is put to both").fill("400")
    await page.get_by_label("Prompts", exact=True).fill("What is the capital of France?\n\nAnd where is it?")
    await page.get_by_label("Prompts", exact=True).press("Control+Enter")

    await page.wait_for_function(f"() => {POINTS} > 20", timeout=60_000)
    await page.locator(".jp-CodeCell").nth(2).click()
    await desk.command("notebook:run-cell-and-select-next")
    assert "42" in await desk.output_text(2)
    await desk.shot("parity-panel-grows")
    await page.get_by_label("Prompts", exact=True).press("Control+.")
    await page.locator(".la-parity .la-ok .la-findings").wait_for(timeout=60_000)
    assert "stopped" in await page.locator(".la-parity .la-card summary").first.inner_text()
    await desk.shot("parity-panel")

    assert await page.locator(".la-parity .la-plot").count() >= 3
    assert await page.evaluate(POINTS) == 0
    await page.locator(".la-kept").wait_for(state="attached", timeout=10_000)
    assert await desk.command("docmanager:save") == "done"
    await desk.open("parities.ipynb")
    await page.locator(".la-parity .la-ok .la-findings").wait_for(timeout=30_000)
    shutil.copy(desk.lab.folder / "parities.ipynb", desk.lab.folder / "parities-alone.ipynb")
    await page.evaluate(OPEN_ALONE, "parities-alone.ipynb")
    await page.locator(".la-kept .la-findings").locator("visible=true").wait_for(timeout=30_000)
    saved = nbformat.read(desk.lab.folder / "parities.ipynb", 4)
    assert "widgets" not in saved.metadata
    assert "_esm" not in json.dumps(saved)


async def test_the_keyboard_works_it_and_what_cannot_be_compared_is_said(desk):
    page = desk.page
    desk.lab.notebook("parity-keys.ipynb", ARMS, "%parity panel --rounds 2")
    await desk.open("parity-keys.ipynb")
    cells = await page.locator(".jp-CodeCell").count()
    await desk.run_all()
    new, known = page.get_by_label("B, what might take its place"), page.get_by_label("A, what is known")
    await new.fill("$after")
    assert await page.get_by_role("button", name="Compare (Ctrl+Enter)").is_disabled()
    await known.fill("$befor")
    await known.press("Shift+Enter")

    await page.locator(".la-parity .la-failed").get_by_text("did you mean before").wait_for(timeout=30_000)
    card = page.locator(".la-parity .la-card").first
    await card.hover()
    await card.get_by_role("button", name="Edit").click()
    assert await known.input_value() == "$befor"
    await known.fill("$before")
    await known.press("Control+Enter")
    await page.locator(".la-parity .la-ok .la-findings").wait_for(timeout=60_000)
    assert await page.locator(".jp-CodeCell").count() == cells  # Shift+Enter is no shortcut of JupyterLab's here
