"""Two cores of the Router on the local replay server, measured by the command line: no key, no network."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import signal
import subprocess
import sys
import time
from xml.etree import ElementTree as ET

import pytest

from liteagent_nb import cli
from liteagent_nb.cli.parity import EXIT_CODES
from liteagent_nb.core.parity import Pair
from liteagent_nb.core.timing import pairs_of
from liteagent_nb.parity.journal import read_journal
from liteagent_nb.parity.measuring import measure
from liteagent_nb.parity.replaying import LOCAL_PROMPTS, replaying


def run(*words):
    """Return the exit code of the command, and what it printed."""
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        code = cli.main(["parity", *map(str, words)])
    return code, out.getvalue(), err.getvalue()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("parity")


@pytest.fixture(scope="module")
def told(folder):
    """The exit code and the JSON of a comparison of both cores."""
    words = ("--rounds", 2, "--seed", 1, "--out", folder / "j.jsonl", "--junit", folder / "reports" / "j.xml", "--json")
    code, out, _ = run("run", "--local", "legacy", "extracted", *words)
    return code, json.loads(out)


def test_both_cores_do_the_same_with_the_same_bytes(told):
    code, verdict = told

    behaviour, overhead = verdict["findings"]
    assert (behaviour["question"], behaviour["status"], behaviour["reason"]) == (
        "behaviour", "accepted", f"the same in all {verdict['trials']}",
    )  # fmt: skip
    assert set(overhead["figures"]) == {"before_ms", "after_ms", "cpu_ms"}
    assert verdict["errors"] == {"baseline": 0, "candidate": 0, "control": 0}
    assert code == EXIT_CODES[verdict["status"]]


def test_the_extracted_core_takes_less_cpu_and_the_arms_own_times_are_parts_of_the_whole(told, folder):
    rows, broken = read_journal(folder / "j.jsonl")

    assert (len(rows), broken) == (told[1]["trials"], [])
    pairs = pairs_of([row.trial for row in rows if row.trial.prompt_id == "text-200"], "cpu_ms")
    assert pairs
    assert all(pair.candidate < pair.baseline for pair in pairs)
    assert isinstance(pairs[0], Pair)
    for one in (one for row in rows for one in row.trial.measurements):
        assert 0 < one.before_ms < one.total_ms
        assert 0 < one.after_ms < one.total_ms


def test_the_report_for_ci_says_the_same(told, folder):
    suites = ET.parse(folder / "reports" / "j.xml").getroot()

    cases = {case.get("name"): [child.tag for child in case] for case in suites.iter("testcase")}
    expected = {"accepted": [], "rejected": ["failure"], "undecided": ["error"], "invalid": ["error"]}
    assert cases == {one["question"]: expected[one["status"]] for one in told[1]["findings"]}


@pytest.mark.usefixtures("told")
def test_journals_are_summarised_with_an_exit_code(folder):
    code, out, _ = run("summarize", folder / "j.jsonl", "--thresh", 1e6)
    seeds, said, _ = run("summarize", folder / "j.jsonl", "--thresh", 1e6, "--rule", "seed", "--json")
    (folder / "empty.jsonl").touch()

    assert code == 0
    assert "ACCEPTED by the paired rule" in out
    assert (seeds, json.loads(said)["reasons"]) == (2, ["1 of 7 days are covered"])
    assert run("summarize", folder / "empty.jsonl")[0] == 2
    assert "gone.jsonl cannot be read" in run("summarize", folder / "gone.jsonl")[2]


def test_functions_of_a_file_are_compared_and_a_different_answer_is_one(folder):
    (folder / "ways.py").write_text("def one(text):\n    return 'a'\n\n\ndef other(text):\n    return 'b'\n")
    arms = (f"{folder}/ways.py:one", f"{folder}/ways.py:other")

    code, out, err = run("run", *arms, "--rounds", 20, "--prompt", "?", "--thresh", 1e6)

    assert code == 1
    assert "behaviour rejected" in " ".join(out.split())
    assert "20 trials at the most" in err


def test_what_cannot_be_measured_ends_with_2_and_a_remedy():
    code, _, err = run("run", "--local", "--rounds", 0)

    assert code == 2
    assert "Hint: ask for 1 round or more" in err


def test_the_stop_button_of_a_terminal_keeps_what_was_measured(tmp_path):
    (tmp_path / "slow.py").write_text("import time\n\n\ndef slow(text):\n    time.sleep(0.01)\n    return text\n")
    words = "parity run slow.py:slow slow.py:slow --rounds 100000 --out j.jsonl --thresh 0.0001".split()
    command = [sys.executable, "-c", "import sys; from liteagent_nb.cli import main; sys.exit(main())", *words]

    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        journal, end = tmp_path / "j.jsonl", time.monotonic() + 60
        while time.monotonic() < end and not (journal.exists() and journal.read_bytes().count(b"\n") >= 5):
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out = process.communicate(timeout=60)[0]

    rows, broken = read_journal(journal)
    assert (process.returncode, broken) == (2, [])
    assert len(rows) >= 5
    assert f"after {len(rows)} trials, stopped" in out


async def test_a_core_that_hands_over_is_no_measurement_of_it(monkeypatch):
    async with replaying() as server:
        arm = server.core("extracted")
        fine = await measure(arm, LOCAL_PROMPTS[0])
        monkeypatch.setattr(logging.getLogger("LiteLLM"), "level", logging.DEBUG)
        logging.getLogger("LiteLLM").manager._clear_cache()
        handed_over = await measure(arm, LOCAL_PROMPTS[0])
    logging.getLogger("LiteLLM").manager._clear_cache()

    assert fine.error == ""
    assert "the stream is served by legacy, not extracted: litellm logs every piece" in handed_over.error
