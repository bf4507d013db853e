"""The embedded model, with its real weights: choice, arguments, answers, and what can go wrong."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import aclosing
from typing import TYPE_CHECKING

import pytest

from liteagent_nb.core.agent import run_agent
from liteagent_nb.core.chat import Transcript
from liteagent_nb.core.config import AgentConfig
from liteagent_nb.core.errors import ConfigError, ModelError
from liteagent_nb.core.protocols import Model
from liteagent_nb.core.streaming import ReplyBuilder
from liteagent_nb.core.tools import Tool
from liteagent_nb.models.embedded.engine import CONTEXT_TOKENS, Slot, engine_for
from liteagent_nb.models.embedded.weights import weights_for
from liteagent_nb.models.local_model import LocalModel
from liteagent_nb.tools.composite import CompositeInvoker
from liteagent_nb.tools.local_invoker import LocalMCPInvoker
from liteagent_nb.tools.toolbox import Toolbox

if TYPE_CHECKING:
    from liteagent_nb.core.chat import Reply
    from liteagent_nb.core.steps import Event, Run

pytestmark = [pytest.mark.weights, pytest.mark.usefixtures("weights")]


def weather(city: str) -> str:
    """Return the weather in a city."""
    return f"21 degrees and sunny in {city}"


def add(a: float, b: float) -> float:
    """Add two numbers."""
    return a + b


def unlucky(number: int) -> int:
    """Return how unlucky a number is."""
    raise ValueError("the oracle is asleep")


def ignore(_event: Event) -> None:
    """Watch nothing."""


async def reply_to(text: str | Transcript, tools: tuple[Tool, ...] = (), **settings: object) -> Reply:
    builder = ReplyBuilder(model="", started_s=0.0)
    async for delta in LocalModel().stream(Transcript.of(text), tools, settings):
        builder.add(delta, now_s=0.0)
    assert builder is not None
    return builder.reply(usage=None)


async def local_tools() -> tuple[Tool, ...]:
    return tuple(await LocalMCPInvoker().list_tools())


async def run(text: str, *functions: object) -> Run:
    tools = CompositeInvoker([Toolbox(functions), LocalMCPInvoker()])
    return await run_agent(Transcript.of(text), model=LocalModel(), tools=tools, config=AgentConfig(), watch=ignore)


def test_it_is_a_model_that_costs_nothing_and_says_what_it_is():
    model = LocalModel()

    assert isinstance(model, Model)
    assert model.name == "local/smollm2"
    assert model.price.of(1000, 1000) == 0
    assert "does not reason" in model.about


async def test_arithmetic_is_given_to_python():
    reply = await reply_to("What is 17 times 23?", await local_tools())

    assert [call.name for call in reply.tool_calls] == ["exec_python"]
    assert json.loads(reply.tool_calls[0].arguments) == {"code": "print(17 * 23)"}
    assert reply.finish_reason == "tool_calls"
    assert reply.usage.prompt_tokens > 0
    assert reply.usage.cost_usd == 0
    assert not reply.usage.is_estimate


@pytest.mark.parametrize(
    ("task", "number"),
    [
        ("What is 17 times 23?", "391"),
        ("How many letters are in mississippi?", "11"),
        ("sum of the numbers from 1 to 50", "1275"),
    ],
)
async def test_a_run_ends_with_the_number_that_python_printed(task: str, number: str):
    finished = await run(task)

    assert finished.stopped_reason == "success"
    assert [invocation.name for invocation in finished.tool_invocations] == ["exec_python"]
    assert number in finished.tool_invocations[0].stdout
    assert number in finished.final_answer
    assert finished.final_answer_source == "model"


async def test_a_function_of_the_user_is_called_with_what_the_request_names():
    finished = await run("What's the weather in Paris?", weather)

    assert [(call.name, call.arguments) for call in finished.tool_invocations] == [("weather", {"city": "Paris"})]
    assert "21 degrees and sunny in Paris" in finished.final_answer


@pytest.mark.parametrize("task", ["call add with 2 and 3", "use the add tool on 2 and 3", "add 2 and 3"])
async def test_a_tool_that_is_named_is_called(task: str):
    finished = await run(task, add)

    assert [(call.name, call.arguments) for call in finished.tool_invocations] == [("add", {"a": 2, "b": 3})]
    assert "5" in finished.final_answer


@pytest.mark.parametrize(
    ("task", "name", "arguments"),
    [
        ("Compress aaabbc", "compress_runs", {"s": "aaabbc"}),
        ("Run echo hello in the shell", "exec_shell", {"cmd": "echo hello"}),
        (
            "Run this JavaScript: console.log(1 + 2)",
            "exec_code",
            {"language": "javascript", "code": "console.log(1 + 2)"},
        ),
        ("look up coral reefs", "research_echo", {"query": "coral reefs"}),
    ],
)
async def test_every_local_tool_is_found(task: str, name: str, arguments: dict[str, object]):
    reply = await reply_to(task, await local_tools())

    assert [(call.name, json.loads(call.arguments)) for call in reply.tool_calls] == [(name, arguments)]


async def test_small_talk_needs_no_tool():
    reply = await reply_to("Hello, how are you?", await local_tools())

    assert reply.text.strip()
    assert not reply.tool_calls
    assert reply.usage.completion_tokens > 1


async def test_without_tools_it_chats():
    reply = await reply_to("What is 2 plus 2?", max_tokens=12)

    assert reply.text.strip()
    assert not reply.tool_calls
    assert reply.finish_reason == "length"


async def test_a_failed_tool_is_reported_and_not_invented():
    finished = await run("use the unlucky tool for 13", unlucky)

    assert not finished.tool_invocations[0].ok
    assert "the oracle is asleep" in finished.final_answer


async def test_hints_lead_to_a_tool_that_its_name_does_not_suggest():
    hints = {"topic": "cooking", "route": ["recipe"], "examples": [["a recipe with eggs", {"x": "eggs"}]]}
    schema = {"type": "object", "properties": {"x": {"type": "string"}}, "required": ["x"]}
    tool = Tool("zx81", "", schema, hints=hints)

    reply = await reply_to("find me a recipe with tomatoes", (tool, *await local_tools()))

    assert [(call.name, json.loads(call.arguments)) for call in reply.tool_calls] == [("zx81", {"x": "tomatoes"})]


async def test_every_type_of_parameter_gets_a_value_of_its_type():
    properties = {
        "room": {"enum": ["kitchen", "bedroom"]},
        "on": {"type": "boolean"},
        "level": {"type": "integer"},
        "colour": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "scenes": {"type": "array", "items": {"type": "number"}},
    }
    tool = Tool("lamps", "Switch lamps.", {"type": "object", "properties": properties, "required": list(properties)})

    reply = await reply_to("use the lamps tool: turn on the kitchen at level 7", (tool,))
    given = json.loads(reply.tool_calls[0].arguments)

    assert given["room"] == "kitchen"
    assert given["level"] == 7
    assert isinstance(given["on"], bool)
    assert isinstance(given["colour"], str)
    assert given["scenes"] == [7]


async def test_a_tool_without_parameters_is_called_without_arguments():
    tool = Tool("moon_phase", "Return the phase of the moon.")

    reply = await reply_to("what is the moon phase tonight?", (tool,))

    assert [(call.name, call.arguments) for call in reply.tool_calls] == [("moon_phase", "{}")]


async def test_the_same_question_gets_the_same_answer():
    tools = await local_tools()
    first = await reply_to("What is 12% of 350?", tools)
    await reply_to("Tell me about the sea", tools, max_tokens=8)
    await reply_to("reverse the word planet", tools)

    again = await reply_to("What is 12% of 350?", tools)

    assert again.tool_calls == first.tool_calls


async def test_answers_asked_at_once_do_not_mix():
    tasks = {f"What is {n} times {n + 1}?": f"print({n} * {n + 1})" for n in range(11, 17)}
    tools = await local_tools()

    replies = await asyncio.gather(*(reply_to(task, tools) for task in tasks))

    assert [json.loads(reply.tool_calls[0].arguments)["code"] for reply in replies] == list(tasks.values())


async def test_leaving_a_stream_stops_the_model_within_a_second():
    stream = LocalModel().stream(Transcript.of("Tell me a long story about a dragon"), (), {})
    async with aclosing(stream):
        async for delta in stream:
            assert delta.text
            break
    left_s = time.monotonic()

    await reply_to("Hello", max_tokens=1)

    assert time.monotonic() - left_s < 1


async def test_a_stop_while_a_long_prompt_is_read_holds_within_a_second():
    await LocalModel().load()
    long = Transcript.of("The dog ran over the hill. " * 400)
    asking = asyncio.create_task(anext(LocalModel().stream(long, (), {})))
    await asyncio.sleep(0.3)
    started_s = time.monotonic()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking

    await reply_to("Hello", max_tokens=1)

    assert time.monotonic() - started_s < 1.5


async def test_a_conversation_that_is_too_long_is_shortened():
    messages = [{"role": "user", "content": "word " * 9000}, {"role": "assistant", "content": "yes"}] * 3
    reply = await reply_to(Transcript.of([*messages, {"role": "user", "content": "Say hello"}]), max_tokens=5)

    assert reply.text.strip()
    assert reply.usage.prompt_tokens < CONTEXT_TOKENS


async def test_what_the_runtime_refuses_is_a_model_error():
    engine = engine_for(weights_for("local/smollm2"))

    with pytest.raises(ModelError, match="embedded model"):
        await engine.complete("x", Slot.CHAT, grammar="root ::= nowhere")


async def test_progress_is_told_while_it_loads():
    told: list[str] = []
    await LocalModel().load(told.append)
    before = len(told)

    await LocalModel().load(told.append)

    assert len(told) == before
    assert all("does not reason" in line for line in told)


@pytest.mark.parametrize(
    "task", ["", "   ", "?" * 3000, "\ud800 \x00 ¿qué? 你好", "```\n```", '"' * 40, "1e999 -5 ,,, 07"]
)
async def test_odd_requests_are_answered_all_the_same(task: str):
    reply = await reply_to(task, await local_tools(), max_tokens=8)

    assert reply.text or reply.tool_calls


def test_an_unknown_name_is_refused_with_the_names_there_are():
    with pytest.raises(ConfigError) as raised:
        LocalModel("local/llama")

    assert "local/smollm2" in raised.value.hint
