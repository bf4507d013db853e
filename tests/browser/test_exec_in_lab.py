"""`%%exec` in a real JupyterLab."""

from __future__ import annotations

import time

PLOT = """%%exec
import matplotlib.pyplot as plt
print("drawing")
plt.figure(figsize=(4, 2))
plt.plot([1, 3, 2])
plt.show()"""
PIXELS = """image => { const c = document.createElement('canvas'); c.width = image.naturalWidth; c.height = image.naturalHeight;
  const g = c.getContext('2d'); g.drawImage(image, 0, 0); const d = g.getImageData(0, 0, c.width, c.height).data;
  const seen = new Set(); for (let i = 0; i < d.length; i += 4) seen.add(d[i] << 16 | d[i+1] << 8 | d[i+2]); return [c.width, seen.size]; }"""


async def test_a_plot_is_shown_and_saved_and_an_error_is_red(desk):
    desk.lab.notebook("plot.ipynb", "%load_ext liteagent_nb", PLOT, "%exec 1 / 0")
    await desk.open("plot.ipynb")

    await desk.run_all()

    image = desk.page.locator(".jp-CodeCell").nth(1).locator(".jp-OutputArea img")
    await image.wait_for(timeout=60_000)
    width, colours = await image.evaluate(PIXELS)
    assert width > 200
    assert colours > 10  # a line on paper, smoothed
    outputs = await desk.saved_outputs()
    assert [output["output_type"] for output in outputs[1]] == ["stream", "display_data"]
    assert set(outputs[1][1]["data"]) == {"image/png", "text/plain"}
    assert "division by zero" in await desk.output_text(2)
    assert outputs[2][0]["ename"] == "ZeroDivisionError"


async def test_text_is_shown_while_it_comes_and_the_stop_button_stops_the_sidecar(desk):
    desk.lab.notebook(
        "stop_exec.ipynb",
        "%load_ext liteagent_nb\n%exec kept = 'still there'",
        "%%exec\nimport time\nfor n in range(600):\n    print('tick', n)\n    time.sleep(0.1)",
        "%exec print(kept)",
    )
    await desk.open("stop_exec.ipynb")
    await desk.start_all()
    await desk.page.get_by_text("tick 3").first.wait_for(timeout=60_000)

    started = time.monotonic()
    await desk.interrupt()
    await desk.page.get_by_text("context main goes on with its variables").first.wait_for(timeout=10_000)

    assert time.monotonic() - started < 3
    assert "tick 3" in await desk.output_text(1)
    await desk.page.wait_for_timeout(500)
    await desk.page.locator(".jp-CodeCell").nth(2).click()
    await desk.command("notebook:run-cell-and-select-next")
    assert "still there" in await desk.output_text(2)
