"""`%agent panel` and AgentPanel in a real IPython shell; the view is the test."""

from __future__ import annotations

import functools
import threading

import pytest
from PIL import Image

from liteagent_nb import AgentPanel
from liteagent_nb.core.errors import ConfigError
from liteagent_nb.testing import ScriptedModel, call, endless

WAIT_S = 20


class View:
    """The other end of a panel's widget: keeps what it is sent, and what the fields and blocks come to."""

    def __init__(self, panel):
        self.panel = panel
        self.sent = []
        self.fields = {}
        self.blocks = {}
        self.news = threading.Condition()
        panel._view._widget.send = self.take

    def take(self, message):
        with self.news:
            self.sent.append(message)
            self.fields.update(message.get("fields", {}))
            for run, block, how, content in message.get("blocks", ()):
                before = self.blocks.get((run, block), "") if how == "add" else ""
                self.blocks[run, block] = before + content
            self.news.notify_all()

    def says(self, do, **more):
        self.panel._view._on_message({"do": do, **more})

    def until(self, holds):
        with self.news:
            assert self.news.wait_for(lambda: holds(self), WAIT_S), self.fields

    def answer(self, name):
        self.until(lambda view: any(name in message for message in view.sent))
        return next(message[name] for message in reversed(self.sent) if name in message)

    @property
    def text(self):
        return "".join(self.blocks.values())


@pytest.fixture
def chat(new_notebook):
    """Return a function that shows a panel with this model, and its view."""
    opened = []

    def show(*replies, options="", names=None, **kwargs):
        notebook = new_notebook(model=ScriptedModel(*replies, **kwargs), **(names or {}))
        panel = notebook.run(f"%agent panel -m model {options}")
        opened.append(panel)
        view = View(panel)
        view.says("hello")
        view.until(lambda view: view.fields)
        return notebook, panel, view

    yield show
    for panel in opened:
        panel.stop()
        panel.wait(WAIT_S)
        panel.close()


def turns_of(notebook):
    return [output["data"]["text/plain"] for output in notebook.shell.display_pub.outputs[1:]]


def test_a_turn_is_streamed_to_the_view_and_published_as_an_output_of_the_notebook(chat):
    notebook, panel, view = chat("It is **four**.", chunk_chars=2)
    notebook.shell.display_pub.outputs.clear()
    panel._ipython_display_()

    view.says("ask", text="2+2?")

    run = panel.wait(WAIT_S)
    assert run.final_answer == "It is **four**."
    assert notebook.ns["_agent_run"] is run
    view.until(lambda view: view.fields["turns"])
    assert "It is **four**." in view.text
    assert turns_of(notebook) == ["> 2+2?\nIt is **four**."]
    assert len(notebook.run("%agent cost")) == 1


def test_its_output_says_the_same_each_time_and_holds_no_state(chat):
    notebook, panel, _ = chat("never")
    notebook.shell.display_pub.outputs.clear()

    panel._ipython_display_()

    (output,) = notebook.shell.display_pub.outputs
    data = output["data"]
    assert data["text/plain"] == "A chat with an agent: run this cell to go on with it."
    assert data["text/markdown"] == f"*{data['text/plain']}*"
    assert set(data) == {"application/vnd.jupyter.widget-view+json", "text/plain", "text/markdown"}
    assert len(str(panel._view._widget.get_state().keys())) < 2_000


def test_a_stop_keeps_what_came_and_what_waits_comes_next(chat):
    _, panel, view = chat(endless("word "), "the second answer")
    view.says("ask", text="talk")
    view.says("ask", text="and this?")
    view.until(lambda view: "word word" in view.text and view.fields["queue"] == ["and this?"])

    view.says("stop")

    panel.wait(WAIT_S)
    assert [run.stopped_reason for run in panel.runs] == ["cancelled", "success"]
    assert panel.runs[0].final_answer.startswith("word word")
    assert panel.runs[1].final_answer == "the second answer"


def test_a_call_waits_for_its_answer_and_always_means_always(chat):
    script = (call("exec_python", code="print(6*7)"), call("exec_python", code="print(1)"), "done")
    _, panel, view = chat(*script, options="--ask exec_python")
    view.says("ask", text="go")
    view.until(lambda view: view.fields["asks"])
    assert "la-asking" in view.text

    view.says("decide", number=view.fields["asks"][0][0], verdict="always")

    run = panel.wait(WAIT_S)
    assert [invocation.stdout.strip() for invocation in run.tool_invocations] == ["42", "1"]


def test_a_refused_call_is_not_run_and_a_stop_ends_the_asking(chat):
    ran = []
    names = {"touch": lambda: ran.append(1)}
    names["touch"].__name__ = "touch"
    _, panel, view = chat(call("touch"), "then not", call("touch"), options="--tool touch --ask all", names=names)
    view.says("ask", text="go")
    view.until(lambda view: view.fields["asks"])
    view.says("decide", number=view.fields["asks"][0][0], verdict="no")
    assert panel.wait(WAIT_S).final_answer == "then not"

    view.says("ask", text="again")
    view.until(lambda view: view.fields["asks"])
    view.says("stop")

    assert panel.wait(WAIT_S).stopped_reason == "cancelled"
    assert ran == []
    view.until(lambda view: view.fields["asks"] == [])


def test_an_edited_question_goes_on_from_there_and_the_old_turn_is_folded_away(chat):
    notebook, panel, view = chat("one", "two", "better")
    model = notebook.ns["model"]
    for text in ("first", "second"):
        panel.ask(text).wait(WAIT_S)
    view.says("edit", n=2)
    assert view.answer("edit") == {"n": 2, "text": "second"}

    view.says("ask", text="second, but better", replaces=2)

    panel.wait(WAIT_S)
    assert [run.final_answer for run in panel.runs] == ["one", "better"]
    assert [message["content"] for message in model.asked[-1].transcript] == ["first", "one", "second, but better"]
    assert any(output.get("update") and "[asked again]" in str(output) for output in notebook.shell.display_pub.outputs)


def test_another_model_may_answer_the_same_question_again(chat):
    notebook, panel, view = chat("from the first")
    notebook.ns["other"] = ScriptedModel("from the other")
    panel.ask("who?").wait(WAIT_S)

    view.says("retry", n=1, model="other")

    assert panel.wait(WAIT_S).final_answer == "from the other"
    assert len(panel.runs) == 1


def test_variables_go_with_a_question_by_their_names_pictures_as_pictures(chat):
    names = {"table": {"a": 1}, "photo": Image.new("RGB", (20, 10))}
    notebook, panel, view = chat("seen", names=names, sees_pictures=True)
    view.says("names")
    assert view.answer("names")[0] == ["photo", "Image"]

    view.says("ask", text="What is $photo, and not $5 or $nothing?", names=["table"])

    panel.wait(WAIT_S)
    text, picture = notebook.ns["model"].asked[0].transcript.messages[-1]["content"]
    assert text["text"].startswith("What is `photo`, and not $5 or $nothing?\n\n`table`")
    assert "'a': 1" in text["text"]
    assert picture["image_url"]["url"].startswith("data:image/")


def test_a_question_that_cannot_be_run_is_said_and_the_next_one_is_answered(chat):
    _, panel, view = chat("fine", options="--ask nonsense")

    view.says("ask", text="go")

    view.until(lambda view: "no tool is named nonsense" in view.fields["notice"])
    assert panel.wait(WAIT_S) is None
    view.says("ask", text="look at $`missing`")
    view.until(lambda view: "no missing" in view.fields["notice"])


def test_a_view_that_begins_later_is_sent_all_there_is(chat):
    _, panel, view = chat("one", endless("word "))
    panel.ask("first").wait(WAIT_S)
    panel.ask("second")
    view.until(lambda view: "word word" in view.text)
    later = View(panel)

    later.says("hello")

    later.until(lambda view: "word word" in view.text)
    whole = next(message for message in later.sent if message.get("whole"))
    assert [turn["label"] for turn in whole["fields"]["turns"]] == ["first"]
    assert whole["fields"]["running"] == 2
    later.says("turn", n=1)
    assert "la-you" in later.answer("turn")["html"]


def test_copy_code_and_exports_are_answered(chat):
    notebook, panel, view = chat("Use:\n```python\nx = 1\n```")
    panel.ask("how?").wait(WAIT_S)

    for do in ("copy", "code", "cells", "markdown", "notebook"):
        view.says(do, n=1)

    assert view.answer("copy") == "Use:\n```python\nx = 1\n```"
    assert {"cells": [{"kind": "code", "source": "x = 1"}]} in view.sent
    assert {"file": {"name": "chat.md", "text": panel.to_markdown()}} in view.sent
    assert any(message.get("file", {}).get("name") == "chat.ipynb" for message in view.sent)
    view.says("next", cells=[{"kind": "code", "source": "x = 1"}])
    assert notebook.next_cell == "x = 1"


def test_the_models_that_may_be_picked_say_whether_their_key_is_set(chat, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-something-long")
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    _, _, view = chat("never")

    view.says("model", name="groq/llama")

    view.until(lambda view: view.fields["model"] == "groq/llama")
    groups = dict(view.fields["models"])
    assert ["model", ""] in groups["This notebook"]
    providers = dict(groups["Providers"])
    assert providers["openai/gpt-5"] == "key is set"
    assert providers["anthropic/claude-sonnet-4-5"] == providers["groq/llama"] == "no key is set"
    assert "sk-something" not in str(view.sent)


def test_a_cell_that_is_run_again_goes_on_with_its_chat(chat):
    notebook, panel, _ = chat("one")
    panel.ask("first").wait(WAIT_S)

    assert notebook.run("%agent panel -m model") is panel
    assert notebook.run("%agent panel") is panel
    assert turns_of(notebook)
    other = notebook.run("%agent panel --fresh -o kept")
    assert other is not panel
    assert notebook.ns["kept"] is other


def test_objects_may_stand_for_names_and_a_wrong_option_is_refused(new_notebook):
    notebook = new_notebook(ScriptedModel=ScriptedModel, call=call)
    magics = notebook.shell.magics_manager.registry["AgentMagics"]
    notebook.ns["AgentPanel"] = functools.partial(AgentPanel, magics=magics)
    notebook.run(
        "def double(n: int) -> int:\n    return 2 * n\n"
        "panel = AgentPanel(model=ScriptedModel(call('double', n=21), 'ok'), tool=[double])\n"
        f"run = panel.ask('go').wait({WAIT_S})"
    )

    assert notebook.ns["run"].tool_invocations[0].result == 42
    assert "there is no option tools" in str(notebook.fails("AgentPanel(tools=[1])", ConfigError))
    assert "a cell cannot ask" in str(notebook.fails("%agent --ask all hello", ConfigError))
