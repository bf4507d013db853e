"""Programs are run within limits, and nothing of them is left."""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import tracemalloc
import uuid
from pathlib import Path

import psutil
import pytest

from liteagent_nb.kernels._capped import CappedOutput
from liteagent_nb.kernels.processes import ProcessLimits, run_process

PYTHON = sys.executable


@pytest.fixture(autouse=True)
def scratch_root(tmp_path, monkeypatch):
    """Scratch folders land here, and none of them stays."""
    root = tmp_path / "scratch"
    root.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(root))
    yield root
    assert list(root.iterdir()) == []


@pytest.fixture
def long_sleep():
    """The argument of a `sleep` that can be told from all others; none of them stays."""
    seconds = f"3600.{uuid.uuid4().int % 10**12}"
    yield seconds
    assert wait_until(lambda: not sleeping(seconds), within_s=1.0), "a process was left behind"


def sleeping(seconds):
    return [
        process
        for process in psutil.process_iter(["cmdline", "status"])
        if seconds in " ".join(process.info["cmdline"] or ()) and process.info["status"] != psutil.STATUS_ZOMBIE
    ]


def wait_until(condition, *, within_s):
    until = time.monotonic() + within_s
    while not condition() and time.monotonic() < until:
        time.sleep(0.01)
    return condition()


async def run(*argv, timeout_s=10.0, **options):
    return await run_process(argv, timeout_s=timeout_s, **options)


async def test_a_program_brings_back_its_output_and_its_exit_code():
    result = await run("sh", "-c", "echo out; echo err >&2; exit 3")

    assert (result.ok, result.rc, result.stdout, result.stderr) == (False, 3, "out\n", "err\n")
    assert result.error == "exit code 3"
    assert not result.truncated
    assert result.t_ms > 0


async def test_a_program_that_reads_finds_nothing_and_does_not_wait():
    assert (await run("cat", timeout_s=2)).ok


async def test_a_program_reads_what_it_is_given():
    text = b"line\n" * 100_000

    result = await run("wc", "-c", stdin=text)

    assert result.stdout.strip() == str(len(text))


async def test_a_missing_program_is_named():
    result = await run("no-such-program-here")

    assert result.rc == -2
    assert "no-such-program-here" in result.error


@pytest.mark.parametrize("argument", ["nul \0 inside", "lone \ud800 surrogate", "x" * 3_000_000])
async def test_arguments_that_no_program_takes_are_a_result(argument):
    result = await run("echo", argument)

    assert not result.ok
    assert "cannot be started" in result.error


async def test_a_folder_that_is_not_there_is_a_result(tmp_path):
    assert "cannot be started" in (await run("true", cwd=str(tmp_path / "gone"))).error


async def test_a_program_that_is_killed_says_by_what():
    result = await run("sh", "-c", "kill -SEGV $$")

    assert result.rc == 128 + signal.SIGSEGV
    assert "SIGSEGV" in result.error


async def test_the_time_limit_keeps_what_was_printed(long_sleep):
    started = time.monotonic()

    result = await run("sh", "-c", f"echo before; sleep {long_sleep}", timeout_s=0.4)

    assert time.monotonic() - started < 0.9
    assert (result.rc, result.error, result.stdout) == (-1, "timeout after 0.4s", "before\n")


@pytest.mark.parametrize(
    "script",
    [
        "sleep {s} & sleep {s}",
        "setsid sleep {s} & sleep {s}",
        "(setsid sleep {s} &) ; exec sleep {s}",
        "trap '' TERM INT HUP; setsid sh -c 'trap \"\" TERM; while :; do sleep {s}; done' & wait",
        "for i in 1 2 3 4 5; do (setsid nohup sh -c 'sleep {s} & sleep {s}' &) ; done; sleep {s}",
    ],
)
async def test_the_time_limit_holds_though_grandchildren_hold_the_pipe(script, long_sleep):
    started = time.monotonic()

    result = await run("sh", "-c", script.format(s=long_sleep), timeout_s=0.4)

    assert time.monotonic() - started < 0.9
    assert result.rc == -1
    assert sleeping(long_sleep) == []


async def test_what_runs_on_in_the_background_ends_with_its_program(long_sleep):
    started = time.monotonic()

    result = await run("sh", "-c", f"setsid sleep {long_sleep} & sleep {long_sleep} & echo done")

    assert time.monotonic() - started < 2
    assert (result.rc, result.stdout) == (0, "done\n")
    assert sleeping(long_sleep) == []


async def test_a_script_that_kills_its_group_ends_only_itself(long_sleep):
    result = await run("sh", "-c", f"sleep {long_sleep} & echo on; kill 0")

    assert (result.rc, result.stdout) == (128 + signal.SIGTERM, "on\n")


async def test_a_program_that_kills_its_supervisor_leaves_nothing_either(long_sleep):
    result = await run("sh", "-c", f"sleep {long_sleep} & kill -9 $PPID; sleep {long_sleep}")

    assert not result.ok


async def test_300_mb_are_read_within_little_memory_and_head_and_tail_are_kept():
    code = "import sys\nprint('head')\nfor _ in range(300): sys.stdout.write('x' * 1_000_000)\nprint('tail')"
    tracemalloc.start()

    result = await run(PYTHON, "-c", code, timeout_s=30)

    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert result.ok
    assert result.truncated
    assert result.stdout.startswith("head\n")
    assert result.stdout.endswith("tail\n")
    assert "[300000010 bytes, middle left out]" in result.stdout
    assert len(result.stdout) < 21_000
    assert peak < 4_000_000


async def test_endless_output_ends_with_the_time_limit():
    started = time.monotonic()

    result = await run("yes", timeout_s=0.5)

    assert time.monotonic() - started < 1.0
    assert (result.rc, result.truncated) == (-1, True)


async def test_the_loop_stays_free_while_a_program_floods_it():
    pauses = []

    async def beat():
        while True:
            before = time.monotonic()
            await asyncio.sleep(0.01)
            pauses.append(time.monotonic() - before)

    heart = asyncio.create_task(beat())
    await run("yes", timeout_s=0.5)
    heart.cancel()

    assert len(pauses) > 10
    assert max(pauses) < 0.2


def test_a_cut_never_goes_through_a_character():
    output = CappedOutput(10)

    for byte in ("ä" * 50).encode():
        output.feed(bytes([byte]))

    assert output.text == "äää\n... [100 bytes, middle left out] ...\nää"


def test_output_below_the_cap_stays_whole():
    output = CappedOutput(10)
    output.feed(b"12345")
    output.feed(b"67890")

    assert (output.text, output.is_truncated) == ("1234567890", False)


async def test_the_environment_holds_no_keys(monkeypatch):
    for name in ("OPENAI_API_KEY", "MINI_AGENT_API_KEY", "GITHUB_TOKEN", "AWS_SECRET_ACCESS_KEY", "PYTHONPATH"):
        monkeypatch.setenv(name, "secret-value")

    result = await run("env")

    assert "PATH=" in result.stdout
    assert "secret-value" not in result.stdout


async def test_a_program_works_in_a_folder_of_its_own(scratch_root):
    result = await run("sh", "-c", "pwd; echo $HOME; mkdir -p a/b; touch a/b/c; chmod 500 a/b a; ls")

    where, home, listed = result.stdout.split()
    assert where == home
    assert Path(where).parent == scratch_root
    assert listed == "a"


async def test_a_program_may_run_elsewhere(tmp_path):
    assert (await run("pwd", cwd=str(tmp_path))).stdout.strip() == str(tmp_path)


async def test_memory_is_limited():
    limits = ProcessLimits(memory_mb=200)

    result = await run(PYTHON, "-c", "bytearray(1 << 30)", limits=limits)

    assert "MemoryError" in result.stderr


async def test_the_size_of_files_is_limited():
    code = "open('big', 'wb').write(bytes(3 << 20))"

    result = await run(PYTHON, "-c", code, limits=ProcessLimits(file_mb=2))

    assert "File too large" in result.stderr


async def test_the_number_of_processes_is_limited(long_sleep):
    code = f"for i in $(seq 40); do sleep {long_sleep} & done; wait"

    result = await run("sh", "-c", code, limits=ProcessLimits(processes=20))

    assert not result.ok
    assert result.rc != -1
    assert "more than 20 processes" in result.stderr or "ork" in result.stderr


async def test_the_limits_leave_room_for_numpy():
    result = await run(PYTHON, "-c", "import numpy as np; print((np.ones((500, 500)) @ np.ones((500, 500))).sum())")

    assert result.stdout.strip() == "125000000.0"


@pytest.mark.parametrize("after_s", [0, 0.002, 0.005, 0.01, 0.015, 0.02, 0.025, 0.03, 0.04, 0.06, 0.1, 0.2])
async def test_cancelling_at_any_moment_leaves_nothing(after_s, long_sleep, scratch_root):
    before = set(psutil.Process().children())
    work = asyncio.create_task(run("sh", "-c", f"setsid sleep {long_sleep} & sleep {long_sleep}"))
    await asyncio.sleep(after_s)
    started = time.monotonic()

    work.cancel()
    await asyncio.wait({work})

    assert time.monotonic() - started < 1.0
    assert work.cancelled()
    assert sleeping(long_sleep) == []
    assert set(psutil.Process().children()) <= before
    assert list(scratch_root.iterdir()) == []


async def test_cancelling_again_and_again_does_not_break_off_the_cleanup(long_sleep):
    work = asyncio.create_task(run("sh", "-c", f"setsid sleep {long_sleep} & sleep {long_sleep}"))
    await asyncio.sleep(0.1)

    while not work.done():
        work.cancel()
        await asyncio.sleep(0)

    assert work.cancelled()
    assert sleeping(long_sleep) == []


def test_a_loop_that_ends_takes_its_programs_along(long_sleep):
    async def leave_it_running():
        background = asyncio.create_task(run("sh", "-c", f"setsid sleep {long_sleep} & sleep {long_sleep}"))
        await asyncio.sleep(0.15)
        assert sleeping(long_sleep)
        return background

    with asyncio.Runner() as runner:
        runner.run(leave_it_running())

    assert sleeping(long_sleep) == []


def test_programs_run_from_a_loop_in_any_thread(long_sleep):
    results = []

    async def several():
        fast = asyncio.gather(*(run("echo", str(number)) for number in range(4)))
        slow = run("sleep", long_sleep, timeout_s=0.3)
        results.extend([*await fast, await slow])

    def work():
        with asyncio.Runner() as runner:
            runner.run(several())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(timeout=10)

    assert [result.stdout for result in results[:4]] == ["0\n", "1\n", "2\n", "3\n"]
    assert results[4].rc == -1


@pytest.mark.parametrize("after_s", [0.0, 0.3])
def test_an_owner_that_is_killed_takes_its_programs_along(after_s, long_sleep, scratch_root):
    code = (
        "import asyncio, sys, tempfile\n"
        "from liteagent_nb.kernels.processes import run_process\n"
        f"tempfile.tempdir = {str(scratch_root)!r}\n"
        "async def main():\n"
        f"    await run_process(['sh', '-c', 'setsid sleep {long_sleep} & sleep {long_sleep}'], timeout_s=100)\n"
        "asyncio.run(main())\n"
    )
    owner = subprocess.Popen([PYTHON, "-c", code])
    assert wait_until(lambda: list(scratch_root.iterdir()), within_s=10)
    time.sleep(after_s)

    os.kill(owner.pid, signal.SIGKILL)
    owner.wait()

    assert wait_until(lambda: not sleeping(long_sleep), within_s=1.5)
    assert after_s == 0 or wait_until(lambda: not list(scratch_root.iterdir()), within_s=1.5)
    for empty in scratch_root.iterdir():  # killed before it could hand over its folder
        empty.rmdir()
