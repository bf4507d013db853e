"""`%%agent --image`: a figure, an image, an array, a file or an address goes with the task, small enough to send."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image

from liteagent_nb.core.errors import ConfigError
from liteagent_nb.panels.run_view import run_html
from liteagent_nb.testing import ScriptedModel, call


def model_in(notebook, *replies, sees=True):
    model = notebook.ns["model"] = ScriptedModel(*replies, sees_pictures=sees)
    return model


def asked_of(model):
    """Return the text and the images of the last question's last message."""
    content = model.asked[-1].transcript.messages[-1]["content"]
    urls = [part["image_url"]["url"] for part in content if part["type"] == "image_url"]
    return content[0]["text"], [Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))) for url in urls]


def figure():
    from matplotlib.figure import Figure

    drawn = Figure(figsize=(4, 3))
    drawn.subplots().plot([1, 3, 2])
    return drawn


def test_a_variable_of_any_kind_is_shown(notebook, tmp_path):
    model = model_in(notebook, *"abcd")
    path = tmp_path / "a.png"
    Image.new("RGB", (40, 30), "red").save(path)
    notebook.ns.update(
        fig=figure(), img=Image.new("RGB", (40, 30), "red"), arr=np.zeros((30, 40)), where=path, wide=figure()
    )

    for name in ("fig", "img", "arr", "where"):
        notebook.run(f"%agent -m model --image {name} what is it?")
        text, (image,) = asked_of(model)

        assert text == "what is it?"
        assert image.size == (40, 30) if name != "fig" else image.width > 200


def test_the_value_of_a_variable_is_shown_too(notebook):
    model = model_in(notebook, "red")
    notebook.ns.update(img=Image.new("RGB", (7, 7)))

    notebook.run("%agent -m model --image $img what is it?")

    assert asked_of(model)[1][0].size == (7, 7)
    assert "shows Image: image/png, 7 x 7" in notebook.shown


def test_several_pictures_go_in_the_order_they_are_named_and_references_still_work(notebook):
    model = model_in(notebook, "red, then blue")
    notebook.ns.update(a=Image.new("RGB", (9, 9), "red"), b=Image.new("RGB", (8, 8), "blue"), n=5)

    notebook.run("%%agent -m model --image a --image=b\nCompare $`n` of them")

    text, images = asked_of(model)
    assert text == "Compare `n` (int: 5) of them"
    assert [image.size for image in images] == [(9, 9), (8, 8)]


def test_a_file_is_shown_by_its_path(notebook, tmp_path):
    model = model_in(notebook, "red")
    path = tmp_path / "my picture.png"
    Image.new("RGB", (12, 10), "red").save(path)

    notebook.run(f'%agent -m model --image "{path}" what is it?')

    assert asked_of(model)[1][0].size == (12, 10)


def test_a_variable_goes_before_a_file_of_that_name(notebook, tmp_path, monkeypatch):
    model = model_in(notebook, "red")
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (12, 10), "red").save("img", "PNG")
    notebook.ns["img"] = Image.new("RGB", (5, 5))

    notebook.run("%agent -m model --image img what is it?")

    assert asked_of(model)[1][0].size == (5, 5)


def test_the_line_says_what_is_sent_and_how_large_it_is(notebook, tmp_path):
    model_in(notebook, "grey")
    path = tmp_path / "noise.png"
    Image.effect_noise((1500, 1000), 90).save(path)

    notebook.run(f"%agent -m model --image {path} what is it?")

    assert f"shows {path}: image/jpeg, " in notebook.shown
    assert "KB of 1," in notebook.shown


@pytest.mark.parametrize(
    ("option", "said", "hint"),
    [
        ("imh", "no such variable, and no such file", "did you mean img?"),
        ("nowhere/at/all.png", "no such variable, and no such file", "path"),
        ("number", "int is no picture", "path, bytes"),
        ("img.nothing", "there is no nothing", "run the cell"),
        ("text", "cannot be read", "path"),
        ("http://127.0.0.1:9/a.png", "private address", "allow_private"),
    ],
)
def test_what_cannot_be_shown_is_an_error_before_anything_is_sent(notebook, option, said, hint):
    model = model_in(notebook, "never")
    notebook.ns.update(img=Image.new("RGB", (5, 5)), number=5, text="/nowhere/b.png")

    error = notebook.fails(f"%agent -m model --image {option} what is it?", ConfigError)

    assert said in str(error)
    assert option in str(error)
    assert hint in error.hint
    assert model.asked == []


def test_a_model_that_cannot_see_is_refused_with_a_remedy(notebook):
    model = model_in(notebook, "never", sees=False)
    notebook.ns["img"] = Image.new("RGB", (5, 5))

    error = notebook.fails("%agent -m model --image img what is it?", ConfigError)

    assert "cannot see" in str(error)
    assert "--model openai/gpt-4o-mini" in error.hint
    assert "%config AgentMagics.send_images = True" in error.hint
    assert model.asked == []


def test_the_embedded_model_cannot_see_and_says_so_without_loading(notebook):
    notebook.ns["img"] = Image.new("RGB", (5, 5))

    assert "local/smollm2 cannot see" in str(notebook.fails("%agent --image img what is it?", ConfigError))


def test_config_lets_a_picture_go_to_a_model_all_the_same(notebook):
    model = model_in(notebook, "red", sees=False)
    notebook.ns["img"] = Image.new("RGB", (5, 5), "red")

    notebook.run("%config AgentMagics.send_images = True")
    notebook.run("%agent -m model --image img what is it?")

    assert asked_of(model)[1]


def test_the_conversation_keeps_the_picture_for_the_next_question(notebook):
    model = model_in(notebook, "red", "five by five")
    notebook.ns["img"] = Image.new("RGB", (5, 5), "red")

    notebook.run("%agent -m model --image img what is it?")
    notebook.run("%agent -m model how large is it?")

    first, _, last = model.asked[-1].transcript.messages
    assert first["content"][1]["type"] == "image_url"
    assert last["content"] == "how large is it?"
    notebook.run("%agent history")
    assert "base64" not in notebook.shown


def test_a_picture_that_a_tool_returns_is_drawn_once(notebook):
    def red():
        """Return red."""
        return Image.new("RGB", (20, 10), "red")

    model_in(notebook, call("red"), "red")
    notebook.ns["red"] = red

    run = notebook.run("%agent -m model --tool red show it")

    assert run_html(run).count("<img") == 1
    assert len(run.messages[-2]["content"]) == 3


def test_help_names_it(notebook, capsys):
    notebook.run("%agent --help")

    assert "--image" in capsys.readouterr().out
