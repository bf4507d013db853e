"""A real JupyterLab and a real Chromium, without network."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
import pytest
from free_ports import free_port
from playwright.async_api import Dialog, Page, async_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
]  # fmt: skip

# "Idle" in the toolbar comes before the kernel is attached; running then opens a dialog instead.
READY = """() => { const w = window.jupyterapp && window.jupyterapp.shell.currentWidget;
  const s = w && (w.sessionContext || (w.context && w.context.sessionContext)); const k = s && s.session && s.session.kernel;
  return !!(s && s.isReady && k && k.status === 'idle' && k.connectionStatus === 'connected'); }"""

# A kernel that a failed test left busy may never answer.
SHUT_DOWN = """() => { const w = window.jupyterapp.shell.currentWidget;
  return Promise.race([(w.sessionContext || w.context.sessionContext).shutdown(), new Promise(resolve => setTimeout(resolve, 10000))]); }"""


def pytest_collection_modifyitems(items):
    here = Path(__file__).parent
    for item in items:
        if here in Path(item.path).parents:
            item.add_marker(pytest.mark.browser)
            if CHROMIUM is None:
                item.add_marker(pytest.mark.skip(reason="no Chromium: apt-get install chromium"))


@dataclass
class Lab:
    """A running JupyterLab."""

    port: int
    token: str
    folder: Path

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.port}/lab/tree/{name}?token={self.token}&reset"

    def notebook_7_url(self, name: str) -> str:
        """Return where the same server shows it in Notebook 7."""
        return f"http://127.0.0.1:{self.port}/notebooks/{name}?token={self.token}"

    def notebook(self, name: str, *sources: str) -> str:
        """Write a notebook of code cells and return its name."""
        cells = [nbformat.v4.new_code_cell(source) for source in sources]
        # Without a kernel's name JupyterLab asks for one in a dialog.
        kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
        nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), self.folder / name)
        return name


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    """Start one JupyterLab for all browser tests, away from the user's own settings."""
    home = tmp_path_factory.mktemp("lab")
    (home / "nb").mkdir()
    settings = home / "config" / "labconfig"
    settings.mkdir(parents=True)
    (settings / "default_setting_overrides.json").write_text(
        json.dumps(
            {
                "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
                "@jupyterlab/docmanager-extension:plugin": {"autosave": False},
                "@jupyterlab/notebook-extension:tracker": {"maxNumberOutputs": 10_000},
            }
        )
    )
    running = Lab(free_port(), secrets.token_hex(16), home / "nb")
    folders = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "run",
        "IPYTHONDIR": "ipython",
    }
    env = {**os.environ, **{name: str(home / folder) for name, folder in folders.items()}}
    command = [
        sys.executable, "-m", "jupyterlab", "--allow-root", "--no-browser", "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={running.port}", "--ServerApp.port_retries=0", f"--IdentityProvider.token={running.token}",
        f"--ServerApp.root_dir={running.folder}", "--expose-app-in-browser", "--LabApp.extension_manager=readonly",
        "--JupyterNotebookApp.expose_app_in_browser=True",
    ]  # fmt: skip
    log = (home / "lab.log").open("w")
    server = subprocess.Popen(command, env=env, stdout=log, stderr=log)
    try:
        await_server(f"http://127.0.0.1:{running.port}/api/status?token={running.token}", server, home / "lab.log")
        yield running
    finally:
        server.send_signal(signal.SIGTERM)
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait(5)
        log.close()


def await_server(url, server, log, timeout_s=60.0):
    until = time.monotonic() + timeout_s
    while time.monotonic() < until:
        if server.poll() is not None:
            pytest.fail(f"JupyterLab ended: {log.read_text()[-2000:]}")
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=2):
            return
        time.sleep(0.2)
    pytest.fail(f"JupyterLab did not start: {log.read_text()[-2000:]}")


@dataclass
class Desk:
    """A browser page on a notebook, with what it asked other hosts for and what went wrong in it."""

    page: Page
    lab: Lab
    foreign: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)

    async def answer(self, dialog: Dialog) -> None:
        """Note a dialog and send it away; leave the page where JupyterLab asks, since something is not saved."""
        if dialog.type == "beforeunload":
            await dialog.accept()
            return
        self.dialogs.append(dialog.message)
        await dialog.dismiss()

    async def open(self, name: str, *, url: str = "") -> None:
        await self.page.goto(url or self.lab.url(name))
        await self.page.wait_for_function(READY, timeout=60_000)
        # Let every cell be in the page: JupyterLab draws only those in sight.
        await self.page.evaluate(
            "() => window.jupyterapp.commands.execute('application:toggle-left-area').catch(() => null)"
        )

    async def shot(self, name: str) -> Path:
        """Take a picture of the page, for people to look at."""
        path = shots_folder(self.lab) / f"{name}.png"
        await self.page.screenshot(path=path)
        return path

    async def command(self, name: str, limit_s: float = 90) -> str:
        script = """([name, ms]) => Promise.race([
          window.jupyterapp.commands.execute(name).then(() => 'done'),
          new Promise(resolve => setTimeout(() => resolve('time is up'), ms))])"""
        return await self.page.evaluate(script, [name, limit_s * 1000])

    async def run_all(self) -> None:
        assert await self.command("notebook:run-all-cells") == "done"

    def start_all(self) -> None:
        """Begin to run all cells without waiting; returns at once."""
        return self.page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-all-cells'); }")

    async def interrupt(self) -> None:
        await self.command("notebook:interrupt-kernel", 10)

    async def output_text(self, cell: int) -> str:
        return await self.page.locator(".jp-CodeCell").nth(cell).locator(".jp-OutputArea").inner_text()

    async def saved_outputs(self) -> list[dict]:
        """Return the outputs that saving the notebook would keep, cell by cell."""
        script = "() => window.jupyterapp.shell.currentWidget.content.model.toJSON().cells.map(c => c.outputs || [])"
        return await self.page.evaluate(script)


def shots_folder(lab: Lab) -> Path:
    """Return where pictures are kept: what LITEAGENT_SHOTS names, else beside the notebooks of this run."""
    folder = Path(os.environ.get("LITEAGENT_SHOTS") or lab.folder.parent / "shots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
async def browser():
    """Start a browser."""
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS)
        yield started
        async with asyncio.timeout(30):
            await started.close()


@pytest.fixture
async def desk(lab, browser):
    """Open a page; its kernel is shut down afterwards, and a request to any other host fails the test."""
    page = await browser.new_page(viewport={"width": 1000, "height": 2400})
    here = Desk(page, lab)
    page.on("request", lambda request: here.foreign.append(request.url) if is_foreign(request.url, lab) else None)
    page.on("dialog", here.answer)
    yield here
    # A page that hangs does not hold up every test after it.
    async with asyncio.timeout(30):
        await page.evaluate(SHUT_DOWN)
    assert here.foreign == []
    assert here.dialogs == []


def is_foreign(url: str, lab: Lab) -> bool:
    return not url.startswith((f"http://127.0.0.1:{lab.port}/", f"ws://127.0.0.1:{lab.port}/", "data:", "blob:"))
