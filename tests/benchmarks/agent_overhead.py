"""What a step of the agent costs: CPU time beside bare httpx and beside a hand loop over litellm, in one run.

    python tests/benchmarks/agent_overhead.py [--turns 20] [--rounds 15]

Every way asks the same strict server (a process of its own) for the same tool turns and an answer, in random order.
The median CPU time of this process is printed, per step; trust the differences and ratios, not the milliseconds.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import random
import statistics
import time

import httpx

from liteagent_nb import AgentConfig, Toolbox, Transcript, run_agent
from liteagent_nb.models.litellm_model import LitellmModel
from liteagent_nb.models.quiet_litellm import litellm
from liteagent_nb.testing import call
from liteagent_nb.testing.provider import serving_provider

PIECES = 200
TEXT = "".join(f"w{n:03} " for n in range(PIECES))


def echo(text: str) -> str:
    """Say it again."""
    return text


def serve(turns, pipe):
    """Serve tool turns, then a text of so many pieces, until the other end of the pipe closes."""

    async def answer(asked):
        done = sum(message["role"] == "tool" for message in asked.transcript)
        return call("echo", text=f"turn {done}") if done < turns else TEXT

    with serving_provider(answer=answer, chunk_chars=5) as provider:
        pipe.send((provider.url, provider.key))
        pipe.poll(None)


TOOLS = asyncio.run(Toolbox([echo]).list_tools())


def spoken(deltas):
    """Put the pieces of a hand loop's reply together."""
    text, name, call_id, arguments = "", "", "", ""
    for delta in deltas:
        text += delta.get("content") or ""
        for piece in delta.get("tool_calls") or ():
            call_id = piece.get("id") or call_id
            name = piece["function"].get("name") or name
            arguments += piece["function"].get("arguments") or ""
    return text, name, call_id, arguments


async def hand_loop(stream):
    messages = [{"role": "user", "content": "go"}]
    while True:
        text, name, call_id, arguments = spoken([delta async for delta in stream(messages)])
        if not name:
            return text
        entry = {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}
        messages.append({"role": "assistant", "content": None, "tool_calls": [entry]})
        messages.append({"role": "tool", "tool_call_id": call_id, "content": echo(**json.loads(arguments))})


def bare_httpx(url, key):
    client = httpx.AsyncClient(headers={"authorization": f"Bearer {key}"})

    async def stream(messages):
        body = {"model": "test-model", "messages": messages, "stream": True, "tools": [t.to_openai() for t in TOOLS]}
        async with client.stream("POST", f"{url}/chat/completions", json=body) as response:
            async for line in response.aiter_lines():
                if line.startswith("data: {"):
                    for choice in json.loads(line[6:])["choices"]:
                        yield choice["delta"]

    return lambda: hand_loop(stream)


def litellm_by_hand(url, key):
    async def stream(messages):
        tools = [tool.to_openai() for tool in TOOLS]
        # With usage, as ours: litellm then counts and prices it.
        how = {"stream": True, "stream_options": {"include_usage": True}, "_skip_mcp_handler": True}
        response = await litellm.acompletion(
            "openai/test-model", messages, tools=tools, api_base=url, api_key=key, **how
        )
        async for chunk in response:
            for choice in chunk.choices:
                yield choice.delta.model_dump()

    return lambda: hand_loop(stream)


def ours(url, key, turns):
    model = LitellmModel("openai/test-model", {"api_base": url, "api_key": key})
    config = AgentConfig(
        max_iterations=turns + 2, stagnation_window=turns + 2, max_history_messages=999, hard_char_budget=10**6
    )

    async def run():
        done = await run_agent(Transcript.of("go"), model=model, tools=Toolbox([echo]), config=config)
        return done.raise_for_error().final_answer

    return run


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--turns", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=15)
    chosen = parser.parse_args()
    here, there = multiprocessing.get_context("spawn").Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(chosen.turns, there), daemon=True)
    server.start()
    url, key = here.recv()
    ways = {
        "httpx by hand": bare_httpx(url, key),
        "litellm by hand": litellm_by_hand(url, key),
        "liteagent_nb over litellm": ours(url, key, chosen.turns),
    }
    cpu = {name: [] for name in ways}
    with asyncio.Runner() as runner:
        for round_number in range(chosen.rounds + 2):
            for name in random.sample(sorted(ways), len(ways)):
                started = time.process_time()
                answer = runner.run(ways[name]())
                assert answer == TEXT, answer
                if round_number > 1:
                    cpu[name].append((time.process_time() - started) * 1000 / (chosen.turns + 1))
    here.close()
    server.terminate()
    bare = statistics.median(cpu["httpx by hand"])
    print(f"\nCPU ms a step, {chosen.turns} tool turns and an answer of {PIECES} pieces, {chosen.rounds} rounds")
    print(f"{'way':28}{'median':>9}{'over httpx':>12}{'ratio':>8}")
    for name, times in cpu.items():
        median = statistics.median(times)
        print(f"{name:28}{median:9.2f}{median - bare:12.2f}{median / bare:8.2f}")


if __name__ == "__main__":
    main()
