"""Outputs are joined, bounded and changed as a notebook shows them, while they come and at the end."""

import pytest

from liteagent_nb.kernels.outputs import Outputs


def stream(text, name="stdout"):
    return "stream", {"name": name, "text": text}


def display(text, *, display_id=None, **data):
    transient = {"display_id": display_id} if display_id else {}
    return "display_data", {"data": {"text/plain": text, **data}, "metadata": {}, "transient": transient}


def taken_in(*messages, **more):
    outputs = Outputs(**more)
    for kind, content in messages:
        outputs.take_in(kind, content)
    return outputs


def texts(outputs):
    return [output.get("text") or output["data"]["text/plain"] for output in outputs.all]


def test_pieces_of_one_stream_are_one_output_until_something_else_comes():
    outputs = taken_in(stream("a"), stream("b"), stream("e", "stderr"), stream("c"))

    assert texts(outputs) == ["ab", "e", "c"]
    assert (outputs.text("stdout"), outputs.text("stderr")) == ("abc", "e")


def test_an_update_changes_the_display_that_it_names_and_no_other():
    outputs = taken_in(
        display("one", display_id="x"),
        display("other"),
        ("update_display_data", {"data": {"text/plain": "two"}, "metadata": {}, "transient": {"display_id": "x"}}),
    )

    assert texts(outputs) == ["two", "other"]
    assert all("transient" not in output for output in outputs.all)


@pytest.mark.parametrize("wait", [True, False])
def test_what_was_cleared_is_gone(wait):
    outputs = taken_in(stream("old"), ("clear_output", {"wait": wait}), stream("new"))

    assert texts(outputs) == ["new"]
    assert outputs.text("stdout") == "new"


def test_what_waits_to_be_cleared_stays_until_something_new_comes():
    assert texts(taken_in(stream("old"), ("clear_output", {"wait": True}))) == ["old"]


def test_too_much_text_is_cut_in_the_middle_with_its_size():
    outputs = taken_in(stream("a" * 900), stream("b" * 900), stream_cap=1000)

    assert outputs.is_truncated
    assert len(outputs.text("stdout")) < 1100
    assert "1800 bytes" in outputs.text("stdout")


def test_a_watcher_is_told_everything_up_to_the_cap_and_then_that_there_is_more():
    told = []

    taken_in(*(stream("x" * 100) for _ in range(30)), watch=told.append, stream_cap=1000)

    text = "".join(output["text"] for output in told)
    assert text.count("x") == 1000
    assert text.count("more is not shown") <= 1


def test_displays_beyond_the_cap_are_named_and_not_kept():
    outputs = taken_in(display("big", **{"image/png": "x" * (65 << 20)}))

    assert outputs.is_truncated
    assert "image/png" in outputs.text("stderr")
    assert outputs.all[0]["output_type"] == "stream"


def test_alternating_streams_do_not_pile_up():
    outputs = taken_in(*(stream(".", name) for _ in range(3000) for name in ("stdout", "stderr")))

    assert len(outputs.all) <= 1001
    assert outputs.text("stdout") == "." * 3000


def test_an_error_is_one_line_without_colours():
    outputs = taken_in(("error", {"ename": "ValueError", "evalue": "\x1b[31mbad\x1b[0m", "traceback": ["x"]}))

    assert outputs.error_line == "ValueError: bad"
    assert outputs.all[0]["ename"] == "ValueError"
