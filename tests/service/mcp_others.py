"""MCP servers that others wrote, one from PyPI and one from the npm registry, as entries of an `mcpServers` map."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
from exec_server import until

EVERYTHING = "@modelcontextprotocol/server-everything@2026.8.31"
TIME = {"command": sys.executable, "args": ["-m", "mcp_server_time"]}


def installed_everything(folder):
    """Install the server from the npm registry, once for each folder, and return its program."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            pytest.fail(f"{program} is missing: apt-get install nodejs npm, as .ci/run does")
    program = Path(folder, "node_modules/@modelcontextprotocol/server-everything/dist/index.js")
    if not program.exists():
        command = ["npm", "install", "--prefix", str(folder), "--no-audit", "--no-fund", "--ignore-scripts", EVERYTHING]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
    return program


@contextmanager
def everything_over_http(program, port):
    """Run it over streamable HTTP; give its URL."""
    process = subprocess.Popen(
        ["node", str(program), "streamableHttp"],
        env={**os.environ, "PORT": str(port)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        said = []
        assert until(lambda: "listening" in (said.append(process.stderr.readline()) or said[-1]), 20), said
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        process.terminate()
        process.wait(10)
        process.stderr.close()
