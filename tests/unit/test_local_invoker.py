"""The tools that every agent has."""

import asyncio
import shutil
import tempfile
import time

import psutil
import pytest

from liteagent_nb.core.protocols import Invoker
from liteagent_nb.kernels.languages import LANGUAGES, find_language
from liteagent_nb.tools.local_invoker import LocalMCPInvoker


@pytest.fixture(autouse=True)
def scratch_root(tmp_path, monkeypatch):
    """Scratch folders land here, and none of them stays."""
    root = tmp_path / "scratch"
    root.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(root))
    before = set(psutil.Process().children(recursive=True))  # a server of other tests, perhaps
    yield root
    assert list(root.iterdir()) == []
    assert set(psutil.Process().children(recursive=True)) <= before


async def python(code, **options):
    return await LocalMCPInvoker(**options).call_tool("exec_python", {"code": code}, timeout_s=20)


async def code(language, text):
    return await LocalMCPInvoker(tool_timeout_sec=60).call_tool("exec_code", {"language": language, "code": text})


async def shell(cmd, *allowed):
    return await LocalMCPInvoker(shell_allow_prefixes=allowed or ("echo",)).call_tool("exec_shell", {"cmd": cmd})


async def test_five_tools_are_offered_and_those_that_run_code_run_alone():
    local = LocalMCPInvoker()

    tools = {tool.name: tool for tool in await local.list_tools()}

    assert isinstance(local, Invoker)
    assert list(tools) == ["exec_python", "exec_shell", "exec_code", "research_echo", "compress_runs"]
    assert [tool.name for tool in tools.values() if tool.run_alone] == ["exec_python", "exec_shell", "exec_code"]
    assert all(tool.description for tool in tools.values())
    assert {name: list(tool.parameters["properties"]) for name, tool in tools.items()} == {
        "exec_python": ["code"],
        "exec_shell": ["cmd"],
        "exec_code": ["language", "code"],
        "research_echo": ["query"],
        "compress_runs": ["s"],
    }


@pytest.mark.parametrize(
    ("text", "stdout"),
    [
        ("print(123)", "123\n"),
        ("1 + 1", "2\n"),
        ("x = 6\nx * 7", "42\n"),
        ("'text'", "'text'\n"),
        ("None", ""),
        ("x = 1", ""),
        ("", ""),
        ("print('shown')\n5", "shown\n"),
        ("import sys\nsys.stdout.write('shown\\n')", "shown\n"),
        ("def f():\n    return 3\nf()", "3\n"),
        ("from __future__ import annotations\n1", "1\n"),
        ("```python\nprint(1)\n```", "1\n"),
        ("print('ä', chr(0x1F600))", "ä \U0001f600\n"),
        ("__name__", "'__main__'\n"),
        ("open('m.py', 'w').write('x = 5')\nimport m\nm.x", "5\n"),
        ("import dataclasses\n@dataclasses.dataclass\nclass A:\n    x: int\nA(1)", "A(x=1)\n"),
        ("import pickle\nclass A: pass\ntype(pickle.loads(pickle.dumps(A()))).__name__", "'A'\n"),
        ("import sys\nsys.argv", "['main.py']\n"),
    ],
)
async def test_python_shows_what_it_prints_or_else_its_last_value(text, stdout):
    observation = await python(text)

    assert (observation.ok, observation.rc, observation.stdout) == (True, 0, stdout)
    assert observation.text == stdout
    assert observation.language == "python"


async def test_python_errors_show_the_users_lines_and_no_others():
    observation = await python("def f():\n    return 1 / 0\nprint('before')\nf()")

    assert (observation.ok, observation.rc, observation.stdout) == (False, 1, "before\n")
    lines = [line for line in observation.stderr.splitlines() if line.strip(" ~^")]  # each Python marks its own way
    assert lines == [
        "Traceback (most recent call last):",
        '  File "main.py", line 4, in <module>',
        "    f()",
        '  File "main.py", line 2, in f',
        "    return 1 / 0",
        "ZeroDivisionError: division by zero",
    ]


async def test_python_that_cannot_be_parsed_shows_where():
    observation = await python("x = (1,\ny = 2")

    assert observation.rc == 1
    assert observation.stderr.startswith('  File "main.py", line 1')
    assert "SyntaxError" in observation.stderr


async def test_python_exits_with_the_code_it_says():
    assert (await python("import sys\nprint('x')\nsys.exit(7)")).rc == 7


async def test_python_has_the_packages_of_the_notebook_and_none_of_its_folder():
    observation = await python("import numpy, os\nprint(numpy.__name__, os.listdir())")

    assert observation.stdout == "numpy ['main.py']\n"


async def test_python_can_start_processes_of_its_own():
    text = "import multiprocessing as mp\nif __name__ == '__main__':\n    print(mp.get_context('spawn').Pool(2).map(abs, [-1, -2]))"

    assert (await python(text)).stdout == "[1, 2]\n"


@pytest.mark.parametrize("limits", [{"tool_timeout_sec": 0.5}, {}])
async def test_the_smaller_time_limit_holds_and_what_was_printed_is_kept(limits):
    started = time.monotonic()

    observation = await LocalMCPInvoker(**limits).call_tool(
        "exec_python", {"code": "print('before')\nwhile True: pass"}, timeout_s=5.0 if limits else 0.5
    )

    assert time.monotonic() - started < 1.0
    assert (observation.rc, observation.error, observation.stdout) == (-1, "timeout after 0.5s", "before\n")


async def test_code_sees_no_keys(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "secret-value")

    assert "secret-value" not in (await python("import os\nprint(dict(os.environ))")).stdout


async def test_code_that_cannot_be_written_as_utf_8_is_run_all_the_same():
    assert (await python("print('a\ud800b')")).ok


async def test_cancelling_leaves_no_process_and_no_folder(scratch_root):
    work = asyncio.create_task(python("import subprocess\nsubprocess.run(['sleep', '3600'])"))
    await asyncio.sleep(0.3)

    work.cancel()
    await asyncio.wait({work}, timeout=1.0)

    assert work.cancelled()


async def test_an_allowed_command_runs_and_no_shell_reads_it():
    observation = await shell("echo x; rm y && echo $HOME > out | cat")

    assert observation.stdout == "x; rm y && echo $HOME > out | cat\n"
    assert observation.language == "shell"


@pytest.mark.parametrize("cmd", ["rm -rf y", "echofoo", "/bin/echo x", "", "   ", "'echo x'", "FOO=1 echo x"])
async def test_a_command_whose_first_word_is_not_allowed_is_refused(cmd):
    observation = await shell(cmd)

    assert not observation.ok
    assert "prefix not allowed" in observation.error
    assert "allowed: echo" in observation.error


async def test_a_prefix_may_be_of_several_words():
    assert (await shell("echo a b", "echo a")).ok
    assert "prefix not allowed" in (await shell("echo b", "echo a")).error
    assert "allowed: none" in (await shell("echo b", " ")).error


async def test_a_command_that_cannot_be_read_is_told():
    assert "No closing quotation" in (await shell("echo 'x")).error


async def test_a_command_that_is_not_there_is_named():
    observation = await shell("no-such-program x", "no-such-program")

    assert observation.rc == -2
    assert "no-such-program" in observation.error


HELLO = {
    "python": "print('hi')",
    "bash": "x=(hi); echo ${x[0]}",
    "sh": "echo hi",
    "javascript": "console.log('hi')",
    "typescript": "const x: string = 'hi'; console.log(x)",
    "c": '#include <stdio.h>\nint main(void) { puts("hi"); }',
    "cpp": '#include <iostream>\nint main() { std::cout << "hi\\n"; }',
    "go": 'package main\nimport "fmt"\nfunc main() { fmt.Println("hi") }',
    "rust": 'fn main() { println!("hi"); }',
    "java": 'class A { public static void main(String[] a) { System.out.println("hi"); } }',
    "ruby": "puts 'hi'",
    "perl": 'print "hi\\n"',
}


@pytest.mark.parametrize("language", HELLO)
async def test_a_language_runs_or_its_missing_tool_is_named(language):
    observation = await code(language, HELLO[language])

    assert observation.language == language
    if observation.rc == -2:
        needed = {argv[0] for argv in (*find_language(language).compile, *find_language(language).run)}
        assert language == "typescript" or not all(map(shutil.which, needed))
        assert any(program in observation.error for program in needed)
    else:
        assert (observation.stdout, observation.rc) == ("hi\n", 0)


def test_every_language_is_tried_above():
    assert [language.name for language in LANGUAGES] == list(HELLO)


@pytest.mark.parametrize(("alias", "name"), [("Py", "python"), ("js", "javascript"), ("c++", "cpp"), ("shell", "bash")])
def test_languages_go_by_their_other_names_too(alias, name):
    assert find_language(alias).name == name


async def test_what_does_not_compile_shows_why():
    observation = await code("c", "int main(void) { return x; }")

    assert not observation.ok
    assert observation.rc == 1
    assert "main.c:1" in observation.stderr
    assert "undeclared" in observation.stderr


async def test_an_unknown_language_is_told_with_the_list():
    observation = await code("cobol", "")

    assert "unknown language 'cobol'" in observation.error
    assert "python, bash" in observation.error


async def test_research_needs_no_key_and_no_network():
    observation = await LocalMCPInvoker().call_tool("research_echo", {"query": "what is new"})

    assert (observation.ok, observation.text) == (True, "what is new")


@pytest.mark.parametrize("name", ["research_perplexity", "research_context7"])
async def test_research_that_is_not_set_up_fails_softly(name):
    observation = await LocalMCPInvoker().call_tool(name, {"query": "x"})

    assert not observation.ok
    assert "research_echo" in observation.error


@pytest.mark.parametrize(("text", "runs"), [("aaabbc", "a3b2c1"), ("", ""), ("a", "a1"), ("ababab", "a1b1a1b1a1b1")])
async def test_runs_are_compressed(text, runs):
    assert (await LocalMCPInvoker().call_tool("compress_runs", {"s": text})).text == runs


async def test_wrong_arguments_are_told():
    observation = await LocalMCPInvoker().call_tool("exec_python", {"cod": "1"})

    assert "did you mean 'code'?" in observation.error
