"""What a sidecar shows becomes a cell's output: joined, in order, and nothing lost."""

from __future__ import annotations

import threading
import time

import pytest
from IPython.core.displaypub import CapturingDisplayPublisher

from liteagent_nb.core.execution import ExecResult
from liteagent_nb.panels.cell_outputs import CellOutputs
from liteagent_nb.panels.exec_view import partial_result, result_bundle
from liteagent_nb.panels.joining import joined


def text(words, name="stdout"):
    return {"output_type": "stream", "name": name, "text": words}


def shown(words, kind="display_data", **transient):
    return {"output_type": kind, "data": {"text/plain": words}, "metadata": {}, "transient": transient}


def clear(*, wait=False):
    return {"output_type": "clear_output", "wait": wait}


def update(words, display_id):
    return shown(words, "update_display_data", display_id=display_id)


@pytest.mark.parametrize(
    ("outputs", "expected"),
    [
        ([text("a"), text("b"), text("c", "stderr"), text("d")], [text("ab"), text("c", "stderr"), text("d")]),
        ([text("a"), shown("x"), text("b")], [text("a"), shown("x"), text("b")]),
        ([text("a"), clear(), text("b")], [clear(), text("b")]),
        ([text("a"), clear()], [clear()]),
        ([text("a"), clear(wait=True), text("b")], [clear(wait=True), text("b")]),
        ([text("a"), clear(wait=True)], [text("a"), clear(wait=True)]),
        ([update("1", "d"), update("1", "e"), update("2", "d")], [update("1", "e"), update("2", "d")]),
        ([], []),
    ],
)
def test_what_comes_in_quick_succession_is_joined(outputs, expected):
    assert joined(outputs) == expected


@pytest.fixture
def panel():
    return CellOutputs(CapturingDisplayPublisher())


def fed(panel, outputs, *, each_s=0.0):
    """Tell *panel* the outputs from another thread, as a loop does; return the event of its end."""
    ended = threading.Event()

    def feed():
        for output in outputs:
            panel.watch(output)
            time.sleep(each_s)
        panel.end()
        ended.set()

    threading.Thread(target=feed).start()
    return ended


def test_order_is_kept_between_streams_and_displays(panel, capsys):
    panel.show_until(fed(panel, [text("a"), shown("x"), text("b", "stderr"), shown("y"), text("c")]))

    assert capsys.readouterr() == ("ac", "b")
    assert [one["data"]["text/plain"] for one in panel._publisher.outputs] == ["x", "y"]


def test_a_hundred_thousand_pieces_are_shown_in_few_and_none_is_lost(panel, monkeypatch):
    written = []
    monkeypatch.setattr(
        "sys.stdout", type("Out", (), {"write": lambda _, s: written.append(s), "flush": lambda _: None})()
    )
    started = time.monotonic()

    panel.show_until(fed(panel, [text(f"{n}\n") for n in range(100_000)]))

    assert "".join(written) == "".join(f"{n}\n" for n in range(100_000))
    assert len(written) <= (time.monotonic() - started) * 20 + 2


def test_the_first_piece_is_shown_at_once_and_the_end_is_not_waited_for(panel, monkeypatch):
    written = []
    monkeypatch.setattr(
        "sys.stdout",
        type("Out", (), {"write": lambda _, s: written.append(time.monotonic()), "flush": lambda _: None})(),
    )
    started = time.monotonic()

    panel.show_until(fed(panel, [text("a"), text("b")], each_s=0.005))

    assert written[0] - started < 0.03
    assert time.monotonic() - started < 0.04


def test_quiet_shows_nothing_but_has_seen_it(capsys):
    panel = CellOutputs(CapturingDisplayPublisher(), is_quiet=True)

    panel.show_until(fed(panel, [text("a"), shown("x")]))
    panel.finish(ExecResult(ok=True, rc=0, truncated=True))

    assert capsys.readouterr().out == ""
    assert panel._publisher.outputs == []
    assert panel.seen == [text("a"), shown("x")]


def test_what_was_cleared_is_not_kept_of_a_stopped_execution(panel):
    panel.show_until(fed(panel, [text("old"), clear(), text("new"), shown("x"), text("err", "stderr")]))

    result = partial_result(panel.seen, context="main")

    assert (result.stdout, result.stderr, result.status, result.rc) == ("new", "err", "interrupted", 130)
    assert [one["output_type"] for one in result.outputs] == ["stream", "display_data", "stream"]


def test_the_rows_of_a_result_name_what_it_showed():
    result = ExecResult(
        ok=False, rc=1, status="error", error="ValueError: no", stderr="careful", result="5",
        outputs=({"output_type": "display_data", "data": {"text/plain": "<Figure>", "image/png": "iVBO"}},),
    )  # fmt: skip

    assert result_bundle(result)["text/plain"].splitlines() == [
        "ExecResult",
        "status   error, exit code 1",
        "error    ValueError: no",
        "result   5",
        "stderr   careful",
        "outputs  image/png",
    ]
