"""What a model, a tool or a user wrote never becomes code in the page."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from liteagent_nb.core.chat import Reply, ToolCall, Transcript, Usage
from liteagent_nb.core.errors import ModelError
from liteagent_nb.core.steps import ModelAsked, ReasoningDelta, Run, Step, TextDelta, ToolFinished, ToolStarted
from liteagent_nb.core.tools import Observation, ToolInvocation
from liteagent_nb.panels.lists import note_bundle, rows_bundle
from liteagent_nb.panels.live_view import LiveView
from liteagent_nb.panels.plain import run_text
from liteagent_nb.panels.render import answer_html, safe_html
from liteagent_nb.panels.run_view import line_bundle, money, run_html
from liteagent_nb.panels.style import framed, style_tag

PAYLOADS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "![x](http://evil.example/p.png)",
    "![x](data:image/svg+xml;base64,PHN2Zy8+)",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java&#10;script:alert(1))",
    "[x](data:text/html,<script>alert(1)</script>)",
    "[x](vbscript:msgbox(1))",
    "<javascript:alert(1)>",
    "<details open ontoggle=alert(1)>",
    "<svg onload=alert(1)><animate onbegin=alert(1)></svg>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<form action=http://evil.example><button>go</button></form>",
    "<button data-commandlinker-command='terminal:create-new'>x</button>",
    "<a href='x' onclick='alert(1)'>x</a>",
    "<style>@import 'http://evil.example/x.css';</style>",
    "</style><script>alert(1)</script>",
    "</pre></details></span><script>alert(1)</script>",
    '"><script>alert(1)</script>',
    "' onmouseover='alert(1)",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "```python\n</code></pre><script>alert(1)</script>\n```",
    '```"><script>alert(1)</script>\nx\n```',
    "| a |\n|---|\n| <img src=x onerror=alert(1)> |",
    "[x]: javascript:alert(1)\n[x]",
    "<object data=http://evil.example/x.swf><embed src=http://evil.example/x></object>",
    "<base href=http://evil.example/><link rel=stylesheet href=http://evil.example/x.css><meta http-equiv=refresh content=0>",
    "<video src=http://evil.example/v poster=http://evil.example/p><source src=http://evil.example/s></video>",
    "[a](<javascript:alert(1)>)",
    "\x1b]8;;javascript:alert(1)\x07x\x1b]8;;\x07",
]

HARMLESS = set(
    "a abbr b blockquote br code dd del details div dl dt em h1 h2 h3 h4 h5 h6 hr li ol p pre s span strong style "
    "summary table tbody td th thead tr ul".split()
)


class Looker(HTMLParser):
    """Collects what a browser would see."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.attributes, self.styles, self._in_style = set(), [], "", False
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += attrs
        self._in_style = tag == "style"

    def handle_endtag(self, tag):
        self._in_style = False

    def handle_data(self, text):
        if self._in_style:
            self.styles += text


def assert_harmless(html):
    seen = Looker(html)
    assert seen.tags <= HARMLESS, seen.tags - HARMLESS
    for name, value in seen.attributes:
        assert name in {"class", "href", "title", "rel", "align", "start", "open", "style"}, name
        if name == "href":
            assert value.startswith(("http://", "https://", "mailto:")), value
        if name == "style":
            assert value.startswith("animation-delay:-"), value
    assert set(seen.styles.split("<style>")) <= {"", Looker(style_tag()).styles}


def invocation(payload, *, ok):
    return ToolInvocation(
        0,
        payload,
        payload,
        {"code": payload, payload: payload, "language": payload},
        Observation(ok, {payload: payload}, payload, payload, payload, 1, 3.0, payload),
        payload,
    )


def run_of(payload):
    invocations = (
        invocation(payload, ok=True),
        invocation(payload, ok=False),
        ToolInvocation(0, payload, payload, payload, Observation(ok=True, result=payload), payload),
    )
    step = Step(Reply(payload + " ", model=payload, reasoning=payload, usage=Usage(1, 1)), invocations)
    return Run(
        payload,
        "error",
        Transcript(),
        (step,),
        stop_detail=payload,
        used_model=payload,
        error=ModelError(payload, hint=payload),
    )


@pytest.mark.parametrize("payload", PAYLOADS)
def test_markdown_of_a_model_is_harmless(payload):
    assert_harmless(safe_html(payload))
    assert_harmless(safe_html(f"- > {payload}\n"))
    assert_harmless(answer_html(payload))


@pytest.mark.parametrize("payload", PAYLOADS)
def test_every_place_of_a_run_is_harmless(payload):
    assert_harmless(run_html(run_of(payload)))


@pytest.mark.parametrize("payload", PAYLOADS)
def test_lines_lists_and_notes_are_harmless(payload):
    for bundle in (line_bundle(payload, payload), note_bundle(payload), rows_bundle(payload, [(payload, payload)])):
        assert_harmless(bundle["text/html"])


@pytest.mark.parametrize("payload", PAYLOADS)
def test_the_live_view_is_harmless(payload):
    view = LiveView()
    call = ToolCall("a", payload, payload)
    for event in (
        ModelAsked(payload, 0),
        ReasoningDelta(payload),
        TextDelta(payload),
        ToolStarted(0, call),
        ToolFinished(invocation(payload, ok=False)),
        ToolStarted(1, call),
        TextDelta(payload),
    ):
        view.take(event, now_s=0)
        assert_harmless(view.html(now_s=1))
    view.say(payload, now_s=2)
    assert_harmless(view.html(now_s=2))


def test_a_picture_becomes_a_link_since_fetching_it_would_tell_another_host():
    assert safe_html("![a chart](https://a.example/c.png)") == (
        '<p><a href="https://a.example/c.png" rel="noopener noreferrer nofollow">[image: a chart]</a></p>\n'
    )


def test_a_link_into_the_notebook_server_itself_is_no_link():
    assert "href" not in safe_html("[x](/api/shutdown) [y](../logout) ![z](files/x.png)")


def test_markdown_keeps_tables_alignment_links_and_coloured_code():
    html = safe_html("|a|b|\n|-|-:|\n|1|2|\n\n[x](https://a.example)\n\n```python\nprint('1')\n```")

    assert '<td align="right">2</td>' in html
    assert 'href="https://a.example"' in html
    assert '<span class="la-b">print</span>' in html


def test_a_class_of_ours_cannot_be_borrowed_by_a_model():
    assert "<span" not in safe_html('<span class="la-foot">free</span>')


def test_characters_that_hide_or_reorder_are_shown_and_terminal_colours_removed():
    html = run_html(run_of("a\u202eb\x00\x1b[31mred\x1b[0m"))

    assert "\u202e" not in html
    assert "⟨U+202E⟩" in html
    assert "\x1b" not in html


def test_ten_megabytes_are_not_all_drawn():
    html = answer_html("word " * 2_000_000)

    assert len(html) < 500_000
    assert "characters are not drawn" in html


def test_the_plain_text_of_a_run_holds_calls_code_output_and_answer_but_nothing_that_varies():
    steps = (
        Step(
            Reply("let me see", usage=Usage(10, 3), ttft_ms=1.5, total_ms=7.0),
            (
                ToolInvocation(
                    0, "exec_python", "id1", {"code": "x = 1\nprint(x)"}, Observation(ok=True, stdout="1\n", t_ms=5), ""
                ),
                ToolInvocation(1, "find", "id2", {"q": "a"}, Observation.failure("not there", t_ms=9), ""),
            ),
        ),
    )

    text = run_text(Run("It is **1**.", "max_iterations", Transcript(), steps, used_model="m", ttotal_ms=99.0))

    assert text == (
        "✓ exec_python\n    x = 1\n    print(x)\n    → 1\n✗ find\n"
        '    q="a"\n    → not there\nIt is **1**.\n[max_iterations]'
    )


def test_what_varies_is_marked_in_the_html():
    def html(ms):
        step = Step(
            Reply("", usage=Usage(int(ms), 3), ttft_ms=ms),
            (ToolInvocation(0, "t", str(ms), {}, Observation(ok=True, result="x", t_ms=ms), ""),),
        )
        return run_html(Run("a", "success", Transcript(), (step,), used_model="m", ttotal_ms=ms))

    blank = re.compile(r'<span class="la-vary">[^<]*</span>')

    assert html(1.0) != html(2222.0)
    assert blank.sub("", html(1.0)) == blank.sub("", html(2222.0))


def test_a_failed_call_is_open_and_a_good_one_closed():
    html = run_html(run_of("x"))

    assert '<details class="la-card la-failed" open>' in html
    assert '<details class="la-card la-ok">' in html


def test_three_hundred_calls_are_bounded():
    calls = tuple(invocation("y" * 30_000, ok=True) for _ in range(300))

    html = run_html(Run("a", "success", Transcript(), (Step(Reply(), calls),)))

    assert "100 more calls are not drawn" in html
    assert len(html) < 4_000_000


@pytest.mark.parametrize(
    ("cost", "words"),
    [(0.0, "free"), (None, "price unknown"), (0.0012, "$0.0012"), (2.5, "$2.50"), (1e-7, "< $0.0001")],
)
def test_money_in_words(cost, words):
    assert money(cost) == words


def test_what_stands_between_two_prices_is_no_formula():
    html = answer_html("It costs $5 and $10, [see](https://a.b/$5), while $x^2$ is one.")

    assert "<span>$</span>5 and <span>$</span>10" in html
    assert 'href="https://a.b/$5"' in html
    assert "$x^2$" in html
    assert html.startswith('<div class="la-answer mathjax_process">')


def test_a_dollar_of_our_own_is_none_either():
    assert framed("<p>$1 of $2</p>").startswith('<div class="la-run mathjax_ignore">')
