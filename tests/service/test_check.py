"""`jupyter liteagent check`: what works is said to work, and every fault that is planted is found with its remedy."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from free_ports import free_port
from redis_servers import serving_redis

from liteagent_nb.checks.catalogue import chosen, known_checks
from liteagent_nb.checks.check import Bench, Check
from liteagent_nb.testing.provider import serving_provider

ROOT = Path(__file__).parents[2]
COMMAND = "import sys; from liteagent_nb.cli import main; sys.exit(main(sys.argv[1:]))"
NAMED = re.compile(r"KEY|TOKEN|^LITE|^MINI_AGENT|^REDIS|^COV|^OLLAMA")
ENV = {name: value for name, value in os.environ.items() if not NAMED.search(name)}
OPTIONAL = {"isolation", "docker", "redis", "keys", "live-model", "ports"}
"""What a machine may be without, or others may use at this time."""


def check(*words, env=ENV, options=()):
    command = [sys.executable, *options, "-c", COMMAND, "check", *words]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=600, check=False)


@pytest.fixture
def found(monkeypatch):
    """Return a function that asks one check, with nothing in the environment but what is named."""
    for name in os.environ:
        if NAMED.search(name):
            monkeypatch.delenv(name)

    def ask(name, **variables):
        for variable, value in variables.items():
            monkeypatch.setenv(variable, str(value))
        with Bench() as bench:
            return chosen([name], is_thorough=False)[0].run(bench)

    return ask


@pytest.mark.weights
@pytest.mark.timeout(600)  # it does all there is, and the machine may be busy
def test_where_all_is_well_all_passes_and_the_report_says_the_same(weights, tmp_path):
    names = [one.name for one in known_checks() if not one.is_thorough and one.name not in OPTIONAL]
    names += ["llama-router"]

    done = check("--json", str(tmp_path / "report.json"), *(word for name in names for word in ("--only", name)))

    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(names)} passed, 0 failed" in done.stdout
    assert re.search(r"pass  llama-router .* in \d+ pieces", done.stdout)
    report = json.loads((tmp_path / "report.json").read_text())
    assert (report["ok"], report["failures"]) == (True, 0)
    assert [(one["check"], one["status"]) for one in report["checks"]] == [(name, "pass") for name in names]
    assert all(one["said"] and one["title"] for one in report["checks"])


def installed_without(folder, *packages):
    """Return the environment of a Python that has this one's packages but those."""
    folder.mkdir()
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if not entry.name.startswith(packages):
            (folder / entry.name).symlink_to(entry)
    return {**ENV, "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}"}


def test_a_missing_extra_is_found_and_the_exit_code_counts_the_failures(tmp_path, weights):
    env = installed_without(tmp_path / "site", "xllamacpp", "redis")
    words = ("--only", "extra-local", "--only", "model", "--only", "extra-redis", "--only", "python")

    done = check(*words, env=env, options=("-S",))

    assert done.returncode == 2, done.stdout + done.stderr
    local, redis, model = (
        done.stdout.index(words) for words in ("xllamacpp is missing", "skip  extra-redis", "model  ")
    )
    assert local < redis < model
    assert done.stdout.count('-> pip install "liteagent_nb[local]"') == 2
    assert '-> pip install "liteagent_nb[redis]"' in done.stdout
    assert check(*words, "--strict", env=env, options=("-S",)).returncode == 3


def test_no_kernel_is_found(tmp_path):
    env = installed_without(tmp_path / "site", "ipykernel", "zmq")

    done = check("--only", "packages", "--only", "kernel", env=env, options=("-S",))

    assert done.returncode == 2, done.stdout + done.stderr
    assert "ipykernel is missing" in done.stdout
    assert "-> pip install --upgrade liteagent_nb" in done.stdout
    assert "zmq cannot be imported" in done.stdout
    assert "-> pip install --force-reinstall liteagent_nb" in done.stdout


@pytest.mark.parametrize("program", [sys._base_executable, "/nowhere/python"], ids=["bare", "gone"])
def test_a_notebook_kernel_of_another_python_is_found(found, tmp_path, program):
    spec = tmp_path / "kernels" / "python3"
    spec.mkdir(parents=True)
    argv = [program, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (spec / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": "x", "language": "python"}))

    seen = found("notebook-kernel", JUPYTER_PATH=tmp_path)

    assert seen.status == "fail"
    assert program in seen.said
    assert seen.remedy.endswith("-m ipykernel install --sys-prefix")


def test_a_wrong_key_is_found_and_not_shown(found):
    wrong = "sk-wrong-key-of-someone"
    with serving_provider(answer="HELLO", key="sk-right", models=("gpt-4o-mini",)) as provider:
        settings = {"OPENAI_BASE_URL": provider.url, "LITELLM_DEFAULT_MODEL": "openai/gpt-4o-mini"}
        seen = [found(name, OPENAI_API_KEY=wrong, **settings) for name in ("keys", "live-model")]
        mended = [found(name, OPENAI_API_KEY="sk-right", **settings) for name in ("keys", "live-model")]

    assert [one.status for one in seen] == ["fail", "fail"]
    assert all("OPENAI_API_KEY" in one.remedy for one in seen)
    assert wrong not in str(seen)
    assert [one.status for one in mended] == ["pass", "pass"], mended
    assert "openai: 1 models" in mended[0].said
    assert "HELLO" in mended[1].said


def test_without_keys_there_is_a_reason_to_skip(found):
    assert [(one.status, bool(one.said)) for one in (found("keys"), found("live-model"))] == [("skip", True)] * 2


def test_a_port_that_is_taken_is_found(found):
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        port = stranger.getsockname()[1]
        seen = found("ports", MINI_AGENT_API_PORT=port)

    assert seen.status == "fail"
    assert f"{port} (serve)" in seen.said
    assert seen.remedy.startswith("jupyter liteagent serve --port 0")


def test_a_dead_redis_is_found_and_a_living_one_is_used(found, tmp_path):
    dead = found("redis", REDIS_HOST="127.0.0.1", REDIS_PORT=free_port())
    with serving_redis(tmp_path) as port:
        alive = found("redis", REDIS_HOST="127.0.0.1", REDIS_PORT=port)

    assert (dead.status, alive.status) == ("fail", "pass")
    assert "REDIS_PORT" in dead.remedy
    assert alive.said == "the named Redis keeps 123"


def test_a_litellm_that_our_core_does_not_know_is_left_out_with_the_remedy(found, monkeypatch):
    monkeypatch.setattr("liteagent_nb.checks.cores.why_only_legacy", lambda: "litellm 1 is not as expected")

    seen = found("router-core")

    assert seen.status == "skip"
    assert "litellm 1 is not as expected" in seen.said
    assert seen.remedy == "pip install --upgrade litellm"


def test_an_unknown_name_is_refused_with_the_known_ones():
    done = check("--only", "kernle")

    assert done.returncode == 1
    assert "there is no check kernle" in done.stderr
    assert "notebook-kernel" in done.stderr


def test_what_a_check_did_not_foresee_is_a_failure_of_that_check_alone():
    seen = Check("odd", "an odd one", "builtins:int", ("x", "y", "z")).run(Bench())
    gone = Check("gone", "one that is gone", "no_such_package.checks:it").run(Bench())

    assert (seen.status, gone.status) == ("fail", "fail")
    assert seen.said.startswith("TypeError")
    assert "no_such_package cannot be imported" in gone.said


def test_the_seeds_script_is_this_command():
    command = [sys.executable, "-m", "liteagent_nb.compat", "scripts/mvp_check.py", "--list"]

    done = subprocess.run(command, env=ENV, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()] == [one.name for one in known_checks()]
