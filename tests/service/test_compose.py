"""The compose file, as far as a machine without Docker can tell: its promises, and its commands behind walls like its own.

Each command runs as it is written, as nobody, on a root that cannot be written, with a /tmp of its own; then its health
check runs as it is written, too.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import yaml
from free_ports import free_port

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "binder" / "compose"
FILE = yaml.safe_load((COMPOSE / "compose.yaml").read_text())
SERVICES = FILE["services"]
OURS = ["agent-api", "exec-rpc", "tools-stub"]
TOKEN = "a-token-for-containers"
PROGRAMS = {"python": [sys.executable], "jupyter": [sys.executable, "-m", "jupyter_core.command"]}


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_walled_in_and_reached_from_this_machine_only(name):
    service = SERVICES[name]

    assert service["read_only"] is True
    assert not service["user"].startswith(("0", "root"))
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    assert service["healthcheck"]["test"][0] == "CMD"
    assert "privileged" not in service
    assert all(not volume.startswith(("/", ".")) for volume in service.get("volumes", ()))


def test_the_services_of_ours_refuse_to_start_without_a_token():
    for name in OURS:
        assert SERVICES[name]["environment"]["MINI_AGENT_API_KEY"].startswith("${MINI_AGENT_API_KEY:?")


def test_what_the_image_copies_is_there():
    lines = (COMPOSE / "Dockerfile").read_text().splitlines()
    sources = [word for line in lines if line.startswith("COPY ") for word in line.split()[1:-1]]

    assert {"pyproject.toml", "liteagent_nb", "notebooks", "binder/constraints.txt"} <= set(sources)
    assert all((ROOT / source).exists() for source in sources)
    assert lines[-1] == f"USER {SERVICES['agent-api']['user']}"


def walls():
    """Return the command that is like a container: another user, a root to be read only, a /tmp of its own."""
    program = shutil.which("bwrap")
    if program is None:
        pytest.skip("bubblewrap is missing (Debian's package bubblewrap)")
    seen = {sys.prefix, sys.base_prefix, str(ROOT)}
    shown = [word for path in sorted(seen) for word in ("--ro-bind", path, path)]
    return [program, "--unshare-user", "--uid", "10001", "--gid", "10001", "--die-with-parent", "--ro-bind", "/", "/",
            "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp", *shown, "--chdir", "/tmp"]  # fmt: skip


def at_port(words, port, own):
    """Return the words of a command with *port* for its *own*, and this environment's programs."""
    return [*PROGRAMS[words[0]], *(re.sub(rf"\b{own}\b", str(port), word) for word in words[1:])]


def environment_of(service):
    said = {name: re.sub(r"\$\{\w+:[-?](.*)\}", "", str(value)) for name, value in service["environment"].items()}
    return {"PATH": os.environ["PATH"], **said, "MINI_AGENT_API_KEY": TOKEN, "LITELLM_LOCAL_MODEL_COST_MAP": "True"}


@contextmanager
def contained(name, log):
    """Run the command of a service; give a function that runs its health check, and its URL."""
    service = SERVICES[name]
    own, port, env = service["ports"][0].split(":")[-1], free_port(), environment_of(SERVICES[name])
    command = [*walls(), *at_port(service["command"], port, own)]
    with log.open("w") as out, subprocess.Popen(command, env=env, stdout=out, stderr=out) as process:
        try:
            health = [*walls(), *at_port(service["healthcheck"]["test"][1:], port, own)]
            yield lambda: subprocess.run(health, env=env, capture_output=True, check=False).returncode, process, port
        finally:
            process.terminate()


def healthy(check, process, log, within_s=120):
    ends = time.monotonic() + within_s
    while time.monotonic() < ends and process.poll() is None:
        if check() == 0:
            return True
        time.sleep(0.1)
    pytest.fail(f"it is not healthy: {log.read_text()[-3000:]}")


def test_every_command_serves_behind_walls_and_its_health_check_tells(tmp_path):
    log = {name: tmp_path / f"{name}.log" for name in OURS}
    with (
        contained("agent-api", log["agent-api"]) as agent,
        contained("exec-rpc", log["exec-rpc"]) as code,
        contained("tools-stub", log["tools-stub"]) as tools,
    ):
        for name, (check, process, _) in zip(OURS, (agent, code, tools), strict=True):
            assert healthy(check, process, log[name])
        auth = {"authorization": f"Bearer {TOKEN}"}

        def post(port, path, body, host="127.0.0.1"):
            headers = {**auth, "host": f"{host}:{port}"}
            return httpx.post(f"http://127.0.0.1:{port}{path}", json=body, headers=headers, timeout=60)

        ran = post(code[2], "/exec", {"language": "python", "code": "print(123)"}, host="exec-rpc")
        # What one container asks of another, by its service's name.
        said = post(tools[2], "/invoke", {"name": "echo", "arguments": {"text": "hi"}}, host="tools-stub")
        task = {"messages": [{"role": "user", "content": "call echo"}], "model": "dummy", "tool_backend": "echo"}
        answered = post(agent[2], "/agent/run", task, host="agent-api")
        stranger = httpx.post(f"http://127.0.0.1:{code[2]}/exec", json={"language": "python", "code": "1"})
        tools[1].terminate()
        tools[1].wait(30)
        dead = tools[0]()

    assert (ran.json()["ok"], ran.json()["stdout"]) == (True, "123\n")
    assert said.json()["ok"] is True
    assert answered.status_code == 400, "the stub model is off where nobody switched it on"
    assert stranger.status_code == 401
    assert dead != 0
