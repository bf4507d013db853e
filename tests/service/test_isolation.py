"""Behind the wall, code sees neither the user's files nor the network; it is interrupted and ended like any other."""

import shutil
import time
from pathlib import Path

import psutil
import pytest

from liteagent_nb.assembly import make_executor
from liteagent_nb.core.errors import ConfigError
from liteagent_nb.kernels import isolation


@pytest.fixture
async def walled():
    executor = make_executor(isolate=True)
    yield executor
    await executor.aclose()


async def test_a_kernel_behind_the_wall_reads_no_file_of_the_user_s(walled, tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("mine")

    result = await walled.execute(f"open({str(secret)!r}).read()", timeout_s=30)

    assert result.exception["ename"] == "FileNotFoundError"
    assert (await walled.execute("open('/etc/shadow')")).exception["ename"] == "FileNotFoundError"


async def test_a_kernel_behind_the_wall_writes_nothing_but_its_own_folder(walled, tmp_path):
    code = f"open('own.txt', 'w').write('x')\nopen({str(Path(shutil.__file__).parent / 'evil.py')!r}, 'w')"

    result = await walled.execute(code, timeout_s=30)

    assert result.exception["ename"] == "OSError"
    assert "Read-only" in result.exception["evalue"]


async def test_a_kernel_behind_the_wall_reaches_no_server(walled, strict_port):
    code = f"import socket\nsocket.create_connection(('127.0.0.1', {strict_port}), timeout=3)"

    result = await walled.execute(code, timeout_s=30)

    assert result.exception["ename"] in {"ConnectionRefusedError", "OSError"}


@pytest.fixture
def strict_port():
    """A port of this machine that somebody listens on."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


async def test_a_time_limit_holds_behind_the_wall_and_the_state_is_kept(walled):
    await walled.create(name="a")
    await walled.execute("kept = 1", context="a")
    began = time.monotonic()

    result = await walled.execute("while True: pass", context="a", timeout_s=0.5)

    assert (result.status, result.state_lost) == ("timeout", False)
    assert time.monotonic() - began < 2.5
    assert (await walled.execute("kept", context="a")).result == "1"


async def test_what_was_started_behind_the_wall_is_gone_with_it(walled):
    status = await walled.create(name="a")
    await walled.execute("import subprocess; p = subprocess.Popen(['sleep', '987654'])", context="a", timeout_s=30)

    await walled.close("a")

    assert not psutil.pid_exists(status.pid)
    assert not [p for p in psutil.process_iter(["cmdline"]) if "987654" in (p.info["cmdline"] or ())]


async def test_programs_run_behind_the_wall_too(walled, tmp_path):
    result = await walled.execute(f"echo hi; cat {tmp_path} 2>&1; ls {tmp_path}", language="bash")

    assert result.stdout.startswith("hi\n")
    assert "No such file" in result.stderr + result.stdout


async def test_a_machine_that_cannot_build_walls_says_so_and_runs_nothing(monkeypatch, tmp_path):
    isolation._bubblewrap.cache_clear()
    monkeypatch.setenv("PATH", str(tmp_path))
    executor = make_executor(isolate=True)
    try:
        with pytest.raises(ConfigError, match="bubblewrap is not on this machine") as refused:
            await executor.execute("print(1)")
        assert "--isolate" in refused.value.hint
    finally:
        await executor.aclose()
        isolation._bubblewrap.cache_clear()
