"""What a chat panel shows, without a view."""

from __future__ import annotations

from liteagent_nb.core.chat import Reply, ToolCall, Transcript, Usage
from liteagent_nb.core.steps import (
    ModelAsked,
    ReasoningDelta,
    Run,
    Step,
    StepDone,
    TextDelta,
    ToolFinished,
    ToolStarted,
)
from liteagent_nb.core.tools import Observation, ToolInvocation
from liteagent_nb.panels.chat_blocks import Blocks
from liteagent_nb.panels.chat_state import ChatState
from liteagent_nb.panels.chat_turns import Question, turn_bundle

CALL = ToolCall("a", "exec_python", '{"code": "print(6*7)"}')
NOTHING, FREE = Transcript(), Usage()
DONE = ToolInvocation(0, "exec_python", "a", {"code": "print(6*7)"}, Observation(ok=True, stdout="42"), "42")


def begun(text="hello", **question):
    state = ChatState()
    state.begin(Question(text, **question), now_s=0.0)
    state.patch(now_s=0.0)
    return state


def ended(state, question, answer, *, before=NOTHING, usage=FREE):
    run = Run(
        answer,
        "success",
        Transcript.of(f"after {answer}"),
        steps=(Step(Reply(text=answer, usage=usage)),),
        ttotal_ms=1500,
    )
    return state.end(question, run, before)


def test_nothing_is_sent_where_nothing_is_new():
    state = begun()

    assert state.patch(now_s=1.0) is None


def test_pieces_of_text_between_two_patches_come_as_one():
    state = begun()
    for word in ("one ", "two ", "three"):
        state.take(TextDelta(word), now_s=0.0)

    patch = state.patch(now_s=0.0)

    assert [change[2:] for change in patch["blocks"]] == [["add", "one two three"]]
    state.take(TextDelta(" four"), now_s=0.0)
    assert state.patch(now_s=0.0)["blocks"][0][2:] == ["add", " four"]


def test_a_view_that_applies_every_patch_shows_what_one_that_begins_later_is_sent():
    state = begun()
    shown = {"you": state.whole(now_s=0.0)["blocks"][0][3]}
    for event in (
        TextDelta("**so** "),
        TextDelta("it is"),
        ToolStarted(0, CALL),
        ToolFinished(DONE),
        TextDelta("<end>"),
    ):
        state.take(event, now_s=0.0)
        for _, block, how, content in (state.patch(now_s=0.0) or {}).get("blocks", ()):
            shown[block] = shown.get(block, "") + content if how == "add" else content

    assert list(shown.items()) == [(block, content) for _, block, _, content in state.whole(now_s=0.0)["blocks"]]
    assert "<strong>so</strong>" in shown["t1"]
    assert "la-ok" in shown["call-a"]
    assert shown["t3"] == "<end>"  # text, which the view puts there as text


def test_a_card_that_changed_twice_is_sent_once():
    state = begun()
    state.take(ToolStarted(0, CALL), now_s=0.0)
    state.take(ToolFinished(DONE), now_s=0.1)

    (change,) = state.patch(now_s=0.1)["blocks"]

    assert "la-ok" in change[3]


def test_what_the_question_says_is_no_html():
    state = ChatState()
    state.begin(Question("<img src=x onerror=alert(1)>", names=("<b>",)), now_s=0.0)

    html = state.patch(now_s=0.0)["blocks"][0][3]

    assert "<img" not in html
    assert "<b>" not in html


def test_a_call_that_asks_shows_all_its_arguments_and_runs_when_it_is_decided():
    code = "x = 1\n" * 9_000 + "import os; os.remove('/')"
    state = begun()
    state.take(ToolStarted(0, ToolCall.of("a", "exec_python", {"code": code})), now_s=0.0)

    number = state.ask_leave("exec_python", {"code": code})

    patch = state.patch(now_s=0.0)
    assert patch["fields"]["asks"] == [[number, "call-a", "exec_python"]]
    assert "asks whether it may run" in patch["fields"]["say"]
    assert "os.remove" in patch["blocks"][-1][3]
    assert "not drawn" not in patch["blocks"][-1][3]
    state.decided(number, now_s=2.0)
    after = state.patch(now_s=2.0)
    assert after["fields"]["asks"] == []
    assert "la-running" in after["blocks"][-1][3]


def test_two_calls_of_one_tool_that_ask_have_a_card_each():
    state = begun()
    for call_id in ("a", "b"):
        state.take(ToolStarted(0, ToolCall.of(call_id, "t", {"n": call_id})), now_s=0.0)

    numbers = [state.ask_leave("t", {"n": call_id}) for call_id in ("b", "a")]

    asks = state.patch(now_s=0.0)["fields"]["asks"]
    assert asks == [[numbers[0], "call-b", "t"], [numbers[1], "call-a", "t"]]


def test_a_spinner_goes_on_where_it_was_for_a_view_that_begins_later():
    state = begun()
    state.take(ModelAsked("toy", 0), now_s=5.0)
    state.take(ReasoningDelta("hmm"), now_s=6.0)

    status = state.whole(now_s=9.0)["fields"]["status"]

    assert status == {"text": "toy is thinking", "thought": "hmm", "for_s": 4.0}
    state.take(TextDelta("so"), now_s=10.0)
    assert state.patch(now_s=10.0)["fields"]["status"]["text"] == ""


def test_the_line_of_figures_counts_while_it_runs_and_over_all_turns():
    state, question = begun(), Question("hello")
    state.take(StepDone(Step(Reply(usage=Usage(1000, 20, 0.5)))), now_s=0.0)
    assert state.patch(now_s=0.0)["fields"]["line"][1:3] == ["1,000 + 20 tokens", "$0.5000"]

    ended(state, question, "a", usage=Usage(1000, 20, 0.5))
    state.begin(question, now_s=0.0)
    ended(state, question, "b", usage=Usage(1, 2, None))

    assert state.patch(now_s=0.0)["fields"]["line"] == ["2 questions", "1,001 + 22 tokens", "price unknown", "3.0 s"]


def test_a_question_that_is_asked_again_folds_away_what_came_after_and_goes_on_from_before_it():
    state = ChatState()
    for answer in ("one", "two"):
        before = state.transcript(0, Transcript())
        state.begin(Question(answer), now_s=0.0)
        ended(state, Question(answer), answer, before=before)
    again = Question("two, but better", replaces=2)

    before = state.transcript(again.replaces, Transcript())
    state.begin(again, now_s=0.0)
    turn, replaced = ended(state, again, "three", before=before)

    assert before == Transcript.of("after one")
    assert [one.number for one in replaced] == [2]
    assert [one.is_replaced for one in state.turns] == [False, True, False]
    assert turn.number == 3
    assert "la-replaced" in turn_bundle(replaced[0])["text/html"]
    assert turn_bundle(replaced[0])["text/plain"].endswith("[asked again]")


def test_questions_wait_in_a_queue_and_can_be_taken_back():
    state = ChatState()
    for text in ("first", "second", "third"):
        state.add(Question(text))

    state.drop(1)
    state.drop(7)

    assert state.patch(now_s=0.0)["fields"]["queue"] == ["first", "third"]
    assert state.next().text == "first"


def test_a_run_that_could_not_begin_leaves_a_notice_and_no_turn():
    state = begun()

    state.fail("no key · set one")

    fields = state.patch(now_s=0.0)["fields"]
    assert fields["notice"] == "no key · set one"
    assert fields["dropped"] == 1
    assert fields["running"] == 0
    assert state.turns == []


def test_a_turn_is_an_output_whose_text_is_the_same_each_time():
    state = begun("what is 6*7?\nquick")
    turn, _ = ended(state, Question("what is 6*7?\nquick"), "It is **42**.", usage=Usage(5, 6, 0.1))

    bundle = turn_bundle(turn)

    assert bundle["text/plain"] == "> what is 6*7?\n> quick\nIt is **42**."
    assert "<strong>42</strong>" in bundle["text/html"]
    assert 'class="la-run la-turn la-turn-1 mathjax_ignore"' in bundle["text/html"]
    assert "<script" not in bundle["text/html"]


def test_a_text_without_end_is_cut_for_the_view():
    blocks = Blocks(1)
    for _ in range(60):
        blocks.write("x" * 10_000)

    (change,) = blocks.changes()

    assert len(change[3]) < 410_000
    assert change[3].endswith("the Run has it all …")
