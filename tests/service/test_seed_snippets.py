"""Every snippet and every command of the seed document runs as it is printed there.

The document lies beside the repository, in `shared/seed`. Its model is answered by the strict local provider; its
servers run on its own ports. A shell in which `uvicorn` and `python` are the aliases that `liteagent_nb.compat` names runs its commands,
`python -m liteagent_nb.compat` its scripts; what has an `await` outside of functions is a notebook's cell, and so IPython's.
"""

from __future__ import annotations

import ast
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import httpx
import pytest
from PIL import Image

from liteagent_nb.testing import call
from liteagent_nb.testing.provider import serving_provider

FOLDER = Path(__file__).parents[2].parent / "shared" / "seed"
if not FOLDER.is_dir():
    pytest.skip("the seed document is not beside this repository", allow_module_level=True)

TEXT = "\n".join(path.read_text() for path in sorted(FOLDER.glob("*.txt")))
SECTIONS = {
    int(number): text for number, text in re.findall(r"^## (\d+)\) (.*?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL)
}
FENCED = re.compile(r"^```(python|bash)\n(.*?)^```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
IS_COMMAND = re.compile(r"^(?:[A-Z_]+=\S* )*(?:(?:pip|docker|make|curl|uvicorn|python|pytest|poetry|export) |scripts/)")
LEFT_OUT = {
    "pip install": "what runs this test has done it",
    "docker ": "the compose files are operations, not this package's services",
    "make ": "the same",
    "scripts/": "the same",
    "python examples/": "notebooks take the place of these scripts",
    "python scripts/mvp_check.py": "`jupyter liteagent check` takes its place",
    "PYTHONPATH=": "this is the test run itself",
    "poetry ": "the same",
}
"""How commands begin that nothing here runs, and why."""

KEY = "sk-..."  # as printed
PLACEHOLDER = "/path/to/image.png"
JOURNAL = "/tmp/parity.jsonl"
EXPECTED = {
    4: r"^success .*HELLO",
    5: r"^success .*HELLO",
    6: r"'ok': True.*HELLO",
    7: r"HELLO",
    9: r"^got: .*HELLO",
    12: r"^$|^data:image/\w+;base64,|^.*HELLO",
}
"""What the snippets of a section print."""


def snippets(language):
    return [
        pytest.param(number, code, id=f"{number}-{index}")
        for number, text in SECTIONS.items()
        for index, (kind, code) in enumerate(FENCED.findall(text))
        if kind == language
    ]


def commands():
    """Return all commands that are printed, each once, with the section of its first time."""
    found = {}
    for number, text in SECTIONS.items():
        blocks = [line for kind, block in FENCED.findall(text) if kind == "bash" for line in block.splitlines()]
        inline = INLINE.findall(FENCED.sub("", text))
        for line in (*blocks, *inline):
            if IS_COMMAND.match(line):
                found.setdefault(line, number)
    return found


def port_of(command):
    return int(re.search(r"--port (\d+)", command)[1])


SERVERS = [line for line in commands() if line.startswith("uvicorn ")]
FIRST_OF_PORT = list({port_of(command): command for command in reversed(SERVERS)}.values())
QUESTIONS = [line for line in commands() if line.startswith("curl ")]
PARITY = [line for line in commands() if "python local/scripts/" in line]
EXPORTS = [line for line in commands() if line.startswith("export ") and not line.startswith(tuple(LEFT_OUT))]


async def answer(asked):
    """Use a tool once where there are some, then say what every snippet must show."""
    has_asked = any(message["role"] == "tool" for message in asked.transcript)
    offered = {tool.name for tool in asked.tools}
    if has_asked or not offered:
        return "HELLO"
    return call("echo", text="hi") if "echo" in offered else call("exec_shell", cmd="echo hi")


@pytest.fixture(scope="module")
def env(tmp_path_factory):
    """The environment that the seed asks for: a model's address and key, and the lines that it exports."""
    with serving_provider(answer=answer, key=KEY, models=("gpt-4o-mini", "gpt-3.5-turbo"), chunk_chars=2) as provider:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("COV", "LITELLM_"))}
        exported = dict(line.removeprefix("export ").split("=", 1) for line in EXPORTS)
        yield {
            **kept,
            **exported,
            "OPENAI_API_BASE": provider.url,
            "OPENAI_BASE_URL": provider.url,
            "OPENAI_API_KEY": KEY,
            "LITELLM_DEFAULT_MODEL": "openai/gpt-4o-mini",
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # no network
            "IPYTHONDIR": str(tmp_path_factory.mktemp("ipython")),
        }
        assert provider.violations == []


def shell(command):
    us = f"{sys.executable} -m liteagent_nb.compat"
    aliases = f"alias uvicorn={shlex.quote(f'{us} uvicorn')} python={shlex.quote(us)}"
    return ["bash", "-O", "expand_aliases", "-ec", f"{aliases}\n{command}\n"]


@contextmanager
def served(command, env, folder):
    """Run a server's command, give its URL once it answers, and end its processes."""
    url = f"http://127.0.0.1:{port_of(command)}"
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port_of(command)))
        except OSError:
            pytest.fail(f"port {port_of(command)} is taken on this machine, and the seed's commands name it")
    with (folder / f"log-{port_of(command)}").open("w+") as log:
        process = subprocess.Popen(shell(command), env=env, cwd=folder, stdout=log, stderr=log, start_new_session=True)
        try:
            wait_for(url, process, log)
            yield url
        finally:
            with suppress(ProcessLookupError):  # it ended by itself, which `wait_for` has told of
                os.killpg(process.pid, signal.SIGTERM)
            process.wait(20)


def wait_for(url, process, log, within_s=60):
    end = time.monotonic() + within_s
    while time.monotonic() < end and process.poll() is None:
        try:
            return httpx.get(f"{url}/health", timeout=5)
        except httpx.TransportError:
            time.sleep(0.1)
    log.seek(0)
    pytest.fail(f"{url} does not answer: {log.read()[-3000:]}")


@pytest.fixture(scope="module")
def servers(env, tmp_path_factory):
    """The URLs of all servers of the seed, each on its port, started by the first command for it."""
    folder = tmp_path_factory.mktemp("servers")
    with ExitStack() as stack:
        yield [stack.enter_context(served(command, env, folder)) for command in FIRST_OF_PORT]


@pytest.mark.parametrize("command", [command for command in SERVERS if command not in FIRST_OF_PORT])
def test_the_other_commands_start_a_server_too(command, env, tmp_path):
    with served(command, env, tmp_path) as url:
        assert httpx.get(f"{url}/openapi.json").is_success


def test_every_server_starts_by_the_command_that_is_printed(servers):
    assert [httpx.get(f"{url}/openapi.json").is_success for url in servers] == [True] * len(FIRST_OF_PORT)


@pytest.mark.parametrize("command", QUESTIONS)
@pytest.mark.usefixtures("servers")
def test_every_curl_command_is_answered(command, env, tmp_path):
    done = subprocess.run(shell(command), env=env, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    answered = json.loads(done.stdout)
    assert answered["ok"] is True
    if "print(123)" in command:
        assert (answered["rc"], answered["stdout"]) == (0, "123\n")


@pytest.mark.parametrize(("section", "code"), snippets("python"))
@pytest.mark.usefixtures("servers")
def test_every_python_snippet_runs_as_printed(section, code, env, tmp_path):
    picture = tmp_path / "image.png"
    Image.effect_noise((900, 700), 80).save(picture)
    script = tmp_path / "snippet.py"
    script.write_text(code.replace(PLACEHOLDER, str(picture)))

    done = subprocess.run(
        program_for(script), env=env, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert re.search(EXPECTED[section], done.stdout.strip(), re.MULTILINE | re.DOTALL), done.stdout


def test_the_parity_scripts_measure_both_cores_and_summarise_them(env, tmp_path):
    journal, done = tmp_path / "parity.jsonl", []

    for command in PARITY:
        line = command.replace("…", KEY).replace(JOURNAL, str(journal))
        done.append(subprocess.run(shell(line), env=env, cwd=tmp_path, capture_output=True, text=True, check=False))

    rows = [json.loads(line) for line in journal.read_text().splitlines()]
    assert {(row["thresh_pct"], row["model"], row["legacy"]["error"], row["extracted"]["error"]) for row in rows} == {
        (3.0, "openai/gpt-4o-mini", None, None)
    }
    assert max(row["round"] for row in rows) <= 5
    assert "extracted against legacy" in done[0].stdout, done[0].stderr
    summary = json.loads(done[1].stdout)
    assert (summary["rows"], summary["same_text_all"], summary["accepted"]) == (len(rows), True, False)
    assert "1 of 7 days are covered" in summary["reasons"]
    assert {script.returncode for script in done} <= {1, 2}


def program_for(script):
    """Return what runs the snippet: a script's Python, or IPython where there is an `await` outside of functions."""
    try:
        compile(script.read_text(), "snippet", "exec")
    except SyntaxError:
        compile(script.read_text(), "snippet", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        install = "import liteagent_nb.compat; liteagent_nb.compat.install()\n"
        return [sys.executable, "-m", "IPython", "--colors=NoColor", "-c", install + script.read_text()]
    return [sys.executable, "-m", "liteagent_nb.compat", str(script)]


def test_no_command_is_forgotten():
    run = {*SERVERS, *QUESTIONS, *EXPORTS, *PARITY}

    assert [line for line in commands() if line not in run and not line.startswith(tuple(LEFT_OUT))] == []
    assert {port_of(command) for command in SERVERS} == {8788, 8790, 8791}
    assert (len(EXPORTS), len(PARITY)) == (3, 2)


def test_every_section_with_snippets_is_checked():
    assert {parameter.values[0] for parameter in snippets("python")} == set(EXPECTED)
