"""The agent as a model for OpenAI's clients: the official one, litellm, and another maker's notebook assistant."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import httpx
import litellm
import openai
import pytest
from agent_server import AUTH, TOKEN, Parrot, asking
from exec_server import ENV, serving

from liteagent_nb import AgentConfig
from liteagent_nb.core.chat import Reply, Usage
from liteagent_nb.services.agent_proxy import create_app
from liteagent_nb.testing import call, calls
from liteagent_nb.testing.provider import serving_provider

WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather of a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
        "strict": True,
    },
}
README = (Path(__file__).parent.parent.parent / "README.md").read_text()
PICTURE = [
    {"type": "text", "text": "What is this?"},
    {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}},
]


@pytest.fixture(scope="module")
def parrot():
    return Parrot()


@pytest.fixture(scope="module")
def url(parrot):
    with serving(create_app(model="parrot", models=[parrot], token=TOKEN)) as url:
        yield url


@pytest.fixture(params=["/v1", ""], ids=["v1", "bare"])
def client(url, request):
    with openai.OpenAI(base_url=url + request.param, api_key=TOKEN, max_retries=0) as client:
        yield client


def chat(client, text="What is it?", model="mini", **more):
    return client.chat.completions.create(model=model, messages=[{"role": "user", "content": text}], **more)


def test_an_answer_has_content_usage_and_a_finish_reason(client, parrot):
    script = parrot.says(Reply(text="Hello.", usage=Usage(7, 3), finish_reason="stop"))

    answer = chat(client)

    assert answer.choices[0].message.content == "Hello."
    assert answer.choices[0].finish_reason == "stop"
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens, answer.usage.total_tokens) == (7, 3, 10)
    assert answer.model == "parrot"
    assert answer.id.startswith("chatcmpl-")
    assert "exec_python" in [tool.name for tool in script.asked[0].tools]


def test_the_agent_behind_it_uses_its_own_tools_and_its_usage_is_the_whole_runs(client, parrot):
    parrot.says(calls(call("compress_runs", s="aab")), Reply(text="a2b1.", usage=Usage(70, 30)))

    answer = chat(client)

    assert answer.choices[0].message.content == "a2b1."
    assert answer.choices[0].message.tool_calls is None
    assert answer.usage.prompt_tokens > 70
    assert answer.liteagent["tool_calls"] == 1


def test_a_stream_comes_in_pieces_and_says_its_usage_where_it_is_asked(client, parrot):
    parrot.says(Reply(text="one two three", usage=Usage(7, 3)), chunk_chars=4)

    chunks = list(chat(client, stream=True, stream_options={"include_usage": True}))

    texts = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices and chunk.choices[0].delta.content]
    assert texts == ["one ", "two ", "thre", "e"]
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"
    assert chunks[-1].choices == []
    assert chunks[-1].usage.total_tokens == 10
    assert all(chunk.usage is None for chunk in chunks[:-1])
    assert len({chunk.id for chunk in chunks}) == 1


def test_a_stream_ends_with_done_and_without_usage_where_nobody_asks(url, parrot):
    parrot.says("Hello.")

    text = httpx.post(f"{url}/v1/chat/completions", json=asking(stream=True), headers=AUTH).text

    assert text.endswith("data: [DONE]\n\n")
    assert "usage" not in text


def test_what_is_said_before_and_after_tools_is_streamed_apart(client, parrot):
    parrot.says(calls(call("compress_runs", s="aab"), text="Let me see."), "a2b1.")

    chunks = list(chat(client, stream=True))

    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "Let me see.\n\na2b1."


def test_an_answer_that_a_tool_gave_is_streamed_too(url, client, parrot):
    parrot.says(*[call("compress_runs", s="aab")] * 8)

    chunks = list(chat(client, stream=True))

    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "a2b1"
    assert chunks[-1].choices[0].finish_reason == "length"


@pytest.mark.parametrize("is_streamed", [False, True])
def test_the_clients_own_tools_are_called_by_the_client(client, parrot, is_streamed):
    script = parrot.says(
        calls(call("weather", city="Rome"), call("weather", city="Oslo"), text="I look."), "Warm, cold."
    )
    messages = [{"role": "user", "content": "Where is it warm?"}]

    if is_streamed:
        with client.chat.completions.stream(model="mini", messages=messages, tools=[WEATHER]) as stream:
            choice = stream.get_final_completion().choices[0]
    else:
        choice = client.chat.completions.create(model="mini", messages=messages, tools=[WEATHER]).choices[0]
    asked = choice.message.tool_calls
    messages += [
        {"role": "assistant", "content": choice.message.content, "tool_calls": [one.model_dump() for one in asked]},
        *({"role": "tool", "tool_call_id": one.id, "content": "warm"} for one in asked),
    ]
    last = client.chat.completions.create(model="mini", messages=messages, tools=[WEATHER])

    assert choice.finish_reason == "tool_calls"
    assert choice.message.content == "I look."
    assert [json.loads(one.function.arguments) for one in asked] == [{"city": "Rome"}, {"city": "Oslo"}]
    assert len({one.id for one in asked}) == 2
    assert last.choices[0].message.content == "Warm, cold."
    assert last.choices[0].finish_reason == "stop"
    assert [tool.to_openai() for tool in script.asked[0].tools] == [WEATHER]
    assert [message["role"] for message in script.asked[1].transcript] == ["user", "assistant", "tool", "tool"]


def test_a_client_that_wants_no_tools_gets_none(client, parrot):
    script = parrot.says("Hello.")

    chat(client, tool_choice="none")

    assert script.asked[0].tools == ()


async def test_the_async_client_streams(url, parrot):
    parrot.says("one two three", chunk_chars=4)

    async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key=TOKEN, max_retries=0) as client:
        stream = await client.chat.completions.create(model="mini", messages=asking()["messages"], stream=True)
        texts = [chunk.choices[0].delta.content or "" async for chunk in stream]

    assert "".join(texts) == "one two three"


def test_pictures_and_parameters_reach_the_model(client, parrot):
    script = parrot.says("A dot.")
    wanted = {
        "temperature": 0.2, "top_p": 0.9, "max_tokens": 5, "seed": 7, "stop": ["x"], "user": "me",
        "response_format": {"type": "json_object"}, "presence_penalty": 0.1, "frequency_penalty": 0.1,
    }  # fmt: skip

    client.chat.completions.create(model="mini", messages=[{"role": "user", "content": PICTURE}], **wanted)

    assert script.asked[0].transcript.messages[0]["content"] == PICTURE
    assert script.asked[0].settings == wanted


def test_a_long_conversation_reaches_the_model_whole(client, parrot):
    script = parrot.says("Yes.")
    messages = [{"role": ("user", "assistant")[n % 2], "content": "x" * 1000} for n in range(101)]

    client.chat.completions.create(model="mini", messages=messages)

    assert list(script.asked[0].transcript) == messages


def test_any_name_is_the_default_model_and_a_providers_is_asked_itself(client, parrot, monkeypatch):
    with serving_provider("From afar.") as provider:
        monkeypatch.setenv("OPENAI_API_BASE", provider.url)
        monkeypatch.setenv("OPENAI_API_KEY", provider.key)
        parrot.says("Near.", "Near.")

        said = [
            chat(client, model=name).choices[0].message.content for name in ("gpt-4o", "parrot", "openai/test-model")
        ]

    assert said == ["Near.", "Near.", "From afar."]
    assert provider.violations == []


def test_the_models_are_those_that_are_configured(client):
    assert "parrot" in [model.id for model in client.models.list()]
    assert "dummy" not in [model.id for model in client.models.list()]


@pytest.mark.parametrize(
    ("more", "kind", "words"),
    [
        ({"n": 2}, openai.UnprocessableEntityError, "one answer at a time"),
        ({"logprobs": True}, openai.UnprocessableEntityError, "logprobs"),
        ({"extra_body": {"magic": 1}}, openai.UnprocessableEntityError, "magic"),
        ({"tool_choice": "required"}, openai.UnprocessableEntityError, "no `tools`"),
        ({"model": "nowhere/model"}, openai.NotFoundError, "did you mean"),
        ({"model": "dummy"}, openai.BadRequestError, "MINI_AGENT_ALLOW_DUMMY"),
    ],
)
def test_what_cannot_be_done_is_an_error_of_openais(client, monkeypatch, more, kind, words):
    monkeypatch.delenv("MINI_AGENT_ALLOW_DUMMY", raising=False)

    with pytest.raises(kind, match=words) as caught:
        chat(client, **more)

    assert set(caught.value.body) == {"message", "type", "param", "code"}
    assert caught.value.body["type"] == "invalid_request_error"


def test_refusals_of_the_guard_and_of_unknown_paths_have_openais_shape_too(url):
    wrong = openai.OpenAI(base_url=f"{url}/v1", api_key="wrong", max_retries=0)

    with pytest.raises(openai.AuthenticationError) as caught:
        chat(wrong)
    missing = httpx.get(f"{url}/v1/nowhere", headers=AUTH)
    wrong.close()

    assert caught.value.body["type"] == "authentication_error"
    assert set(missing.json()["error"]) == {"message", "type", "param", "code"}


@pytest.mark.parametrize("is_streamed", [False, True])
def test_litellm_uses_it_as_any_server(url, parrot, is_streamed):
    parrot.says(calls(call("compress_runs", s="aab")), "a2b1.", chunk_chars=2)

    answer = litellm.completion(
        "openai/mini", asking()["messages"], api_base=f"{url}/v1", api_key=TOKEN, stream=is_streamed, max_retries=0
    )

    if is_streamed:
        assert "".join(chunk.choices[0].delta.content or "" for chunk in answer) == "a2b1."
    else:
        assert answer.choices[0].message.content == "a2b1."
        assert answer.usage.total_tokens > 0


def test_another_makers_notebook_assistant_asks_it(url, parrot, tmp_path):
    parrot.says("It is **42**.", "As I said, 42.")
    script = textwrap.dedent(f"""
        from IPython.core.interactiveshell import InteractiveShell
        shell = InteractiveShell.instance()
        shell.run_line_magic("load_ext", "jupyter_ai_magic_commands")
        shell.run_line_magic("ai", "alias agent openai/mini --api-base {url}/v1")
        for task in ("What is 6 * 7?", "Are you sure?"):
            print(shell.run_cell_magic("ai", "agent", task).data)
    """)
    env = ENV | {"OPENAI_API_KEY": TOKEN, "LITELLM_LOCAL_MODEL_COST_MAP": "True", "IPYTHONDIR": str(tmp_path)}

    done = subprocess.run(
        [sys.executable, "-c", script], env=env, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )

    assert "It is **42**." in done.stdout, done.stderr[-2000:]
    assert "As I said, 42." in done.stdout
    assert [m["role"] for m in parrot.script.asked[1].transcript] == ["user", "assistant", "user"]


def test_an_echo_answers_at_once_and_says_what_it_is(parrot, monkeypatch):
    monkeypatch.setenv("MINI_AGENT_OPENAI_SHIM_MODE", "echo")
    script = parrot.says()
    with serving(create_app(model="parrot", models=[parrot], token=TOKEN)) as url:
        client = openai.OpenAI(base_url=f"{url}/v1", api_key=TOKEN)
        answer = chat(client, "ping", model="openai/gpt-4o")
        chunks = list(chat(client, "ping", stream=True))
        names = [model.id for model in client.models.list()]
        client.close()

    assert answer.choices[0].message.content == "[echo, no model was asked] ping"
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "[echo, no model was asked] ping"
    assert (answer.model, names) == ("echo", ["echo"])
    assert script.asked == []


def test_the_limits_of_chat_completions_are_the_services(parrot):
    parrot.says(*[call("compress_runs", s="aab")] * 3)
    config = AgentConfig(max_iterations=2)
    with serving(create_app(model="parrot", models=[parrot], config=config, token="")) as url:
        said = httpx.post(f"{url}/v1/chat/completions", json=asking()).json()

    assert said["liteagent"]["iterations"] == 2
    assert said["choices"][0]["finish_reason"] == "length"


def test_the_readmes_lines_do_what_it_says(url, parrot):
    section = README.partition("## The agent over HTTP")[2].partition("\n## ")[0].replace("http://127.0.0.1:8788", url)
    _, python, curl = re.findall(r"^```\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    parrot.says(*[call("exec_python", code="print(1234 * 5678)"), "7006652"] * 2)

    ran = subprocess.run(
        [sys.executable, "-c", f"TOKEN = {TOKEN!r}\n{python}"], capture_output=True, text=True, check=True
    )
    curled = subprocess.run(
        ["bash", "-c", curl], env=ENV | {"TOKEN": TOKEN}, capture_output=True, text=True, check=True
    )

    assert ran.stdout.startswith("7006652 ")
    assert json.loads(curled.stdout)["last_tool_invocation"]["stdout"] == "7006652\n"
