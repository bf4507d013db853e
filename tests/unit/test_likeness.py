"""How alike requests are: the same in every process, whatever order its sets have."""

from __future__ import annotations

import os
import subprocess
import sys

ASK = """
from liteagent_nb.models.embedded.words import most_alike
pool = ["add 2.5 and 4", "divide 20 by 5", "multiply 6 with 7", "subtract 3 from 10", "what is the capital of Peru"]
print(most_alike("What does it cost to send a parcel of 3 kg?", pool, text=str, shown=4))
"""


def asked_with(seed: int) -> str:
    done = subprocess.run(
        [sys.executable, "-c", ASK],
        env={**os.environ, "PYTHONHASHSEED": str(seed)}, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    return done.stdout


def test_the_examples_for_a_request_do_not_depend_on_the_seed_of_the_hash():
    assert len({asked_with(seed) for seed in range(12)}) == 1
