"""Hostile text, wherever it is shown, runs nothing, asks for nothing, and stays where it is."""

from __future__ import annotations

import re
import time
from pathlib import Path

from attacks import ATTACKER, ATTACKS, unguarded_page

SETUP = f"%load_ext liteagent_nb\nimport sys\nsys.path.insert(0, {str(Path(__file__).parent)!r})\nimport attacked\nip = get_ipython()"
OUTPUTS = (  # first those of many outputs: with each, a browser looks at all of the page so far; last what fails
    "attacked.errors(ip)",
    "ip.run_cell_magic('exec', '', attacked.printed())",
    "from pathlib import Path\nattacked.cassettes(ip, Path('.'))",
    "attacked.runs(ip)",
    "attacked.tables(ip)",
    "attacked.live()",
    "attacked.answers()",
    "attacked.results()",
    "ip.run_cell_magic('exec', '', attacked.raised())",
)
PANELS = ("attacked.executions()", "attacked.comparisons()", "attacked.chats(ip)")

WRONG = """() => {
  const tags = new Set(`A B BLOCKQUOTE BR CODE DD DETAILS DIV DL DT EM H1 H2 H3 H4 H5 H6 HR I LI OL P PRE S SPAN STRONG
    SUB SUMMARY SUP TABLE TBODY TD TFOOT TH THEAD TR UL CAPTION`.split(/\\s+/));
  const attributes = new Set('align aria-hidden class colspan href open rel rowspan scope start target title'.split(' '));
  const wrong = new Set();
  for (const panel of document.querySelectorAll('.la-run, .la-vars, .la-note, .la-panel [role=status]')) {
    for (const one of panel.querySelectorAll('*')) {
      if (getComputedStyle(one).position === 'fixed') wrong.add(`fixed ${one.outerHTML.slice(0, 200)}`);
      if (one.href && !/^(https?:|mailto:)/.test(String(one.href))) wrong.add(`href ${one.href}`);
      if (one.closest('mjx-container, .la-tools')) continue;
      if (one === panel.firstElementChild && one.tagName === 'STYLE') continue;
      if (!tags.has(one.tagName)) wrong.add(`tag ${one.outerHTML.slice(0, 200)}`);
      for (const {name, value} of one.attributes) {
        if (name === 'style' && one.className === 'la-clock') continue;
        if (!attributes.has(name)) wrong.add(`${name}=${value.slice(0, 100)} on ${one.tagName}`);
        if (name === 'class' && value && !value.split(' ').every(c => /^(la-|mathjax_|language-|numbering-entry$)/.test(c))) wrong.add(`class ${value}`);
      }
    }
  }
  for (const one of document.querySelectorAll('.jp-RenderedText a')) {
    if (/script:/i.test(one.href)) wrong.add(`JupyterLab links ${one.href}`);
  }
  return [...wrong];
}"""


CLICK_ALL = """() => { for (const one of document.querySelectorAll('.la-run :is(a, b, div, summary)')) {
  if (!/^http/.test(one.href || '')) for (const kind of ['pointerenter', 'mouseover', 'focus', 'click'])
    one.dispatchEvent(new MouseEvent(kind, {bubbles: kind === 'click', cancelable: true})); } }"""


async def test_hostile_text_runs_nothing_and_fetches_nothing_in_any_output(desk):
    await survives(desk, OUTPUTS, until=(".la-answer mjx-container",))

    assert await desk.page.locator(".la-run").count() > 3 * len(ATTACKS)
    errors = [o for outputs in await desk.saved_outputs() for o in outputs if o["output_type"] == "error"]
    assert {error["ename"] for error in errors} == {"ModelError", "ValueError"}
    shown = "".join(line for error in errors if error["ename"] == "ModelError" for line in error["traceback"])
    for name in (name for name, text in ATTACKS.items() if f"push('{name}')" in text):
        assert shown.count(f"push('{name}')") >= 2  # the error, and its hint


async def test_hostile_text_runs_nothing_and_fetches_nothing_in_any_panel(desk):
    last = f".la-parity .la-cards > :nth-child({2 * len(ATTACKS)}) .la-bad"
    await survives(desk, PANELS, until=(".la-exec .la-vars tbody tr", last))

    assert await desk.page.locator(".la-exec .la-card").count() > len(ATTACKS)
    assert await desk.page.locator(".la-parity .la-card .la-bad").count() == 2 * len(ATTACKS)
    assert await desk.page.locator(".la-turn .la-card").count() == 3 * len(ATTACKS)


async def survives(desk, cells, *, until):
    """Show the attacks by these *cells*, click on all of it, and look at what has become of the page."""
    left = []
    desk.page.on("popup", lambda page: left.append(f"popup {page.url}"))
    desk.page.on("framenavigated", lambda frame: left.append(f"{frame.url}"))
    desk.page.on("download", lambda download: left.append(f"download {download.url}"))
    desk.lab.notebook("attacked.ipynb", SETUP, *cells)
    await desk.page.add_init_script("window.ran = []")
    await desk.open("attacked.ipynb")
    left.clear()
    before = await state(desk.page)

    await desk.run_all()
    for selector in until:
        await desk.page.locator(selector).first.wait_for(state="attached", timeout=60_000)
    await desk.page.evaluate("document.querySelectorAll('.la-run details').forEach(one => { one.open = true; })")
    await desk.page.evaluate(CLICK_ALL)

    assert await desk.page.evaluate("window.ran") == []
    assert await desk.page.evaluate(WRONG) == []
    assert await state(desk.page) == before
    assert left == []


async def state(page):
    """Return what attacks on the page as a whole would change."""
    return await page.evaluate("""() => [location.href, document.baseURI, document.title, typeof jupyterapp.shell,
      document.querySelectorAll('.jp-Cell').length, document.querySelectorAll('iframe, object, embed, base, [http-equiv=refresh]').length,
      document.querySelectorAll('.jp-Dialog').length, getComputedStyle(document.body).display]""")


async def test_the_attacks_do_attack_where_nobody_guards_the_page(browser):
    page = await browser.new_page()
    asked = set()

    async def refuse(route):
        asked.update(re.findall(rf"{ATTACKER}/(\w+)", route.request.url))
        await route.abort()

    await page.route(f"{ATTACKER}/**", refuse)
    await page.set_content(unguarded_page(), wait_until="load")
    await page.evaluate("""() => { for (const frame of document.querySelectorAll('iframe')) {
      for (const one of frame.contentDocument?.querySelectorAll('*') || []) { one.click?.(); one.focus?.(); } } }""")

    until_s = time.monotonic() + 20
    while len(hit := asked | set(await page.evaluate("window.ran"))) < 70 and time.monotonic() < until_s:
        await page.wait_for_timeout(50)
    assert len(hit) >= 70
