"""The panels in Notebook 7, the other front end that people open notebooks in."""

from __future__ import annotations

SETUP = "%load_ext liteagent_nb\nfrom liteagent_nb.testing import ScriptedModel\nmodel = ScriptedModel('It is *42*.')"


async def test_a_task_is_answered_and_code_runs_in_the_panel(desk):
    page = desk.page
    name = desk.lab.notebook("seven.ipynb", SETUP, "%agent -m model what is 6 * 7?", "%exec panel")
    await desk.open(name, url=desk.lab.notebook_7_url(name))
    await desk.run_all()

    await page.locator(".la-answer em").get_by_text("42").wait_for(timeout=30_000)
    field = page.get_by_label("Code to run")
    await field.fill("print(6 * 7)")
    await field.press("Control+Enter")

    await page.locator(".la-exec .la-ok .la-out").get_by_text("42").wait_for(timeout=60_000)
    assert (await desk.shot("notebook-7")).stat().st_size > 10_000
