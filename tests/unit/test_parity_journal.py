"""The journal: nothing is lost, nothing is given away; and what journals say together."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from parity_trials import measured, trials

from liteagent_nb.core.errors import ConfigError
from liteagent_nb.core.judging import Terms, judge
from liteagent_nb.parity.journal import Journal, read_journal
from liteagent_nb.parity.rows import row_of
from liteagent_nb.parity.summary import percentile, summarize
from liteagent_nb.parity.telling import summary_text

TERMS = Terms("legacy", "extracted", is_exact=True, run_id="r1")


def written(path, found, terms=TERMS):
    journal = Journal(path)
    for trial in found:
        journal.add(row_of(trial, terms, model="openai/gpt-4o-mini"))
    return path


def lost(trial):
    """Return *trial* as it comes back: the texts themselves are not kept."""
    roles = ("baseline", "candidate", "control")
    return replace(trial, **{role: replace(getattr(trial, role), text="") for role in roles})


def test_what_is_read_is_what_was_written_and_gets_the_same_verdict(tmp_path):
    found = [*trials(10), *trials(1, candidate=lambda ms: measured(error="ModelError: 503"))]

    rows, broken = read_journal(written(tmp_path / "j.jsonl", found))

    assert broken == []
    assert [row.trial for row in rows] == [lost(trial) for trial in found]
    assert {row.terms for row in rows} == {TERMS}
    read = judge([row.trial for row in rows], TERMS)
    assert read.findings == judge(found, TERMS).findings


def test_two_writers_at_once_lose_nothing(tmp_path):
    path = tmp_path / "j.jsonl"
    script = (
        "import sys; sys.path.insert(0, sys.argv[2])\n"
        "from parity_trials import trials\nfrom liteagent_nb.core.judging import Terms\n"
        "from liteagent_nb.parity.journal import Journal\nfrom liteagent_nb.parity.rows import row_of\n"
        "journal = Journal(sys.argv[1])\nsys.stdin.read(1)\n"
        "[journal.add(row_of(t, Terms('a', 'b'), model='m' * 3000)) for t in trials(200)]\n"
    )
    command = [sys.executable, "-c", script, str(path), str(__file__).rpartition("/unit/")[0]]

    writers = [subprocess.Popen(command, stdin=subprocess.PIPE) for _ in range(2)]
    for writer in writers:
        writer.stdin.write(b"x")
        writer.stdin.flush()
    for writer in writers:
        writer.communicate(timeout=120)

    rows, broken = read_journal(path)
    assert (len(rows), broken) == (400, [])


def test_a_line_cut_in_the_middle_is_reported_and_the_next_one_is_on_a_fresh_line(tmp_path):
    path = written(tmp_path / "j.jsonl", trials(20))
    path.write_bytes(path.read_bytes()[:-200])

    written(path, trials(1))

    rows, broken = read_journal(path)
    assert (len(rows), [line.line for line in broken]) == (20, [20])
    assert str(broken[0]).startswith(f"{path}, line 20: it is no JSON")
    summary = summarize([path])
    assert (summary.status, summary.accepted) == ("invalid", False)
    assert "1 lines are broken" in summary.reasons[0]


@pytest.mark.parametrize(
    "line",
    [
        "nonsense",
        "[1]",
        "{}",
        '{"legacy": {}, "extracted": {}}',
        '{"legacy": {"total_ms": NaN, "text_sha256": "a"}, "extracted": {"total_ms": 1, "text_sha256": "a"}}',
        '{"legacy": {"total_ms": "1", "text_sha256": "a"}, "extracted": {"total_ms": 1, "text_sha256": "a"}}',
        "[" * 100_000,
        "\udcff",
    ],
    ids=range(8),
)
def test_a_line_that_is_no_trial_is_never_taken_for_one(line, tmp_path):
    path = written(tmp_path / "j.jsonl", trials(40))
    with path.open("ab") as file:
        file.write(line.encode("utf-8", "surrogateescape") + b"\n")

    summary = summarize([path])

    assert (summary.rows, len(summary.broken), summary.status) == (40, 1, "invalid")


def test_an_empty_journal_is_never_accepted_and_a_missing_one_is_an_error(tmp_path):
    (tmp_path / "empty.jsonl").write_text("\n\n")

    for rule in ("paired", "seed"):
        summary = summarize([tmp_path / "empty.jsonl"], rule=rule)
        assert (summary.rows, summary.accepted, summary.reasons[0]) == (0, False, "there are no rows")
        assert summarize([], rule=rule).accepted is False
    with pytest.raises(ConfigError, match=r"gone\.jsonl cannot be read"):
        summarize([tmp_path / "gone.jsonl"])
    with pytest.raises(ConfigError, match="no journal can be kept"):
        Journal(tmp_path)


def test_secrets_stay_out(tmp_path, monkeypatch):
    monkeypatch.setenv("MY_API_KEY", "abracadabra-1")
    found = measured(error="AuthenticationError: sk-proj-abcdefghijklmnop and abracadabra-1")

    path = written(tmp_path / "j.jsonl", [replace(trials(1)[0], candidate=found, difference="abracadabra-1")])

    assert "abracadabra" not in path.read_text()
    assert "abcdefgh" not in path.read_text()


def test_many_files_come_together_with_their_days_and_percentiles(tmp_path):
    found = trials(70, slower=-0.1, days=7)
    files = [written(tmp_path / f"{day}.jsonl", found[day::7]) for day in range(7)]

    summary = summarize([*files, files[0]])

    assert (summary.rows, summary.days_covered, summary.same_text_all, summary.errors) == (70, 7, True, 0)
    assert (summary.status, summary.verdict.seed_rule.accepted) == ("accepted", True)
    deltas = [trial.total_delta_pct for trial in found]
    assert summary.worst_total_pct == pytest.approx(max(deltas), abs=1e-3)
    assert summary.p95_total_pct == pytest.approx(np.percentile(deltas, 95), abs=1e-3)
    told = json.loads(json.dumps(summary.to_json(), allow_nan=False))
    names = (
        "rows days_covered same_text_all mismatches worst_ttft_pct worst_total_pct errors thresh_pct accepted reasons"
    )
    assert {*names.split(), "p50_ttft_pct", "p50_total_pct", "p95_ttft_pct", "p95_total_pct"} <= set(told)
    assert summarize(files, rule="seed").accepted
    assert summarize(files[:6], rule="seed").status == "undecided"


def test_a_later_regression_is_seen_however_good_the_first_pairs_were(tmp_path):
    path = written(tmp_path / "j.jsonl", [*trials(20, slower=-0.02), *trials(200, slower=0.1)])

    assert summarize([path]).status == "rejected"


def test_different_comparisons_are_not_mixed(tmp_path):
    path = written(tmp_path / "j.jsonl", trials(40))
    written(path, trials(40), replace(TERMS, candidate="verify"))

    summary = summarize([path])

    assert (summary.status, summary.reasons[0]) == ("invalid", "2 comparisons are mixed: summarize them apart")


def test_rows_of_the_seeds_own_script_are_judged_by_its_rule_and_lack_a_control_for_ours(tmp_path):
    row = {"ts": "2026-03-01T00:00:00Z", "round": 1, "model": "m", "prompt_id": "p", "stream": True}
    arm = {"ttft_ms": 10.0, "total_ms": 20.0, "chunks": 3, "text_sha256": "ab", "chars": 5, "error": None}
    lines = [{**row, "ts": f"2026-03-0{day}T00:00:00Z", "legacy": arm, "extracted": arm} for day in range(1, 8)]
    path = tmp_path / "seed.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)))

    assert summarize([path], rule="seed", thresh_pct=3).accepted
    assert summarize([path]).status in {"undecided", "invalid"}


def test_thousands_of_rows_are_summarised(tmp_path):
    path = written(tmp_path / "j.jsonl", trials(2000, spread=0.2))

    assert summarize([path]).status == "accepted"


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
ROW = row_of(trials(1)[0], TERMS, model="m")
PLACES = [(name,) for name in ROW] + [(arm, name) for arm in ("legacy", "extracted", "control") for name in ROW[arm]]


@given(place=st.sampled_from(PLACES), value=ANYTHING)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_stands_in_a_field_a_summary_comes_of_it(place, value, tmp_path):
    row = json.loads(json.dumps(ROW))
    inner = row[place[0]] if len(place) == 2 else row
    inner[place[-1]] = value
    path = tmp_path / "j.jsonl"
    path.write_text(f"{json.dumps(ROW)}\n{json.dumps(row)}\n")

    for rule in ("paired", "seed"):
        summary = summarize([path], rule=rule)
        assert json.dumps(summary.to_json(), allow_nan=False)
        assert summary_text(summary)
        assert not summary.accepted


@pytest.mark.parametrize("wrong", [0, -1, math.nan, math.inf])
def test_a_threshold_that_answers_nothing_is_refused(wrong, tmp_path):
    with pytest.raises(ConfigError, match="answers nothing"):
        summarize([written(tmp_path / "j.jsonl", trials(1))], thresh_pct=wrong)


@pytest.mark.parametrize("share", [0, 0.5, 0.95, 1])
def test_percentiles_are_numpys(share):
    values = sorted(math.sin(place) for place in range(17))

    assert percentile(values, share) == pytest.approx(np.percentile(values, share * 100))
    assert percentile([], share) is None
