"""`%agent panel` in a real JupyterLab: one chat, as somebody has it; and a long answer at full speed."""

from __future__ import annotations

import time

SETUP = """%load_ext liteagent_nb
from liteagent_nb.testing import ScriptedModel, call, calls, endless
model = ScriptedModel(
    calls(call('exec_python', code='print(6 * 7)'), text='Let me see.'),
    'It is **42**:\\n\\n```python\\nanswer = 6 * 7\\n```',
    endless('word after word '),
    'The second one.',
    'After the reload.',
    strict=False,
)"""

BUSY = """import time
print("it", "begins")
for _ in range(600):
    time.sleep(0.1)
print("it", "ends")"""


def chat(desk):
    return desk.page.locator(".la-chat")


async def ask(desk, text):
    await chat(desk).get_by_label("Your question").fill(text)
    await chat(desk).get_by_label("Your question").press("Enter")


async def turn(desk, number):
    """Wait for a finished turn, an output of its own or drawn in the panel, and return what it says."""
    place = desk.page.locator(f".la-turn-{number}, [data-turn='{number}']").first
    await place.wait_for(timeout=40_000)
    return await place.inner_text()


async def sources(desk):
    script = "() => window.jupyterapp.shell.currentWidget.content.model.toJSON().cells.map(c => c.source)"
    return await desk.page.evaluate(script)


async def test_a_chat_approves_streams_queues_stops_inserts_code_and_survives_a_reload(desk):
    desk.lab.notebook("chat.ipynb", SETUP, "%agent panel -m model --ask exec_python", BUSY)
    await desk.open("chat.ipynb")
    for command in ("run-cell-and-select-next", "run-cell-and-select-next"):
        await desk.command(f"notebook:{command}")

    # A call waits for a yes, with its arguments in sight; keys typed in the panel are no shortcuts of JupyterLab.
    await chat(desk).get_by_label("Your question").press_sequentially("dd what is 6*7?")
    await chat(desk).get_by_label("Your question").press("Enter")
    await chat(desk).get_by_role("button", name="Allow", exact=True).wait_for(timeout=40_000)
    assert "print(6 * 7)" in await chat(desk).locator(".la-asking").inner_text()
    await chat(desk).get_by_role("button", name="Allow", exact=True).click()
    first = await turn(desk, 1)
    assert "exec_python" in first
    assert "It is 42:" in first
    assert len(await sources(desk)) == 3

    # Its code becomes a cell below.
    await chat(desk).get_by_role("button", name="Insert code").click()
    await desk.page.wait_for_function(
        "() => window.jupyterapp.shell.currentWidget.content.model.toJSON().cells.some(c => c.source === 'answer = 6 * 7')"
    )

    # A second question waits while the first streams; a stop holds while a cell is busy, and what waits comes next.
    await ask(desk, "talk for ever")
    await ask(desk, "and this?")
    await chat(desk).get_by_text("word after word word after word").first.wait_for(timeout=40_000)
    await chat(desk).get_by_label("Questions that wait").get_by_text("and this?").wait_for(timeout=40_000)
    await desk.page.locator(".jp-CodeCell").last.locator(".jp-InputArea-editor").click()
    await desk.page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-cell'); }")
    await desk.page.get_by_text("it begins").wait_for(timeout=40_000)
    started = time.monotonic()
    await chat(desk).get_by_label("Your question").press("Control+.")
    stopped = await turn(desk, 2)
    took_s = time.monotonic() - started
    assert "Stopped by you" in stopped
    assert "word after word" in stopped
    assert "The second one." in await turn(desk, 3)
    assert took_s < 5
    assert "it ends" not in await desk.page.locator(".jp-CodeCell").last.inner_text()
    await desk.interrupt()

    # What is saved shows the turns without a widget; a page that is loaded anew goes on with the same chat.
    await desk.command("docmanager:save")
    shown = (await desk.saved_outputs())[1]
    assert [sorted(output["data"])[-2:] for output in shown] == [["text/markdown", "text/plain"]] + [
        ["text/html", "text/plain"]
    ] * 3
    assert shown[1]["data"]["text/plain"].startswith("> dd what is 6*7?\n✓ exec_python")
    await desk.open("chat.ipynb")
    await chat(desk).get_by_text("3 questions").wait_for(timeout=40_000)
    assert await desk.page.locator(".la-turn-1").count() == 1
    await ask(desk, "still there?")
    assert "After the reload." in await turn(desk, 4)


FRAMES = """() => { window.gaps = []; let last = performance.now();
  const tick = () => { const now = performance.now(); window.gaps.push(now - last); last = now; requestAnimationFrame(tick); };
  requestAnimationFrame(tick); }"""
LONG = """
words = [f'w{n}' + ('\\n\\n' if n % 200 == 199 else '') for n in range(20_000)]
class Timed(ScriptedModel):
    async def stream(self, *asked):
        async for delta in super().stream(*asked):
            yield delta
        globals()['ended'] = time.time()
import time
long = Timed(' '.join(words) + ' THE-END', chunk_chars=6)"""


async def test_20000_pieces_at_full_speed_lose_nothing_and_leave_the_page_alive(desk):
    desk.lab.notebook("long.ipynb", SETUP + LONG, "%agent panel -m long", "print('busy', ended)")
    await desk.open("long.ipynb")
    for command in ("run-cell-and-select-next", "run-cell-and-select-next"):
        await desk.command(f"notebook:{command}")
    await chat(desk).get_by_label("Your question").wait_for(timeout=40_000)
    await desk.page.evaluate(FRAMES)

    await ask(desk, "talk a lot")
    text = await turn(desk, 1)
    seen = time.time()

    assert all(f"w{number}" in text for number in range(0, 20_000, 199))
    assert "THE-END" in text
    worst_ms = max(await desk.page.evaluate("() => window.gaps"))
    await desk.page.locator(".jp-CodeCell").nth(2).locator(".jp-InputArea-editor").click()
    await desk.command("notebook:run-cell")
    await desk.page.get_by_text("busy 1").wait_for(timeout=40_000)
    late_s = seen - float((await desk.output_text(2)).split()[-1])
    print(f"worst frame gap {worst_ms:.0f} ms, complete {late_s:.2f} s after the last piece")
    assert worst_ms < 2_500
    assert late_s < 10
