"""Pictures that code draws, and pictures that a task names, reach a model that sees: as strict providers take them."""

from __future__ import annotations

import base64
import io
import json
from contextlib import contextmanager

import pytest
from PIL import Image

from liteagent_nb import AgentConfig, Cassette, LocalMCPInvoker, Toolbox, Transcript
from liteagent_nb.assembly import Maker, run_wired, wired
from liteagent_nb.core.errors import ConfigError
from liteagent_nb.core.pictures import PICTURES_A_STEP, Picture
from liteagent_nb.core.tools import Observation
from liteagent_nb.kernels.contexts import Contexts
from liteagent_nb.kernels.run_context import RunContext
from liteagent_nb.models.litellm_model import LitellmModel
from liteagent_nb.testing import ScriptedModel, call, calls, check_request
from liteagent_nb.testing.provider import serving_provider

PLOT = "import matplotlib.pyplot as plt\nplt.figure(figsize=(3, 2))\nplt.plot([1, 3, 2])\nplt.show()\nprint('drawn')"


def png(colour="red", side=40):
    Image.new("RGB", (side, side), colour).save(buffer := io.BytesIO(), "PNG")
    return buffer.getvalue()


def draws(*colours):
    """Return a tool that shows pictures of these colours."""

    def draw() -> Observation:
        """Draw."""
        shown = [{"image/png": base64.b64encode(png(colour)).decode()} for colour in colours]
        outputs = tuple({"output_type": "display_data", "data": data, "metadata": {}} for data in shown)
        return Observation(ok=True, result="drawn", outputs=outputs)

    return draw


def parts_of(message):
    content = message.get("content")
    return content if isinstance(content, list) else []


def urls_in(messages):
    return [
        part["image_url"]["url"] for message in messages for part in parts_of(message) if part["type"] == "image_url"
    ]


def words_in(message):
    return " | ".join(part["text"] for part in parts_of(message) if part["type"] == "text")


def image_of(url):
    image = Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2])))
    image.load()
    return image


async def run(model, tools, task="go", cassette=None, stronger=None, **config):
    wires = wired(
        Maker(model.name, lambda: model),
        tools,
        stronger=stronger and Maker(stronger.name, lambda: stronger),
        cassette=cassette,
    )
    done = await run_wired(
        Transcript.of(task), wires, config=AgentConfig(**{"max_iterations": 6, **config}), watch=lambda _: None
    )
    check_request([*done.messages, {"role": "user", "content": "go on"}])
    return done


@contextmanager
def provider_of(*script):
    with serving_provider(*script) as provider:
        yield provider, LitellmModel("openai/test-model", {"api_base": provider.url, "api_key": provider.key})
        assert provider.violations == []


async def test_a_plot_of_an_agent_s_code_reaches_the_server_after_the_tool_s_reply():
    async with Contexts() as contexts:
        context = RunContext(contexts)
        tools = LocalMCPInvoker(executor=context, tool_timeout_sec=60)
        with provider_of(call("exec_python", code=PLOT), "a rise and a fall") as (provider, model):
            done = await run(model, tools, send_images=True, tool_timeout_sec=60)
        await context.aclose()

    sent = provider.requests[-1].body["messages"]
    assert done.final_answer == "a rise and a fall"
    assert [message["role"] for message in sent] == ["user", "assistant", "tool", "user"]
    assert sent[2]["content"] == "drawn\n[a picture (image/png) is shown to the user]\n"
    (url,) = urls_in(sent)
    assert image_of(url).width > 100
    assert "exec_python" in words_in(sent[3])
    assert sent[1]["tool_calls"][0]["id"] in words_in(sent[3])


async def test_a_model_that_is_not_known_to_see_is_asked_as_ever():
    with provider_of(call("draw"), "done") as (provider, model):
        await run(model, Toolbox([draws("red")]))

    assert [message["role"] for message in provider.requests[-1].body["messages"]] == ["user", "assistant", "tool"]


@pytest.mark.parametrize("name", ["openai/gpt-4o-mini", "anthropic/claude-sonnet-4-5"])
def test_litellm_s_map_tells_who_sees(name):
    assert LitellmModel(name, {"api_key": "k"}).sees_pictures is True


def test_litellm_s_map_tells_who_does_not_see_and_whom_it_does_not_know():
    assert LitellmModel("openai/gpt-3.5-turbo", {"api_key": "k"}).sees_pictures is False
    assert LitellmModel("openai/mine", {"api_key": "k", "api_base": "http://x/v1"}).sees_pictures is None


async def test_a_photo_is_made_small_and_its_size_before_and_after_is_told():
    def photo() -> Observation:
        """Take a photo."""
        Image.effect_noise((1200, 900), 80).save(buffer := io.BytesIO(), "PNG")
        data = {"image/png": base64.b64encode(buffer.getvalue()).decode()}
        return Observation(ok=True, result="taken", outputs=({"output_type": "display_data", "data": data},))

    model = ScriptedModel(call("photo"), "grey", sees_pictures=True)
    await run(model, Toolbox([photo]))

    shown = model.asked[-1].transcript.messages[-1]
    (url,) = urls_in([shown])
    assert len(base64.b64decode(url.partition(",")[2])) <= 64 * 1024
    assert "image/jpeg" in words_in(shown)
    assert "KB of " in words_in(shown)


async def test_what_a_function_returns_is_shown_where_it_is_a_picture():
    def red() -> Image.Image:
        """Return red."""
        return Image.new("RGB", (20, 10), "red")

    def curve():
        """Return a curve."""
        from matplotlib.figure import Figure

        figure = Figure(figsize=(3, 2))
        figure.subplots().plot([1, 2])
        return figure

    model = ScriptedModel(calls(call("red"), call("curve")), "seen", sees_pictures=True)
    done = await run(model, Toolbox([red, curve]))

    first, second = urls_in(model.asked[-1].transcript)
    assert image_of(first).size == (20, 10)
    assert image_of(second).width > 100
    assert [i.message for i in done.tool_invocations] == ["[a picture (image/png) is shown to the user]\n"] * 2
    assert done.tool_invocations[0].observation.outputs[0]["data"]["image/png"]


async def test_four_pictures_of_a_step_are_sent_and_the_model_is_told_of_the_others():
    model = ScriptedModel(calls(call("many"), call("draw")), "seen", sees_pictures=True)
    await run(model, Toolbox({"many": draws(*["red"] * 6), "draw": draws("blue")}))

    shown = model.asked[-1].transcript.messages[-1]
    assert len(urls_in([shown])) == PICTURES_A_STEP
    assert "2 more were shown to the user only" in words_in(shown)
    assert "not sent, since 4 of a step are the most" in words_in(shown)


async def test_a_picture_that_cannot_be_sent_is_named_with_its_reason():
    def broken() -> Observation:
        """Draw what is none."""
        outputs = (
            {"output_type": "display_data", "data": {"image/svg+xml": "<svg/>"}},
            {"output_type": "display_data", "data": {"image/png": "!!!"}},
            {"output_type": "display_data", "data": {"image/png": base64.b64encode(png()[:60]).decode()}},
            {
                "output_type": "display_data",
                "data": {"image/png": base64.b64encode(png()).decode(), "image/svg+xml": ""},
            },
            {"output_type": "display_data", "data": {"text/html": "<b>no picture</b>"}},
            {"output_type": "stream", "text": "none"},
        )
        return Observation(ok=True, result="drawn", outputs=outputs)

    model = ScriptedModel(call("broken"), "seen", sees_pictures=True)
    await run(model, Toolbox([broken]))

    shown = model.asked[-1].transcript.messages[-1]
    assert len(urls_in([shown])) == 1
    assert "cannot be sent: this is no picture that can be read, but SVG" in words_in(shown)
    assert words_in(shown).count("cannot be sent") == 3


async def test_send_images_false_keeps_pictures_from_a_model_that_sees():
    model = ScriptedModel(call("draw"), "done", sees_pictures=True)

    await run(model, Toolbox([draws("red")]), send_images=False)

    assert urls_in(model.asked[-1].transcript) == []


async def test_a_stronger_model_that_cannot_see_is_spared_the_pictures():
    model = ScriptedModel(call("draw"), name="eyes", sees_pictures=True)
    blind = ScriptedModel("done", name="blind", sees_pictures=False)

    done = await run(model, Toolbox([draws("red")]), stronger=blind, max_iterations=2, escalate_on_budget_exceeded=True)

    assert done.used_model == "blind"
    assert [message["role"] for message in blind.asked[0].transcript] == ["user", "assistant", "tool"]
    assert urls_in(done.messages)


def task_with(url):
    return [
        {
            "role": "user",
            "content": [{"type": "text", "text": "what?"}, {"type": "image_url", "image_url": {"url": url}}],
        }
    ]


URL = "data:image/png;base64," + base64.b64encode(png()).decode()


async def test_a_task_with_a_picture_is_refused_for_a_model_that_cannot_see_before_anything_is_sent():
    model = ScriptedModel("?", sees_pictures=False, name="blind")

    with pytest.raises(ConfigError, match="the task has a picture, but blind cannot see") as caught:
        await run(model, None, task=task_with(URL))

    assert model.asked == []
    assert "gpt-4o-mini" in caught.value.hint


@pytest.mark.parametrize("entry", [None, {}, {"id": "a-deployment"}])
async def test_a_task_with_a_picture_goes_to_a_model_of_which_nobody_knows(monkeypatch, entry):
    import litellm

    with provider_of("a red square") as (provider, model):
        for name in ("test-model", model.name):  # as a Router enters its deployments
            monkeypatch.delitem(litellm.model_cost, name, raising=False)
            if entry is not None:
                monkeypatch.setitem(litellm.model_cost, name, entry)
        await run(model, None, task=task_with(URL))

    assert urls_in(provider.requests[0].body["messages"]) == [URL]


async def test_pictures_of_earlier_questions_become_words_for_a_model_that_cannot_see():
    earlier = [*task_with(URL), {"role": "assistant", "content": "red"}, {"role": "user", "content": "and now?"}]
    model = ScriptedModel("blue", sees_pictures=False)

    done = await run(model, None, task=earlier)

    sent = model.asked[0].transcript.messages
    assert sent[0]["content"] == "what?\n[a picture was here; it is left out]"
    assert urls_in(done.messages) == [URL]  # the conversation keeps it


async def test_old_pictures_are_left_out_first_and_the_newest_is_kept():
    model = ScriptedModel(*[call("draw")] * 5, "done", sees_pictures=True)

    await run(model, Toolbox([draws("red", "blue")]), max_iterations=8, stagnation_window=9, hard_char_budget=15_000)

    last = model.asked[-1].transcript.messages
    shown = [message for message in last if message["role"] == "user"][1:]
    assert len(shown) == 5
    assert [len(urls_in([message])) for message in shown] == [0, 0, 0, 2, 2]
    assert "left out" in shown[0]["content"]
    assert [message["content"] for message in last if message["role"] == "tool"] == ["drawn"] * 5


async def test_pictures_go_with_their_calls_where_messages_are_dropped():
    model = ScriptedModel(*[call("draw")] * 5, "done", sees_pictures=True)

    await run(
        model, Toolbox([draws("red")]), max_iterations=8, stagnation_window=9, max_history_messages=7, task="the task"
    )

    last = model.asked[-1].transcript.messages
    assert [message["role"] for message in last] == ["user", *["assistant", "tool", "user"] * 2]
    assert last[0]["content"] == "the task"


async def test_a_run_with_pictures_is_replayed_without_making_them_anew(tmp_path):
    path = tmp_path / "seen.cassette.json"
    model = ScriptedModel(call("draw"), "red it is", sees_pictures=True)
    await run(model, Toolbox([draws("red")]), cassette=Cassette(path, "record"))
    text = path.read_text()

    def draw() -> Observation:
        """Draw."""
        raise AssertionError("nothing is called in a replay")

    done = await run(ScriptedModel(), Toolbox([draw]), cassette=Cassette(path, "replay"))

    assert done.final_answer == "red it is"
    assert urls_in(done.messages) == urls_in(model.asked[-1].transcript)
    assert done.tool_invocations[0].observation.pictures[0].url.startswith("data:image/png")
    assert json.loads(text)["seeing"] == ["scripted"]
    assert "data:image/png;sha256," in text
    assert text.count(base64.b64encode(png("red")).decode()) == 2  # what was shown, and what was sent


async def test_a_recording_without_pictures_is_written_as_ever(tmp_path):
    path = tmp_path / "plain.cassette.json"
    await run(ScriptedModel("hello"), None, cassette=Cassette(path, "record"))

    assert list(json.loads(path.read_text())) == ["liteagent_cassette", "prices", "tracks", "tools"]


async def test_chance_finds_no_secret_in_pixels(monkeypatch, tmp_path):
    """Base64 may hold anything, a key's first letters too."""
    body = "AAAA/AKIA" + "A" * 40 + "/sk" * 5 + "A" * 4
    monkeypatch.setenv("SOME_SECRET", "A" * 20)
    url = f"data:image/png;base64,{body}"

    def look() -> Observation:
        """Look."""
        output = {"output_type": "display_data", "data": {"image/png": body, "text/plain": "A" * 20}}
        return Observation(ok=True, result="x", outputs=(output,), pictures=(Picture(url, "a picture"),))

    cassette = Cassette(tmp_path / "s.cassette.json", "record")
    done = await run(ScriptedModel(call("look"), "y", sees_pictures=True), Toolbox([look]), cassette=cassette)

    observation = done.tool_invocations[0].observation
    assert observation.pictures[0].url == url
    assert observation.outputs[0]["data"] == {"image/png": body, "text/plain": "***"}
