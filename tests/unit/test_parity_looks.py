"""What a comparison looks like: its verdict, table and plots, and its progress while it is measured."""

from __future__ import annotations

import math
import re
import sys
from base64 import b64decode
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest
from matplotlib import rcParams
from matplotlib.figure import Figure
from parity_trials import measured, trials

from liteagent_nb.core.judging import Terms, judge
from liteagent_nb.panels.parity_figures import between, judged, milliseconds, percent
from liteagent_nb.panels.parity_plot import draw_changes, draw_intervals, draw_spread, svg_of
from liteagent_nb.panels.parity_progress import ParityProgress
from liteagent_nb.panels.parity_view import summary_bundle, verdict_bundle
from liteagent_nb.parity.events import Looked, ParityDone, ParityStarted, TrialDone
from liteagent_nb.parity.summary import summarize

MINUS = "\N{MINUS SIGN}"
TERMS = Terms("old", "new", is_exact=True)
FASTER = judge(trials(40, slower=-0.1), TERMS)


def words_of(html):
    return " ".join(re.sub(r"<[^>]+>", " ", re.sub(r"<style>.*?</style>", "", html)).split())


def axes_of(draw, one):
    axes = Figure().add_subplot()
    draw(axes, one)
    return axes


def test_a_verdict_says_what_it_is_why_and_by_which_figures():
    bundle = verdict_bundle(FASTER)

    words = words_of(bundle["text/html"])
    assert words.startswith(
        "✓ accepted B new against A old behaviour ✓ accepted the same in all 40 overhead ✓ accepted"
    )
    row = re.search(r"total time ✓ accepted (\S+ ms) (\S+ ms) (\S+ %) \((\S+) to (\S+) %\) \S+ to \S+ % 10", words)
    assert row, words
    assert (float(row[1].split()[0]), float(row[2].split()[0])) == pytest.approx((100, 90), rel=0.01)
    assert row[3] in {f"{MINUS}{size} %" for size in ("9.9", "10", "10.0")}
    assert "seed's rule" in words.replace("&#x27;", "'")
    assert bundle["text/plain"] == "accepted: new against old\n  behaviour accepted\n  overhead accepted"


def test_figures_are_marked_as_varying_and_the_rest_is_the_same_each_time():
    one, other = (verdict_bundle(judge(trials(40, slower=-0.1, seed=seed), TERMS))["text/html"] for seed in (1, 2))

    settled = [
        re.sub(r'<span class="la-vary">[^<]*</span>|<img class="la-plot"[^>]*>', "", html) for html in (one, other)
    ]
    assert one != other
    assert settled[0] == settled[1]


def test_names_texts_and_errors_of_others_stay_text():
    evil = "<script>alert(1)</script>"
    found = trials(12, candidate=lambda ms: measured(error=evil))
    verdict = judge([replace(one, difference=evil) for one in found], replace(TERMS, candidate=evil))

    html = verdict_bundle(verdict)["text/html"]

    assert "<script" not in html
    assert "B failed 12 times: &lt;script&gt;" in html


def test_a_stopped_one_and_one_of_nothing_have_a_look_too():
    stopped = verdict_bundle(judge(trials(3), TERMS, is_stopped=True))
    nothing = verdict_bundle(judge([], TERMS))

    assert "Stopped by you; 3 trials" in words_of(stopped["text/html"])
    assert stopped["text/plain"].endswith("[stopped]")
    assert "too few to say" in stopped["text/html"]
    assert "<img" not in nothing["text/html"]
    assert nothing["text/plain"] == "undecided: new against old\n  behaviour undecided"


def test_each_figure_has_three_pictures_with_words_and_nothing_that_runs():
    html = verdict_bundle(FASTER)["text/html"]

    pictures = re.findall(r'<img class="la-plot" alt="([^"]+)" src="data:image/svg\+xml;base64,([^"]+)">', html)
    assert len(pictures) == 3 * 3
    first = [words for words, _ in pictures[:3]]
    assert re.search(
        r"time to the first text: the change of each of 40 pairs, from \W\S+ % to \W\S+ %; 0 beyond", first[0]
    )
    assert re.search(r"A half within 50\.\d ms, .*; B half within 4[45]\.\d ms", first[1])
    assert re.search(r"B against A \W\S+ to \W\S+ %; A against itself .*; the margin is 3 %", first[2])
    for _, source in pictures:
        tags = {element.tag.partition("}")[2] for element in ET.fromstring(b64decode(source)).iter()}
        assert tags <= {"svg", "defs", "style", "g", "path", "use", "text", "clipPath", "rect", "metadata"}


def test_plots_are_the_same_each_time_whatever_style_the_notebook_has(monkeypatch):
    one = next(judged(FASTER))
    before = svg_of(draw_changes, one)
    monkeypatch.setitem(rcParams, "axes.grid", not rcParams["axes.grid"])

    assert svg_of(draw_changes, one) == before
    assert rcParams["axes.grid"]
    assert len(before) < 40_000


def test_the_plot_of_changes_has_a_dot_for_each_pair_the_margin_and_where_it_was_clear():
    one = next(judged(FASTER))

    axes = axes_of(draw_changes, one)

    dots = {line.get_label(): line.get_ydata() for line in axes.get_lines() if line.get_label() in {"A again", "B"}}
    assert {name: len(values) for name, values in dots.items()} == {"A again": 40, "B": 40}
    assert sum(value < 0 for value in dots["B"]) >= 38
    levels = [line.get_ydata()[0] for line in axes.get_lines() if len(line.get_xdata()) == 2]
    assert 3 in levels
    assert one.ruling.change_pct.estimate in levels
    assert (axes.get_xlabel(), axes.get_title(loc="left") or axes.get_title()) == ("pair", "Change of each pair")
    assert axes.get_xlim() == (0, 41)
    assert [10.5, 10.5] in [list(line.get_xdata()) for line in axes.get_lines()]


def test_changes_far_off_are_arrows_at_the_edge_and_hide_no_others():
    found = trials(40)
    found[7] = replace(found[7], candidate=measured(ms=900.0))
    one = next(judged(judge(found, TERMS)))

    axes = axes_of(draw_changes, one)

    assert axes.get_ylim()[1] < 20
    arrows = [line for line in axes.get_lines() if line.get_marker() == "^"]
    assert [list(line.get_xdata()) for line in arrows] == [[], [8]]


def test_the_plot_of_spreads_has_both_arms_and_goes_logarithmic_where_they_are_far_apart():
    near = axes_of(draw_spread, next(judged(FASTER)))
    far = axes_of(draw_spread, next(judged(judge(trials(40, slower=40), TERMS))))

    assert [line.get_label() for line in near.get_lines()] == ["A", "B"]
    assert all(line.get_ydata()[-1] == 1 for line in near.get_lines())
    assert (near.get_xlabel(), near.get_xscale(), far.get_xscale()) == ("ms", "linear", "log")


def test_the_plot_of_intervals_shows_both_whole_and_those_without_bounds_too():
    one = next(judged(FASTER))
    few = next(judged(judge(trials(3), TERMS)))

    axes, open_ended = axes_of(draw_intervals, one), axes_of(draw_intervals, few)

    spans = [list(line.get_xdata()) for line in axes.get_lines() if line.get_marker() == "|"]
    change, control = one.ruling.change_pct, one.ruling.control_pct
    assert spans == [[control.lower, control.upper], [change.lower, change.upper]]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["A again", "B"]
    assert axes.get_xlim()[0] < change.lower
    assert math.isinf(few.ruling.change_pct.upper)
    for line in open_ended.get_lines():
        assert all(map(math.isfinite, line.get_xdata()))


def test_without_matplotlib_the_table_stays_and_a_line_says_what_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)

    html = verdict_bundle(FASTER)["text/html"]

    assert "<img" not in html
    assert 'pip install "liteagent_nb[parity]"' in html.replace("&quot;", '"')
    assert "total time" in html


@pytest.mark.parametrize(
    ("value", "told"),
    [(1.84, "+1.8 %"), (-0.04, "+0.0 %"), (-12.4, f"{MINUS}12 %"), (606.4, "+606 %"), (9.96, "+10.0 %")],
)
def test_changes_read_well(value, told):
    assert percent(value) == told


@pytest.mark.parametrize(
    ("value", "told"), [(0.1234, "0.123 ms"), (12.34, "12.3 ms"), (1234.5, "1,230 ms"), (0.00012, "0.000 ms")]
)
def test_times_have_three_digits(value, told):
    assert milliseconds(value) == told


def test_a_summary_of_a_broken_journal_warns_and_is_never_shown_as_accepted(tmp_path):
    journal = tmp_path / "cut.jsonl"
    journal.write_text('{"ts": "2026-')

    bundle = summary_bundle(summarize([journal]))

    assert bundle["text/plain"].startswith("invalid: ")
    assert "la-chip la-is-accepted" not in bundle["text/html"]
    assert "broken" in words_of(bundle["text/html"])


class Screen:
    """What was published."""

    def __init__(self):
        self.sent = []

    def __call__(self, data, metadata=None, *, transient, update):
        self.sent.append(data)


async def test_progress_tells_how_far_it_is_and_what_the_last_look_said_and_leaves_nothing_behind():
    screen, found = Screen(), trials(10)

    with ParityProgress(screen) as progress:
        progress(ParityStarted(Terms("old", "new"), 20))
        progress._area.draw()
        progress(TrialDone(found[0], 10, 20))
        progress(Looked(judge(found, TERMS), 10))
        progress._area.draw()
        progress(ParityDone(FASTER))

    texts = [data["text/plain"] for data in screen.sent]
    assert (texts[0], texts[1], texts[-1]) == ("", "warming up", "")
    assert "0 of at most 20 measured" in texts
    last = screen.sent[-2]["text/html"]
    assert "width:50.0%" in last
    assert "to go" in last
    assert "time to the first text" in last
    assert progress.verdict is FASTER
    assert between(FASTER.findings[1].rulings["total_ms"].control_pct) not in texts
