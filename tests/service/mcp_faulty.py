"""An MCP server with bad manners, which its first argument names. Plain JSON lines: the SDK would not let it misbehave.

It notes on its stderr what it is told to cancel, and its process id in the file that its second argument names.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

MANNERS = sys.argv[1]
OBJECT = {"type": "object", "properties": {"x": {"type": "integer"}}}
TOOLS = [
    {"name": name, "inputSchema": OBJECT} for name in ("ok", "die", "flood", "big", "hang", "endless", "no-result")
]
LIES = [
    {"name": "missing"},
    {"name": "array", "inputSchema": {"type": "array", "items": {}}},
    {"name": "text", "inputSchema": "an object, I promise"},
    {"name": "half", "inputSchema": {"properties": ["x"], "required": "x"}},
    {"name": "output", "inputSchema": OBJECT, "outputSchema": {"type": "nonsense"}},
    {"name": "with a space.and·dots", "inputSchema": OBJECT},
    {"name": "y" * 100, "inputSchema": OBJECT, "description": 7},
    {"inputSchema": OBJECT},
    "no tool at all",
    {"name": "ok", "inputSchema": OBJECT},
    {"name": "ok", "inputSchema": OBJECT},
]


def say(**message):
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    sys.stdout.flush()


def note(text):
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def answer(asked):
    match asked["method"]:
        case "initialize":
            about = {"name": "faulty", "version": "1"}
            return {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": about}
        case "tools/list":
            return {"tools": LIES if MANNERS == "lies" else TOOLS}
        case "tools/call":
            return call(asked["params"]["name"], asked["params"].get("arguments") or {})
    return None


def call(name, arguments):
    match name:
        case "die":
            note("I go now")
            os._exit(3)
        case "flood":
            for _ in range(50):
                note("z" * 1_000_000)
        case "big":
            return text("y" * 50_000_000)
        case "hang":
            return None
        case "endless":
            while True:
                sys.stdout.write("e" * 1_000_000)
        case "no-result":
            return {"content": "this is no list"}
    return text(f"{name} {json.dumps(arguments)}")


def text(words):
    return {"content": [{"type": "text", "text": words}]}


def begin():
    match MANNERS:
        case "silent":
            time.sleep(600)
        case "stays":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            subprocess.Popen(["sleep", "600"], start_new_session=True)
        case "sleepy":
            time.sleep(1)
        case "crashes":
            sys.exit("no configuration found")
        case "chats":
            print("Welcome! This server is ready.\n{}\n[1, 2]", flush=True)


def read(asked):
    if asked["method"] == "notifications/cancelled":
        note(f"cancelled {asked['params']['requestId']}")
    elif "id" in asked:
        if (result := answer(asked)) is not None:
            say(id=asked["id"], result=result)
        elif asked["method"] != "tools/call":
            say(id=asked["id"], error={"code": -32601, "message": "no such method"})


if len(sys.argv) > 2:
    with Path(sys.argv[2]).open("a") as file:
        file.write(f"{os.getpid()}\n")
begin()
for line in sys.stdin:
    read(json.loads(line))
while MANNERS == "stays":
    time.sleep(600)
