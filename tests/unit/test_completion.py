"""Tab completion on the lines of `%agent`, `%exec` and `%parity`."""

from __future__ import annotations

import atexit
import warnings

import pytest
from IPython.core.interactiveshell import InteractiveShell
from PIL import Image
from tiny_contexts import TinyContexts
from traitlets.config import Config

from liteagent_nb.magics.executors import Executors, Place
from liteagent_nb.testing import ScriptedModel


@pytest.fixture
def complete():
    config = Config()
    config.HistoryManager.enabled = False
    config.Completer.use_jedi = False
    shell = InteractiveShell(config=config)
    atexit.unregister(shell.atexit_operations)
    shell.run_line_magic("load_ext", "liteagent_nb")
    magics = shell.magics_manager.registry["ExecMagics"]
    magics.executors = Executors(magics.portal, TinyContexts)
    magics.ask(magics.executors[Place()].create(name="my_context"))
    shell.user_ns.update(my_model=ScriptedModel("x"), double=lambda n: n, rows=[1], photo=Image.new("L", (2, 2)))

    def completions(text, at=None):
        position = len(text) if at is None else at
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # IPython calls its own completions provisional
            return [found.text for found in shell.Completer.completions(text, position)]

    yield completions
    shell.run_line_magic("unload_ext", "liteagent_nb")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("%agent --max-i", "--max-iterations"),
        ("%%agent --esc", "--escalate"),
        ("x = %agent --mod", "--model"),
        ("%agent --model open", "openai/gpt-4o-mini"),
        ("%agent -m my_", "my_model"),
        ("%agent --model local/", "local/smollm2"),
        ("%agent --escalate my", "my_model"),
        ("%agent --tool dou", "double"),
        ("%agent --tool exec_p", "exec_python"),
        ("%agent --tools-u", "--tools-url"),
        ("%agent --tools-url http", "http://127.0.0.1:8791"),
        ("%agent --image pho", "photo"),
        ("%agent sta", "status"),
        ("%agent serve st", "stop"),
        ("%agent serve --m", "--mcp"),
        ("%agent cassette rep", "replay"),
        ("%agent sum $`ro", "rows"),
        ("%%agent\nsum $`ro", "rows"),
        ("%exec --ti", "--timeout"),
        ("%%exec --fr", "--fresh"),
        ("x = %exec --con", "--context"),
        ("%%exec --lang ec", "echo"),
        ("%exec -l py", "python"),
        ("%exec --context ma", "main"),
        ("%exec -c my_c", "my_context"),
        ("%exec restart my_c", "my_context"),
        ("%%exec --in ro", "rows"),
        ("%exec resta", "restart"),
        ("%exec lang", "languages"),
        ("%parity --thr", "--thresh"),
        ("%parity core:l", "core:legacy"),
        ("%parity core:legacy core:e", "core:extracted"),
        ("x = %parity $dou", "$double"),
        ("%parity my_", "my_model"),
        ("%%parity openai/gpt-5 ant", "anthropic/claude-sonnet-4-5"),
        ("%parity summ", "summarize"),
    ],
)
def test_what_the_line_may_hold_is_completed(complete, text, expected):
    assert expected in complete(text)


def test_values_do_not_offer_what_does_not_suit(complete):
    assert "rows" not in complete("%agent --tool r")
    assert complete("%agent --image p") == ["photo"]
    assert complete("%agent tell me sta") != ["status"]
    assert "$rows" not in complete("%parity $r")
    assert "core:legacy" not in complete("%parity a --rounds ")
    assert "map" not in complete("%exec --context ma")
    assert "restart" not in complete("%exec x = resta")


def test_the_body_of_a_cell_and_other_lines_complete_as_python(complete):
    assert "rows" in complete("%%agent\nro")
    assert "rows" in complete("ro")
    assert "--timeout" not in complete("%%exec\nprint(--ti")
    assert not [text for text in complete("print(--max") if text.startswith("--")]


def test_the_files_that_may_name_mcp_servers_are_offered(complete, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("mcp.json", "mcp.cassette.json", "mcp.txt"):
        (tmp_path / name).touch()

    assert complete("%agent --mcp m") == ["mcp.json"]
