"""Runs a Python file as `__main__`; shows the value of a trailing expression where nothing was printed. A script.

Small models forget `print`. So does everybody who is used to notebooks.
"""

from __future__ import annotations

# ruff: noqa: PTH123 - pathlib would slow down every start
import sys
from _ast import Expr, Expression, Module, PyCF_ONLY_AST

__all__: list[str] = []


def _run(path: str, names: dict[str, object]) -> None:
    with open(path, encoding="utf-8") as file:
        tree = compile(file.read(), path, "exec", PyCF_ONLY_AST, dont_inherit=True)
    assert isinstance(tree, Module)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], Expr) else None
    printed = _note_printing()
    exec(compile(tree, path, "exec", dont_inherit=True), names)  # noqa: S102 - what this file is for
    if isinstance(last, Expr):
        expression = compile(Expression(last.value), path, "eval", dont_inherit=True)
        value = eval(expression, names)  # noqa: S307
        if value is not None and not printed:
            print(repr(value))  # noqa: T201


def _note_printing() -> list[bool]:
    """Return a list that is empty until something is written to stdout."""
    printed: list[bool] = []
    write = sys.stdout.write

    def note_and_write(text: str) -> int:
        printed.append(True)
        sys.stdout.write = write  # type: ignore[method-assign]
        return write(text)

    sys.stdout.write = note_and_write  # type: ignore[method-assign]
    return printed


def _main() -> None:
    sys.argv = sys.argv[1:]
    sys.path.insert(0, "")
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # a stopped program's output is kept
    program = type(sys)("__main__")
    program.__dict__.update(__file__=sys.argv[0], __builtins__=__builtins__, __annotations__={})
    sys.modules["__main__"] = program
    try:
        _run(sys.argv[0], program.__dict__)
    except SystemExit:
        raise
    except BaseException as error:  # noqa: BLE001 - shown as Python shows it, without this file's frames
        trace = error.__traceback__
        while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
            trace = trace.tb_next
        sys.excepthook(type(error), error.with_traceback(trace), trace)
        raise SystemExit(1) from None


if __name__ == "__main__":
    _main()
