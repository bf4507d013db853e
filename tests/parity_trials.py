"""What the tests of parity share: trials as they come, a clock that arms drive, and arms of so many milliseconds."""

from __future__ import annotations

import hashlib
import math
import random
from datetime import UTC, datetime, timedelta

from liteagent_nb.core.measurement import ROLES, Measurement, Trial
from liteagent_nb.parity.arms import Arm
from liteagent_nb.parity.measuring import Clocks


def measured(text="Paris", ms=100.0, **fields):
    found = {"ttft_ms": ms / 2, "total_ms": ms, "cpu_ms": ms / 10, "chunks": 2, "chars": len(text), "text": text}
    if fields.get("error"):
        return Measurement(**fields)
    return Measurement(**{**found, "text_sha256": hashlib.sha256(text.encode()).hexdigest(), **fields})


def trials(number, *, slower=0.0, spread=0.01, seed=1, days=1, candidate=measured, control=measured):
    """Return trials of *days* days; *candidate* and *control* make their measurements."""
    noise = random.Random(seed)
    first = datetime(2026, 3, 1, tzinfo=UTC)

    def ms(change=0.0):
        return 100 * (1 + change) * math.exp(noise.gauss(0, spread))

    return [
        Trial(
            number,
            "capital",
            ROLES,
            measured(ms=ms()),
            candidate(ms=ms(slower)),
            control(ms=ms()),
            (first + timedelta(days=place % days)).isoformat(),
        )
        for place in range(number)
    ]


def with_candidates(found, candidates):
    """Return *found* with other candidates, one for each."""
    return [
        Trial(one.round, one.prompt_id, one.order, one.baseline, other, one.control, one.ts)
        for one, other in zip(found, candidates, strict=True)
    ]


class Clock:
    """Stands still until an arm lets time pass."""

    def __init__(self):
        self.s = 1000.0
        self.days = 0
        self.clocks = Clocks(now=lambda: self.s, cpu=lambda: self.s, today=self.today)

    def today(self):
        return datetime(2026, 3, 1, tzinfo=UTC) + timedelta(days=self.days)

    def arm(self, name, ms, *, texts=("Par", "is"), spread=0.005, seed=1, **more):
        """Return an arm whose pieces take *ms* together, give or take *spread*."""
        noise = random.Random(f"{name} {seed}")

        async def ask(prompt):
            wait_s = ms / 1000 / max(len(texts), 1) * math.exp(noise.gauss(0, spread))
            for text in texts:
                self.s += wait_s
                yield text

        return Arm(name, ask, **more)
