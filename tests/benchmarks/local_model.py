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
    ("How much do 7 coffees at 3.20 come to?", "exec_python"),
    ("would you tell me 1024 divided by 32", "exec_python"),
    ("what is the middle value of 5, 81 and 40", "exec_python"),
    ("count the vowels in 'onomatopoeia'", "exec_python"),
    ("I owe 450 and have paid back 165, how much is still open?", "exec_python"),
    ("Print good evening using the shell", "exec_shell"),
    ("on the command line, echo the word banana", "exec_shell"),
    ("Please execute this command for me: echo bye", "exec_shell"),
    ("run some TypeScript for me: console.log('ts')", "exec_code"),
    ("what does this Ruby code print: puts 9 - 4", "exec_code"),
    ("execute the following in bash: ls | wc -l", "exec_code"),
    ("research how glaciers move", "research_echo"),
    ("Google the opening hours of the Louvre", "research_echo"),
    ("Please look into noise cancelling headphones", "research_echo"),
    ("shorten bbbbbbbb by run-length encoding", "compress_runs"),
    ("Compress the runs of this: xxyyyyz", "compress_runs"),
    ("Do I need a coat in Stockholm tonight?", "weather"),
    ("what's the weather doing in Lisbon", "weather"),
    ("Is it windy on Malta at the moment?", "weather"),
    ("remind me about the dentist on Friday", "remind"),
    ("I need a reminder: take out the bins", "remind"),
    ("hi! all good with you?", None),
    ("Write me a short verse on autumn leaves", None),
    ("Who was Marie Curie?", None),
    ("What is the difference between a frog and a toad?", None),
    ("I am so happy today", None),
    ("Got any tips for learning the guitar?", None),
    ("Why is chocolate bad for dogs?", None),
    ("See you later, thanks", None),
    ("What would you name a ship?", None),
    # A second set, by another hand, run once on the same code.
    ("how much is 312 and 459 put together?", "exec_python"),
    ("A pack has 24 cans. How many cans in 15 packs?", "exec_python"),
    ("what would 18% of 250 be", "exec_python"),
    ("is 97 a prime number or not?", "exec_python"),
    ("reverse the word 'lamp'", "exec_python"),
    ("count the letter s in mississippi", "exec_python"),
    ("use the terminal to echo good night", "exec_shell"),
    ("run echo done in a shell", "exec_shell"),
    ("Please execute this JavaScript: console.log(1 + 1)", "exec_code"),
    ("run this bash script: for i in 1 2; do echo $i; done", "exec_code"),
    ("Here is a Go program, run it: package main", "exec_code"),
    ("look up the population of Iceland", "research_echo"),
    ("do some research on electric bikes", "research_echo"),
    ("find out more about black holes", "research_echo"),
    ("apply run-length encoding to xxxyyz", "compress_runs"),
    ("compress the runs in aaabbbcccc", "compress_runs"),
    ("What's the weather like in Dublin?", "weather"),
    ("is it raining in Porto right now?", "weather"),
    ("remind me to call mum on Sunday", "remind"),
    ("set a reminder: buy milk", "remind"),
    ("Hello!", None),
    ("Tell me a short story about a fox", None),
    ("What is your name?", None),
    ("Why is the sky blue?", None),
]

NUMBERS: list[tuple[str, float]] = [
    ("How much do 7 coffees at 3.20 come to?", 22.4),
    ("would you tell me 1024 divided by 32", 32),
    ("what's 638 + 274", 912),
    ("Tell me the result of 64 times 25, please", 1600),
    ("I owe 450 and have paid back 165, how much is still open?", 285),
    ("what is 12.5% of 640?", 80),
    ("How many letters are there in extraordinary?", 13),
    ("How often is the letter i in civilization?", 4),
    ("Which number is smallest: 77, 19, 64 or 23?", 19),
    ("What's the average of 15, 25, 35 and 85?", 40),
    ("Can you get the square root of 3136?", 56),
    ("11 to the power of 4", 14641),
    ("what is 17 cubed", 4913),
    ("How many hours do 14 days have?", 336),
    ("What is the remainder of 777 divided by 50?", 27),
    ("Sum of 18, 27, 36 and 45", 126),
    ("sum all the numbers from 1 to 60", 1830),
    ("I want to know the factorial of 7", 5040),
    ("Each of the 16 pupils pays 12 dollars. How much is it in total?", 192),
    ("A farmer has 320 sheep and sells 95. How many sheep does he have left?", 225),
    ("Shoes cost 90 euros, with a 20 percent discount. What is the price now?", 72),
    ("I buy 5 notebooks for 3 dollars each and one pen for 2 dollars. What do I pay?", 17),
    ("Mozart was born in 1756. How old was he in 1791?", 35),
    ("four hundred minus seventy-two", 328),
    # A second set, by another hand, run once on the same code.
    ("how much is 312 plus 459?", 771),
    ("A pack has 24 cans. How many cans are in 15 packs?", 360),
    ("What is 18% of 250?", 45),
    ("subtract 77 from 400", 323),
    ("What is 1001 divided by 13?", 77),
    ("There are 30 pupils and 12 go home. How many stay?", 18),
    ("A book costs 14 euros. What do 5 books cost?", 70),
    ("count the letter s in mississippi", 4),
    ("How long is the word 'extraordinary'?", 13),
    ("average of 4, 8, 15 and 21", 12),
    ("what is the square root of 1225", 35),
    ("4 to the power of 6", 4096),
    ("what is the biggest number of 41, 97, 12 and 66?", 97),
    ("add 5, 10, 15 and 20", 50),
    ("how many hours are in 9 days?", 216),
    ("what is 7 factorial?", 5040),
    ("what remains when 100 is divided by 7?", 2),
    ("sum of the numbers from 1 to 50", 1275),
    ("A coat for 200 euros is 30 percent off. What does it cost now?", 140),
    ("What is 86 * 73 - 19?", 6259),
]

ARGUMENTS: list[tuple[str, str, dict[str, object]]] = [
    ("Do I need a coat in Stockholm tonight?", "weather", {"city": "Stockholm"}),
    ("what's the weather doing in Lisbon", "weather", {"city": "Lisbon"}),
    ("weather in Rio de Janeiro?", "weather", {"city": "Rio de Janeiro"}),
    ("remind me to ring the bank", "remind", {"text": "ring the bank"}),
    ("add 17 to 4.5", "add", {"a": 17, "b": 4.5}),
    ("call the add tool: 100 and 1", "add", {"a": 100, "b": 1}),
    ("convert 64 dollars to francs", "convert", {"amount": 64, "source": "dollars", "target": "francs"}),
    ("translate I am hungry into Greek", "translate", {"text": "I am hungry", "language": "Greek"}),
    ("lights off, please", "lights", {"on": False}),
    ("can you greet Oliver", "greet", {"name": "Oliver"}),
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
