"""What code showed is drawn beside an agent's call: pictures and tables, and nothing that could run or be fetched."""

import pytest

from liteagent_nb.core.execution import ExecResult
from liteagent_nb.core.tools import ToolInvocation
from liteagent_nb.panels.cards import card_html
from liteagent_nb.panels.pictures import outputs_html
from liteagent_nb.tools._executions import observed_execution

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def display(**data):
    return {
        "output_type": "display_data",
        "data": {kind.replace("_", "/"): value for kind, value in data.items()},
        "metadata": {},
    }


def result(*outputs, **more):
    return ExecResult(ok=True, rc=0, outputs=outputs, **more)


def test_a_picture_is_drawn_in_the_card_which_is_open():
    observation = observed_execution(result(display(image_png=PNG + "\n", text_plain="<Figure>")), "python")

    html = card_html(ToolInvocation(0, "exec_python", "c", {"code": "plot()"}, observation, ""))

    assert f'src="data:image/png;base64,{PNG}"' in html
    assert '<details class="la-card la-ok" open>' in html


def test_the_model_is_told_that_there_was_a_picture():
    observation = observed_execution(result(display(image_png=PNG, text_plain="<Figure>")), "python")

    assert observation.text == "[a picture (image/png) is shown to the user]\n"


def test_the_model_is_told_the_value_of_the_last_line_where_nothing_was_printed():
    shown = {"output_type": "execute_result", "data": {"text/plain": "42"}, "metadata": {}, "execution_count": 1}

    assert observed_execution(result(shown, result="42"), "python").text == "42\n"
    assert observed_execution(result(shown, result="42", stdout="6\n"), "python").text == "6\n"


def test_the_model_is_told_the_traceback_without_colours():
    exception = {"ename": "ZeroDivisionError", "evalue": "", "traceback": ["\x1b[31mTraceback\x1b[0m", "1 / 0"]}

    observation = observed_execution(ExecResult(ok=False, rc=1, error="E", exception=exception), "python")

    assert observation.stderr == "Traceback\n1 / 0"


def test_a_table_keeps_its_shape_and_loses_its_styles():
    html = outputs_html(
        [display(text_html='<style>x</style><table border="1"><tr><td colspan="2">1</td></tr></table>')]
    )

    assert '<td colspan="2">1</td>' in html
    assert "style" not in html
    assert "border" not in html


@pytest.mark.parametrize(
    "data",
    [
        {"text_html": "<script>alert(1)</script>"},
        {"text_html": '<img src="http://evil.example/x.png" onerror="alert(1)">'},
        {"text_html": '<a href="javascript:alert(1)">x</a>'},
        {"text_html": '<iframe src="http://evil.example"></iframe>'},
        {"text_html": '<div style="position:fixed" onclick="alert(1)">x</div>'},
        {"image_svg+xml": '<svg onload="alert(1)"/>'},
        {"image_png": '"><script>alert(1)</script>'},
        {"image_png": 'x" onerror="alert(1)'},
        {"application_javascript": "alert(1)"},
    ],
)
def test_nothing_runs_and_nothing_is_fetched(data):
    html = outputs_html([display(**data)])

    for bad in ("script", "alert", "evil", "onerror", "onclick", "javascript", "iframe", "<svg", "<a", "position"):
        assert bad not in html


def test_too_much_is_not_drawn_and_said_so():
    html = outputs_html([display(image_png=PNG)] * 50, max_chars=1000)

    assert html.count("<img") < 10
    assert "the Run has it all" in html
