"""What a panel of executions shows, without a view."""

from __future__ import annotations

import pytest

from liteagent_nb.core.execution import ExecResult
from liteagent_nb.kernels.protocol import ContextStatus, LanguageStatus
from liteagent_nb.panels.exec_blocks import OutputBlocks
from liteagent_nb.panels.exec_export import cells_of_executions, kept_bundle, notebook_of_executions
from liteagent_nb.panels.exec_state import ExecState
from liteagent_nb.panels.terminal import TerminalText, coloured

PNG = "iVBORw0KGgo="


def text(words, name="stdout"):
    return {"output_type": "stream", "name": name, "text": words}


def shown(data, kind="display_data", **transient):
    return {"output_type": kind, "data": data, "metadata": {}, "transient": transient}


def painted(changes):
    """Return what a view that was told *changes* has drawn, block by block."""
    drawn = {}
    for block, how, *rest in changes:
        if how == "clear":
            drawn.clear()
        elif how == "set":
            drawn[block] = rest[0]
        else:
            before = drawn.get(block, ("", ""))[0]
            drawn[block] = (before + rest[0], rest[1])
    return ["".join(html) for html in drawn.values()]


@pytest.mark.parametrize(
    ("printed", "html"),
    [
        ("a < b", "a &lt; b"),
        ("\x1b[31mred\x1b[0m plain", '<span class="la-ansi1">red</span> plain'),
        (
            "\x1b[1;92mgreen\x1b[39m bold",
            '<span class="la-ansi2 la-bold">green</span><span class="la-bold"> bold</span>',
        ),
        ("\x1b[31mtwo\nlines", '<span class="la-ansi1">two</span>\n<span class="la-ansi1">lines</span>'),
        ("\x1b[38;2;1;2;3mown palette", "own palette"),
        ("10%\r50%\r100%\n", "100%\n"),
        ("windows\r\nlines\r\n", "windows\nlines\n"),
        ("\x1b]8;;javascript:x\x07link\x1b]8;;\x07 \x1b[2J", "link "),
        ("\x1b[31m<script>\x1b[0m", '<span class="la-ansi1">&lt;script&gt;</span>'),
    ],
)
def test_text_is_shown_as_a_terminal_shows_it(printed, html):
    assert coloured(printed) == html


def test_text_that_comes_in_pieces_looks_as_if_it_came_at_once():
    printed = "\x1b[31mred\nstill red\x1b[0m\r\nprogress 1%\rprogress 2%\rdone\nend"
    growing, drawn = TerminalText(), ""

    for letter in printed:
        growing.feed(letter)
        drawn += growing.news()

    assert drawn + growing.tail == growing.html == coloured(printed)


def test_a_flood_is_drawn_up_to_a_bound_and_says_so():
    flood = TerminalText()

    for number in range(12_000):
        flood.feed("x" * 99 + f"{number}\n")

    assert len(flood.html) < 1_100_000
    assert flood.html.endswith("the result has it …")
    assert len(flood.brief) < 100_000
    assert "lines are left out here" in flood.brief


def test_a_view_that_is_told_piece_by_piece_shows_what_one_that_begins_is_told():
    blocks, news = OutputBlocks(), []
    outputs = [
        text("gone"), {"output_type": "clear_output", "wait": False}, text("one\ntw"), text("o\n"), text("careful", "stderr"),
        shown({"image/png": PNG, "text/plain": "<Figure>"}), shown({"text/plain": "first"}, display_id="d"),
        shown({"text/html": "<table><tr><td onclick=x>1</td></tr></table><script>x</script>"}, "execute_result"),
        shown({"text/plain": "second"}, "update_display_data", display_id="d"), text("end"),
        {"output_type": "error", "ename": "E", "evalue": "v", "traceback": ["\x1b[31mE\x1b[0m: v"]},
    ]  # fmt: skip

    for output in outputs:
        blocks.take(output)
        news += blocks.changes()

    assert painted(news) == painted(blocks.all())
    drawn = painted(news)
    assert drawn[:2] == ["one\ntwo\n", "careful"]
    assert f"data:image/png;base64,{PNG}" in drawn[2]
    assert drawn[3] == '<pre class="la-out">second</pre>'
    assert drawn[4] == '<div class="la-table"><table><tbody><tr><td>1</td></tr></tbody></table></div>'
    assert drawn[6] == '<pre class="la-err"><span class="la-ansi1">E</span>: v</pre>'


def test_what_nobody_draws_is_shown_as_its_text():
    blocks = OutputBlocks()

    blocks.take(shown({"application/javascript": "alert(1)", "text/latex": "$x$", "text/plain": "<Thing>"}))

    assert blocks.html == '<pre class="la-out">&lt;Thing&gt;</pre>'


def test_an_execution_waits_runs_and_ends_and_a_patch_tells_only_what_is_new():
    state = ExecState()
    one = state.add("print(1)", "python", "main")
    first = state.patch(now_s=0)
    state.begin(one, now_s=0)
    state.take(one, text("1\n"))
    second = state.patch(now_s=1)
    state.take(one, text("2\n"))
    third = state.patch(now_s=1)
    state.end(one, ExecResult(ok=True, rc=0, stdout="1\n2\n", t_ms=5))
    last = state.patch(now_s=2)

    assert first["fields"]["running"] == 1
    assert [first["cards"][0]["stage"], second["cards"][0]["stage"], last["cards"][0]["stage"]] == [
        "waiting",
        "running",
        "ended",
    ]
    assert third == {"fields": {}, "cards": [{"n": 1, "blocks": [[1, "add", "2\n", "", "out"]]}], "gone": []}
    assert (last["fields"]["running"], last["fields"]["say"]) == (0, "main: done.")
    assert state.patch(now_s=3) is None


def test_what_was_stopped_keeps_what_came_and_what_could_not_run_says_why():
    state = ExecState()
    stopped, faulty = state.add("loop", "python", ""), state.add("x", "cobol", "")
    state.begin(stopped, now_s=0)
    state.take(stopped, text("so far"))

    state.end(stopped)
    state.end(faulty, fault="nobody knows cobol")

    assert (stopped.result.stdout, stopped.outcome) == ("so far", "interrupted")
    assert (faulty.result, faulty.outcome) == (None, "did not run")
    assert "nobody knows cobol" in faulty.blocks.html
    assert state.results == (stopped.result,)


def test_only_so_many_executions_are_kept_and_a_view_hears_which_are_gone():
    state = ExecState()
    for number in range(250):
        state.end(state.add(str(number), "python", "main"), ExecResult(ok=True, rc=0))

    patch = state.patch(now_s=0)

    assert len(state.executions) <= 201
    assert 1 in patch["gone"]
    assert {card["n"] for card in patch["cards"]} == set(state.executions)


def test_languages_that_can_be_run_come_first_where_they_keep_variables():
    state = ExecState()

    state.show_languages(
        [
            LanguageStatus("bash", is_installed=True),
            LanguageStatus("go", is_installed=False),
            LanguageStatus("python", is_installed=True, keeps_state=True),
        ]
    )
    state.show_contexts([ContextStatus("main", idle_s=3.0)])
    state.choose(language="bash", context="")

    fields = state.whole(now_s=0)["fields"]
    assert [name for name, _, _ in fields["languages"]] == ["python", "bash"]
    assert fields["target"] == {"language": "bash", "context": "", "keeps": False}


def test_executions_are_kept_as_an_output_as_cells_and_as_a_notebook():
    state = ExecState()
    one, other = state.add("print('<b>')", "python", "main"), state.add("echo 2", "bash", "")
    state.take(one, text("<b>\n"))
    outputs = ({"output_type": "stream", "name": "stdout", "text": "<b>\n"},)
    state.end(one, ExecResult(ok=True, rc=0, stdout="<b>\n", outputs=outputs, t_ms=12))
    state.end(other, ExecResult(ok=False, rc=2, stderr="no", error="exit code 2", status="error"))

    bundle = kept_bundle((one, other))
    notebook = notebook_of_executions((one, other))

    assert bundle["text/plain"] == "> print('<b>')\n<b>\n> echo 2\nno\nexit code 2"
    assert "&lt;b&gt;" in bundle["text/html"]
    assert "<b>" not in bundle["text/html"]
    assert [cell.source for cell in cells_of_executions((one, other))] == [
        "%%exec -c main\nprint('<b>')", "%%exec -l bash\necho 2",
    ]  # fmt: skip
    assert notebook["cells"][1]["outputs"] == list(outputs)
