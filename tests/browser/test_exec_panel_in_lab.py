"""`%exec panel` in a real JupyterLab: it runs, streams, stops, is there again, and stays in the saved notebook."""

from __future__ import annotations

import json
import shutil

import nbformat
from nbconvert import HTMLExporter

PANEL = "%load_ext liteagent_nb\n%exec panel"
COUNT = "import time\nfor n in range(3000):\n    print('tick', n)\n    time.sleep(0.05)"
IS_SEEN = "selector => [...document.querySelectorAll(selector)].map(one => one.checkVisibility({contentVisibilityAuto: false}))"

OPEN_ALONE = """path => jupyterapp.commands.execute('docmanager:open',
  {path, factory: 'Notebook', options: {kernelPreference: {shouldStart: false}}}).then(() => null)"""


async def typed(page, code):
    """Type *code* into the panel and run it by the keyboard."""
    field = page.get_by_label("Code to run")
    await field.fill(code)
    await field.press("Shift+Enter")


async def test_code_runs_beside_the_cells_and_its_variables_are_seen_and_a_stop_stops_it(desk):
    page = desk.page
    desk.lab.notebook("execs.ipynb", PANEL, "print(6 * 7)")
    await desk.open("execs.ipynb")
    cells = await page.locator(".jp-CodeCell").count()
    await desk.run_all()

    await typed(page, "x = [1, 2]\nprint('\x1b[31mred\x1b[0m', x)")
    await page.locator(".la-exec .la-outs .la-ansi1").get_by_text("red").wait_for(timeout=60_000)
    await page.locator(".la-vars").get_by_text("[1, 2] · 2").wait_for(timeout=30_000)
    await typed(page, COUNT)
    await page.locator(".la-exec").get_by_text("tick 3").first.wait_for(timeout=30_000)
    await page.locator(".jp-CodeCell").nth(1).click()
    await desk.command("notebook:run-cell-and-select-next")
    assert "42" in await desk.output_text(1)
    await desk.shot("exec-panel")
    await page.get_by_label("Code to run").press("Control+.")

    await page.locator(".la-exec .la-outcome").get_by_text("interrupted").wait_for(timeout=10_000)
    assert await page.locator(".jp-CodeCell").count() == cells + 1  # what is typed is no shortcut of JupyterLab's
    assert await page.evaluate(IS_SEEN, ".la-kept") == [False]


async def test_what_ran_is_in_the_panel_after_a_reload_and_in_the_saved_notebook_without_a_kernel(desk, browser):
    page = desk.page
    desk.lab.notebook("kept.ipynb", PANEL)
    await desk.open("kept.ipynb")
    await desk.run_all()
    await typed(page, "print('kept ' * 2)")
    await page.locator(".la-exec .la-card.la-ok").get_by_text("kept kept").first.wait_for(timeout=60_000)
    await page.locator(".la-kept").wait_for(state="attached", timeout=10_000)
    assert await desk.command("docmanager:save") == "done"

    await desk.open("kept.ipynb")
    await page.locator(".la-exec .la-card.la-ok").get_by_text("kept kept").first.wait_for(timeout=30_000)
    shutil.copy(desk.lab.folder / "kept.ipynb", desk.lab.folder / "alone.ipynb")
    await page.evaluate(OPEN_ALONE, "alone.ipynb")

    await page.locator(".la-kept .la-out").get_by_text("kept kept").locator("visible=true").wait_for(timeout=30_000)
    saved = nbformat.read(desk.lab.folder / "kept.ipynb", 4)
    assert "widgets" not in saved.metadata
    assert "_esm" not in json.dumps(saved)
    html, _ = HTMLExporter().from_notebook_node(saved)
    reader = await browser.new_page()
    await reader.route("**/*", lambda route: route.abort())
    await reader.set_content(html)
    assert await reader.locator(".la-kept .la-out").inner_text() == "kept kept \n"
    assert await reader.get_by_text("run this cell to go on with it").count() == 1
