"""How a piece of code is run in each language: its file, what compiles it, what runs it."""

from __future__ import annotations

import asyncio
import site
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING, TypeAlias

from liteagent_nb.core.execution import ExecResult
from liteagent_nb.kernels.processes import MISSING_PROGRAM, TIME_LIMIT, run_process, scratch_folder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from liteagent_nb.core.execution import OutputWatcher
    from liteagent_nb.kernels.processes import ProcessLimits

__all__ = ["LANGUAGES", "Language", "Wall", "find_language", "run_code", "toolchain_variables", "unfenced"]

_PYTHON_RUNNER = str(Path(__file__).with_name("_python_runner.py"))


Wall: TypeAlias = Callable[[Sequence[str], str], list[str]]
"""Makes a program run behind a wall, given its arguments and the one folder that it may write."""


@dataclass(frozen=True, slots=True)
class Language:
    """One language. Of *run* and *compile*, the first line whose program is on this machine is taken."""

    name: str
    source: str
    """The name of the file that holds the code."""
    run: Sequence[tuple[str, ...]]
    compile: Sequence[tuple[str, ...]] = ()
    aliases: tuple[str, ...] = ()


LANGUAGES: tuple[Language, ...] = (
    # -P: the folder of the runner must not be importable.
    Language("python", "main.py", [(sys.executable, "-P", _PYTHON_RUNNER, "main.py")], aliases=("py", "python3")),
    Language("bash", "main.sh", [("bash", "main.sh")], aliases=("shell",)),
    Language("sh", "main.sh", [("sh", "main.sh")]),
    Language("javascript", "main.js", [("node", "main.js")], aliases=("js", "node")),
    Language(
        "typescript",
        "main.ts",
        [
            ("tsx", "main.ts"),
            ("bun", "run", "main.ts"),
            ("node", "--no-warnings", "--experimental-strip-types", "main.ts"),
        ],
        aliases=("ts",),
    ),
    Language(
        "c",
        "main.c",
        [("./main",)],
        compile=[(compiler, "-o", "main", "main.c", "-lm") for compiler in ("cc", "gcc", "clang")],
    ),
    Language(
        "cpp",
        "main.cpp",
        [("./main",)],
        compile=[(compiler, "-o", "main", "main.cpp") for compiler in ("c++", "g++", "clang++")],
        aliases=("c++", "cxx"),
    ),
    Language("go", "main.go", [("go", "run", "main.go")], aliases=("golang",)),
    Language("rust", "main.rs", [("./main",)], compile=[("rustc", "-o", "main", "main.rs")], aliases=("rs",)),
    Language("java", "Main.java", [("java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "Main.java")]),
    Language("ruby", "main.rb", [("ruby", "main.rb")], aliases=("rb",)),
    Language("perl", "main.pl", [("perl", "main.pl")], aliases=("pl",)),
)


def find_language(name: str) -> Language | None:
    """Return the language of that name, one of its other names, or None."""
    wanted = name.strip().lower()
    return next((language for language in LANGUAGES if wanted in (language.name, *language.aliases)), None)


async def run_code(
    language: Language,
    code: str,
    *,
    timeout_s: float,
    limits: ProcessLimits | None = None,
    wall: Wall | None = None,
    watch: OutputWatcher | None = None,
) -> ExecResult:
    """Compile and run *code* in a scratch folder of its own, all within *timeout_s*, behind a *wall* where one is."""
    loop = asyncio.get_running_loop()
    started_s = loop.time()
    result = ExecResult(ok=True, rc=0)
    async with scratch_folder() as folder:
        _write(Path(folder, language.source), unfenced(code))
        for choices in (language.compile, language.run):
            if not choices or not result.ok:
                continue
            left_s = timeout_s - (loop.time() - started_s)
            argv: Sequence[str] = next((argv for argv in choices if _is_here(argv[0], folder)), choices[0])
            argv = argv if wall is None else wall(argv, folder)
            result = await run_process(
                argv, timeout_s=left_s, env=toolchain_variables(), limits=limits, scratch=folder, watch=watch
            )
    return _explained(replace(result, t_ms=(loop.time() - started_s) * 1000), language, timeout_s)


def _write(path: Path, code: str) -> None:
    path.write_text(code, encoding="utf-8", errors="replace")


def _is_here(program: str, folder: str) -> bool:
    return which(program) is not None or Path(folder, program).exists()


def _explained(result: ExecResult, language: Language, timeout_s: float) -> ExecResult:
    if result.rc == TIME_LIMIT:  # of the whole, not of what was left after compiling
        return replace(result, status="timeout", error=f"timeout after {timeout_s:g}s")
    if language.name == "typescript" and "bad option: --experimental-strip-types" in result.stderr:
        return ExecResult(
            ok=False, rc=MISSING_PROGRAM, status="error", error="typescript needs tsx, bun, or node 22.6 or later"
        )
    return result


def unfenced(code: str) -> str:
    """Return the code without the Markdown fence that models like to put around it."""
    text = code.strip()
    if text.startswith("```") and text.endswith("```") and "\n" in text:
        return text[text.index("\n") + 1 : -3]
    return code


def toolchain_variables() -> Mapping[str, str]:
    """Return what tools need to find what the user installed, HOME being a scratch folder."""
    found = {}
    if site.ENABLE_USER_SITE:
        found["PYTHONUSERBASE"] = site.getuserbase()
    rustup = Path.home() / ".rustup"
    if rustup.is_dir():
        found["RUSTUP_HOME"] = str(rustup)
    return found
