"""The functions of a module, as tools: by its name, or by its file."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from liteagent_nb.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

__all__ = ["functions_of"]


def functions_of(module: str) -> list[Callable[..., object]]:
    """Return the functions that *module* offers, `package.module` or `file.py`: its `__all__`, else its public ones.

    Raises `ConfigError` where it cannot be imported, and where it has none.
    """
    loaded = _loaded(module)
    found = [value for name, value in vars(loaded).items() if _is_offered(name, value, loaded)]
    if not found:
        raise ConfigError(f"{module} has no functions", hint="define one with def, or name them in its __all__")
    return found


def _loaded(module: str) -> ModuleType:
    try:
        return _of_file(Path(module)) if module.endswith(".py") else _of_name(module)
    except Exception as error:  # a module may raise anything while it is imported
        message = f"{module} cannot be imported: {type(error).__name__}: {error}"
        raise ConfigError(message, hint="give package.module, or the path of a file.py") from error


def _of_name(name: str) -> ModuleType:
    _find_beside(Path.cwd())  # as `python -m` does
    return importlib.import_module(name)


def _of_file(file: Path) -> ModuleType:
    _find_beside(file.resolve().parent)
    name = file.stem if file.stem not in sys.modules else f"tools_{file.stem}"  # a json.py must not become `json`
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None  # a .py file has a loader
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # where dataclasses and annotations look for it
    spec.loader.exec_module(module)
    return module


def _find_beside(folder: Path) -> None:
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))


def _is_offered(name: str, value: object, module: ModuleType) -> bool:
    chosen = getattr(module, "__all__", None)
    if chosen is not None:
        return name in chosen and callable(value)
    return not name.startswith("_") and inspect.isfunction(value) and value.__module__ == module.__name__
