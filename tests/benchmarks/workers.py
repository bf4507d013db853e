"""The parent's side of `ways/worker.py`: start the process of a way, ask it, end it."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import threading
from pathlib import Path

from peers import NotMeasured

SCRIPT = Path(__file__).parent / "ways" / "worker.py"
LIMIT_S = 120
CLEAN = {
    name: value
    for name, value in os.environ.items()
    if not name.lower().endswith(("_proxy", "_api_key")) and not name.startswith(("PYTHON", "COV"))
}
"""The environment of every way: no proxies and no keys."""


class Worker:
    """The process of one way. `told` is what loading it took. Raises `NotMeasured` where it fails."""

    def __init__(self, python: str, module: str, *, log: Path, script: Path = SCRIPT) -> None:
        self._log = log
        with log.open("w") as errors:
            self._process = subprocess.Popen(
                [python, str(script), module],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env=CLEAN,
            )
        self.told = self._answer()

    def ask(self, **task: object) -> dict[str, float]:
        """Have a task done; return what it took."""
        self._process.stdin.write(json.dumps(task) + "\n")
        self._process.stdin.flush()
        told = self._answer()
        if "error" in told:
            raise NotMeasured(told["error"])
        return told

    def _answer(self):
        watchdog = threading.Timer(LIMIT_S, self._process.kill)
        watchdog.start()
        line = self._process.stdout.readline()
        watchdog.cancel()
        if not line:
            lines = self._log.read_text(errors="replace").split("\n")
            raise NotMeasured(next((text for text in reversed(lines) if text.strip()), f"silent for {LIMIT_S} s"))
        return json.loads(line)

    def close(self, *, grace_s: float = 0.0) -> None:
        """End it; within *grace_s* it may first end what it started."""
        self._process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(grace_s)
        self._process.kill()
        self._process.stdin = None  # it is closed, which communicate does not expect
        self._process.communicate()
