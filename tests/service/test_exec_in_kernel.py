"""`%exec` in a real kernel, with real sidecar kernels: what a front end is sent, stop, faults, variables, the end."""

from __future__ import annotations

import time

import psutil
import pytest
from notebook_kernel import new_kernel


@pytest.fixture(scope="module")
def kernel():
    with new_kernel() as one:
        assert one.run("%load_ext liteagent_nb\n%exec 1").reply["status"] == "ok"
        yield one


def printed(cell, name="stdout"):
    return "".join(content["text"] for content in cell.of("stream") if content["name"] == name)


def family(kernel):
    """Return the processes that the notebook's kernel has started and that still run."""
    return psutil.Process(kernel.manager.provisioner.pid).children(recursive=True)


def test_prints_and_values_are_the_cells_own_outputs(kernel):
    cell = kernel.run("%%exec\nimport sys\nprint('out')\nprint('err', file=sys.stderr)\n6 * 7")

    assert cell.reply["status"] == "ok"
    assert (printed(cell), printed(cell, "stderr")) == ("out\n", "err\n")
    assert cell.texts == ["42"]
    assert cell.of("execute_result") == []
    assert kernel.run("_exec_result.result").texts == ["'42'"]


def test_state_is_kept_from_cell_to_cell_apart_from_the_notebook(kernel):
    kernel.run("%exec x = 'there'")

    assert kernel.run("%exec print(x)").of("stream")[0]["text"] == "there\n"
    assert kernel.run("x").reply["ename"] == "NameError"
    assert kernel.run("%exec --fresh print(x)").reply["ename"] == "NameError"


def test_text_comes_while_it_runs(kernel):
    cell = kernel.run("%%exec\nimport time\nfor n in range(4):\n    print(n)\n    time.sleep(0.2)")

    times = [at for kind, _, at in cell.messages if kind == "stream"]
    assert printed(cell) == "0\n1\n2\n3\n"
    assert len(times) == 4
    assert 0.5 < times[-1] - times[0] < 2


def test_a_plot_html_and_updates_arrive_as_mime_bundles(kernel):
    cell = kernel.run(
        "%%exec\nimport matplotlib.pyplot as plt\nfrom IPython.display import HTML, display\n"
        "display(HTML('<b>bold</b>'))\nplt.plot([1, 3, 2])\nplt.show()\n"
        "handle = display('first', display_id=True)\nimport time; time.sleep(0.2)\nhandle.update('second')",
        timeout_s=90,
    )

    kinds = [set(content["data"]) for content in cell.of("display_data")]
    assert kinds == [{"text/html", "text/plain"}, {"image/png", "text/plain"}, {"text/plain"}]
    assert cell.of("display_data")[1]["data"]["image/png"].startswith("iVBOR")
    (update,) = cell.of("update_display_data")
    assert update["data"] == {"text/plain": "'second'"}
    assert update["transient"] == cell.of("display_data")[2]["transient"]


def test_an_animation_clears_what_it_drew(kernel):
    cell = kernel.run(
        "%%exec\nimport time\nfrom IPython.display import clear_output\nfor n in range(3):\n"
        "    clear_output(wait=True)\n    print('frame', n)\n    time.sleep(0.15)"
    )

    assert cell.of("clear_output")
    assert printed(cell).endswith("frame 2\n")


def test_twenty_thousand_lines_are_few_messages_and_none_is_lost(kernel):
    cell = kernel.run("%%exec\nfor n in range(20_000):\n    print(n, flush=True)")

    assert printed(cell) == "".join(f"{n}\n" for n in range(20_000))
    assert len(cell.of("stream")) < 200


def test_output_lands_in_its_own_cell_and_in_what_captures_it(kernel):
    kernel.run("%%capture caught\n%exec print('kept'); display(5)")

    assert kernel.run("caught.stdout, len(caught.outputs)").texts == ["('kept\\n', 1)"]
    code = "import contextlib, io\nwith contextlib.redirect_stdout(io.StringIO()) as text:\n    %exec print('here')\ntext.getvalue()"
    assert kernel.run(code).texts == ["'here\\n'"]


def test_an_error_is_that_of_the_sidecar(kernel):
    cell = kernel.run("%%exec\ndef half(n):\n    return n / 0\nhalf(4)")

    assert (cell.reply["ename"], cell.reply["evalue"]) == ("ZeroDivisionError", "division by zero")
    text = "\n".join(cell.reply["traceback"])
    assert "half" in text
    assert "liteagent" not in text


def test_a_time_limit_is_two_lines_and_the_context_goes_on(kernel):
    kernel.run("%exec kept = 5")

    started = time.monotonic()
    cell = kernel.run("%exec --timeout 1 while True: pass")
    took_s = time.monotonic() - started

    assert took_s < 2.5
    assert (cell.reply["ename"], len(cell.reply["traceback"])) == ("ExecTimeout", 2)
    assert "context main goes on with its variables" in cell.reply["traceback"][1]
    assert kernel.run("%exec kept").texts == ["5"]


@pytest.mark.parametrize("waits", ["while True: pass", "time.sleep(60)", "import asyncio; await asyncio.sleep(60)"])
def test_stop_interrupts_the_sidecar_and_its_variables_survive(kernel, waits):
    kernel.run("%exec kept = 'alive'; import time")
    pressed = []

    def press(kind, content):
        if not pressed and kind == "stream" and "working" in content["text"]:
            pressed.append(time.monotonic())
            kernel.manager.interrupt_kernel()

    cell = kernel.run(f"%%exec -o kept\nprint('working')\n{waits}", on_message=press)

    assert time.monotonic() - pressed[0] < 1.5
    assert cell.reply["ename"] == "KeyboardInterrupt"
    assert cell.reply["traceback"] == [
        "KeyboardInterrupt: stopped; context main goes on with its variables",
        "Hint: what came so far is kept in _exec_result",
    ]
    assert printed(cell) == "working\n"
    assert kernel.run("%exec print(kept)\nprint(kept.status, kept is _exec_result)").texts == []
    assert printed(kernel.run("%exec print(kept)\nprint(kept.status, kept.stdout)")) == "alive\ninterrupted working\n\n"


def test_stop_of_what_cannot_be_stopped_says_that_the_variables_are_gone(kernel):
    code = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nprint('deaf')\nwhile True: pass"
    pressed = []

    def press(kind, content):
        if not pressed and kind == "stream":
            pressed.append(time.monotonic())
            kernel.manager.interrupt_kernel()

    cell = kernel.run(f"%%exec -c deaf\n{code}", on_message=press)

    assert time.monotonic() - pressed[0] < 5
    assert "the variables of context deaf are gone" in cell.reply["traceback"][0]
    assert kernel.run("%exec -c deaf 5").texts == ["5"]
    kernel.run("%exec close deaf")


def test_a_sidecar_that_dies_is_told_and_replaced(kernel):
    cell = kernel.run("%exec import os; os._exit(1)")

    assert (cell.reply["ename"], len(cell.reply["traceback"])) == ("DeadKernel", 2)
    assert "exited with code 1" in cell.reply["traceback"][0]
    assert kernel.run("%exec 1 + 1").texts == ["2"]


def test_variables_cross_when_named_frames_and_arrays_unchanged(kernel):
    kernel.run(
        "import numpy as np, pandas as pd\n"
        "df = pd.DataFrame({'n': [1, 2], 's': ['a', None], 't': pd.to_datetime(['2026-01-01', None])})\n"
        "class Point:\n    x = 1"
    )

    cell = kernel.run(
        "%%exec --in df --out back --out total\nback = df.copy()\ntotal = {'sum': df.n.sum(), 'n': len(df)}"
    )

    assert cell.reply["status"] == "ok"
    assert kernel.run("pd.testing.assert_frame_equal(df, back)\ntotal['sum'] == 3, total['n']").texts == [
        "(np.True_, 2)"
    ]
    kernel.run("point = Point()")
    assert "must be defined in the context first" in kernel.run("%exec --in point 1").reply["traceback"][1]
    refused = kernel.run("%exec --out secret secret = open")
    assert "cannot come back" in refused.reply["traceback"][0]


def test_ten_megabytes_cross_both_ways(kernel):
    kernel.run("big = np.random.default_rng(0).random(1_250_000)")

    started = time.monotonic()
    cell = kernel.run("%exec --in big --out twice twice = big * 2", timeout_s=60)

    print(f"10 MB both ways: {time.monotonic() - started:.1f} s")
    assert cell.reply["status"] == "ok"
    assert kernel.run("bool((twice == big * 2).all())").texts == ["True"]
    assert int(printed(kernel.run("%exec print(sum(map(len, In)))"))) < 100_000  # its history keeps no piece of it


def test_programs_run_and_their_exit_codes_are_told(kernel):
    assert printed(kernel.run("%%exec --lang bash\nfor n in 1 2; do echo line $n; done")) == "line 1\nline 2\n"
    cell = kernel.run("%%exec --lang bash\necho before\nexit 3")
    assert printed(cell) == "before\n"
    assert (cell.reply["ename"], "3" in cell.reply["evalue"]) == ("ExecError", True)
    assert kernel.run("%exec --lang klingon nuqneH").reply["ename"] == "ConfigError"


def test_contexts_are_listed_restarted_and_closed_without_a_process_left(kernel):
    kernel.run("%exec -c second x = 1")
    assert "second  python · idle · " in kernel.run("%exec list").texts[0]

    kernel.run("%exec restart second")
    assert kernel.run("%exec -c second x").reply["ename"] == "NameError"
    pid = int(kernel.run("%exec -c second import os; print(os.getpid())").of("stream")[0]["text"])
    kernel.run("%exec close second")

    psutil.wait_procs([psutil.Process(pid)] if psutil.pid_exists(pid) else [], timeout=5)
    assert not psutil.pid_exists(pid)
    assert "second" not in kernel.run("%exec list").texts[0]


def test_a_cell_finds_the_files_beside_the_notebook(kernel):
    here = kernel.run("import os\nprint(os.getcwd())").of("stream")[0]["text"]

    assert printed(kernel.run("%exec -c fresh_folder import os; print(os.getcwd())")) == here
    kernel.run("%exec close fresh_folder")


@pytest.mark.parametrize("end", ["%unload_ext liteagent_nb", "exit()", "import os; os._exit(0)"])
def test_no_process_is_left_when_the_notebook_goes(end):
    with new_kernel() as kernel:
        kernel.run("%load_ext liteagent_nb\n%exec 1\n%exec -c other 1")
        left = family(kernel)
        assert left

        message_id = kernel.client.execute(end, allow_stdin=False)
        assert message_id
        _, alive = psutil.wait_procs(left, timeout=10)

    assert alive == []
