"""What the embedded model can be trusted with: rates on requests that nothing was tuned on, and how long it takes.

`python tests/benchmarks/local_model.py` prints every request with what came of it, then the rates. The requests below
were written after the tuning was done (`local_model_tuning.py` holds what it was done on). Who changes a prompt of the
model after having looked at this output has to write new requests here.
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import time

from liteagent_nb.core.agent import run_agent
from liteagent_nb.core.chat import Transcript
from liteagent_nb.core.config import AgentConfig
from liteagent_nb.core.streaming import ReplyBuilder
from liteagent_nb.models.local_model import LocalModel
from liteagent_nb.tools.composite import CompositeInvoker
from liteagent_nb.tools.local_invoker import LocalMCPInvoker
from liteagent_nb.tools.toolbox import Toolbox

CHOICES: list[tuple[str, str | None]] = [
    ("hey, can you tell me what 14 squared comes to?", "exec_python"),
    ("My rent is 940 a month. What is that over a year and a half, so 18 months?", "exec_python"),
    ("which of 0.3, 0.25 and 0.333 is greatest", "exec_python"),
    ("Is the number 221 a prime?", "exec_python"),
    ("I'd like the letters of 'stressed' the other way round", "exec_python"),
    ("60 kilos minus 7.5 kilos", "exec_python"),
    ("Please have the console display welcome back", "exec_shell"),
    ("let me see what the command echo $HOME gives", "exec_shell"),
    ("fire up a shell and echo lunch time", "exec_shell"),
    ("Try out this bit of Lua code: print(7)", "exec_code"),
    ("could you run `console.log(6 * 7)` with node", "exec_code"),
    ("Compile and run this C code: int main(void) { return 3; }", "exec_code"),
    ("Search the web for cheap flights", "research_echo"),
    ("I want to read up on the Roman aqueducts", "research_echo"),
    ("get me some information about vitamin D", "research_echo"),
    ("What would qqqqrrs be with run-length compression?", "compress_runs"),
    ("squeeze mmmmnnnnoo down please", "compress_runs"),
    ("Will I need an umbrella in Hamburg?", "weather"),
    ("Forecast for Cape Town please", "weather"),
    ("how hot does it get in Seville", "weather"),
    ("don't let me forget to water the plants", "remind"),
    ("Please remind me to buy stamps", "remind"),
    ("Yo, what's up", None),
    ("Could you compose a limerick on cheese", None),
    ("Which planet is the biggest?", None),
    ("I'm bored. Cheer me up!", None),
    ("Who invented the telephone?", None),
    ("Can you explain why people yawn?", None),
    ("Thank you so much for your help", None),
    ("What makes a good friend?", None),
]

NUMBERS: list[tuple[str, float]] = [
    ("hey, can you tell me what 14 squared comes to?", 196),
    ("My rent is 940 a month. What do I pay in 18 months?", 16920),
    ("what do you get if you multiply 37 and 29", 1073),
    ("There were 512 people in the hall and 137 have left. How many remain?", 375),
    ("I need 22% of 1450", 319),
    ("A cake recipe needs 250 grams of flour. How much flour for 6 cakes?", 1500),
    ("How many letters does the word rhinoceros have?", 10),
    ("How many times is the letter e in nevertheless?", 4),
    ("what is 6543 divided by 9", 727),
    ("Add together 19, 88, 23 and 4", 134),
    ("Work out the mean of 12, 18, 30 and 44", 26),
    ("square root of 6889", 83),
    ("What's 2 raised to the 20th power?", 1048576),
    ("the biggest of 15, 109, 63 and 78 please", 109),
    ("remainder of 1000 divided by 17", 14),
    ("how many minutes are in 36 hours?", 2160),
    ("Sum of all whole numbers from 1 to 200?", 20100),
    ("8 factorial is what?", 40320),
    ("A jacket is 120 euros and I get 15 percent off. What do I pay?", 102),
    ("I bought 4 pizzas for 11 dollars each and a salad for 7 dollars. What is the total?", 51),
    ("Three hundred minus forty-five", 255),
    ("How many words are in the sentence 'the cat sat on the old mat'?", 7),
    ("If a train travels at 95 km/h, how far does it go in 4 hours?", 380),
    ("My grandfather was born in 1938. How old was he in 2011?", 73),
]

ARGUMENTS: list[tuple[str, str, dict[str, object]]] = [
    ("Will I need an umbrella in Hamburg?", "weather", {"city": "Hamburg"}),
    ("Forecast for Cape Town please", "weather", {"city": "Cape Town"}),
    ("how hot does it get in Seville", "weather", {"city": "Seville"}),
    ("use the weather tool for Oslo", "weather", {"city": "Oslo"}),
    ("Please remind me to buy stamps", "remind", {"text": "buy stamps"}),
    ("use add with 40 and 2", "add", {"a": 40, "b": 2}),
    ("call add(3, 4.5)", "add", {"a": 3, "b": 4.5}),
    ("run the convert tool: 75 dollars to yen", "convert", {"amount": 75, "source": "dollars", "target": "yen"}),
    ("convert 12 pounds into euros", "convert", {"amount": 12, "source": "pounds", "target": "euros"}),
    ("translate see you tomorrow into Spanish", "translate", {"text": "see you tomorrow", "language": "Spanish"}),
    ("Translate 'good luck' to Italian", "translate", {"text": "good luck", "language": "Italian"}),
    ("turn off the lights", "lights", {"on": False}),
    ("please switch the lights on", "lights", {"on": True}),
    ("greet Maria", "greet", {"name": "Maria"}),
]


def weather(city: str) -> str:
    """Return the weather in a city."""
    return f"18 degrees and cloudy in {city}"


def remind(text: str) -> str:
    """Remember something for later, a reminder."""
    return f"noted: {text}"


def add(a: float, b: float) -> float:
    """Add two numbers."""
    return a + b


def convert(amount: float, source: str, target: str) -> str:
    """Convert money from one currency to another."""
    return f"{amount} {source} in {target}"


def translate(text: str, language: str) -> str:
    """Translate text into a language."""
    return f"{text} ({language})"


def lights(on: bool) -> str:
    """Switch the lights on or off."""
    return "on" if on else "off"


def greet(name: str) -> str:
    """Say hello to someone."""
    return f"Hello {name}"


FUNCTIONS = {function.__name__: function for function in (weather, remind, add, convert, translate, lights, greet)}


def offer(*names: str) -> CompositeInvoker:
    return CompositeInvoker([Toolbox([FUNCTIONS[name] for name in names]), LocalMCPInvoker()])


async def first_call(task: str, invoker: CompositeInvoker) -> tuple[str | None, str]:
    builder = ReplyBuilder(model="", started_s=0.0)
    async for delta in LocalModel().stream(Transcript.of(task), tuple(await invoker.list_tools()), {"max_tokens": 4}):
        builder.add(delta, now_s=0.0)
    calls = builder.reply(usage=None).tool_calls
    return (calls[0].name, calls[0].arguments) if calls else (None, "")


async def rate_choices() -> int:
    right = 0
    for task, wanted in CHOICES:
        name, arguments = await first_call(task, offer("weather", "remind"))
        right += name == wanted
        print("ok " if name == wanted else "BAD", "|", task, "|", name, arguments)
    return right


async def rate_arguments() -> int:
    right = 0
    for task, wanted, given in ARGUMENTS:
        name, arguments = await first_call(task, offer(wanted))
        is_right = name == wanted and json.loads(arguments) == given
        right += is_right
        print("ok " if is_right else "BAD", "|", task, "|", name, arguments)
    return right


def says(answer: str, number: float) -> bool:
    """Whether *number* is among the numbers of *answer*, and the last of them."""
    found = re.findall(r"-?\d+(?:\.\d+)?", answer.replace(",", ""))
    return any(abs(float(text) - number) < 1e-6 for text in found)


async def rate_numbers() -> int:
    right = 0
    for task, number in NUMBERS:
        started_s = time.perf_counter()
        run = await run_agent(
            Transcript.of(task), model=LocalModel(), tools=LocalMCPInvoker(), config=AgentConfig(), watch=lambda _: None
        )
        code = [invocation.arguments for invocation in run.tool_invocations]
        out = [invocation.stdout.strip() for invocation in run.tool_invocations]
        # The number must have been computed, not only be said: a request's own number in the answer is no success.
        is_right = says(run.final_answer, number) and any(says(text, number) for text in out)
        right += is_right
        taken_s = time.perf_counter() - started_s
        print("ok " if is_right else "BAD", "|", task, "|", code, out, "|", run.final_answer, f"| {taken_s:.1f} s")
    return right


FIRST = """
import asyncio, time, sys
sys.path.insert(0, "tests/benchmarks")
from liteagent_nb.assembly import run_mcp_mini_agent
run = run_mcp_mini_agent("What is 17 times 23?")
assert "391" in run.final_answer, run
"""


def first_answer_s() -> float:
    """Return the seconds from a fresh process to its first answer with a tool, on one processor."""
    pinned = ["taskset", "-c", "0"] if sys.platform == "linux" else []
    started_s = time.perf_counter()
    subprocess.run([*pinned, sys.executable, "-c", FIRST], check=True)
    return time.perf_counter() - started_s


async def main() -> None:
    choices, arguments, numbers = await rate_choices(), await rate_arguments(), await rate_numbers()
    print(f"\ntool or none: {choices} of {len(CHOICES)} (goal: 20 of 24)")
    print(f"arguments of users' functions: {arguments} of {len(ARGUMENTS)}")
    print(f"computed number in the answer: {numbers} of {len(NUMBERS)} (goal: 18 of 20)")
    print(f"first answer of a fresh process on one processor: {first_answer_s():.1f} s (goal: 10)")


if __name__ == "__main__":
    asyncio.new_event_loop().run_until_complete(main())
