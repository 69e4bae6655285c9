"""Functions and classes of a user's own Python file, named as FILE.py:NAME."""

from __future__ import annotations

import importlib
import random
import re
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from hptune.data.put_back import putting_back, random_numbers_kept
from hptune.data.under_way import Died, under_way
from hptune.errors import InputError, did_you_mean

__all__ = ["function_file", "importable", "is_function_spec", "load_function", "seeded", "where_raised"]

_SPEC = re.compile(r"(?P<file>.+\.py)(?::(?P<name>.*))?", re.DOTALL)

_brought: dict[str, dict[str, ModuleType]] = {}
"""Per folder, the modules that were imported from it; in `sys.modules` only while it is importable."""


def is_function_spec(source: str) -> bool:
    """Return whether this names a Python file, with a function or without."""
    return _SPEC.fullmatch(source) is not None


def function_file(source: str) -> Path | None:
    """Return the Python file that this names, with a function or without; None for anything else."""
    match = _SPEC.fullmatch(source)
    return None if match is None else Path(match["file"])


def load_function(spec: str, *, error: type[InputError]) -> Any:
    """Return what FILE.py:NAME names: a function, a class, or an object such as a HyperModel.

    The file is run anew at each call, with its own folder importable, and `seeded`. What is found is
    returned as it is; anything callable will do, and anything with a `build` method.

    Raises `error` where the file does not exist, can't be read as Python, fails while it is run, or has no
    such name.
    """
    match = _SPEC.fullmatch(spec)
    if match is None:
        raise error(f"{spec}: not a Python file and function", hint="Write it as FILE.py:FUNCTION.")
    path = Path(match["file"])
    module = _run(path, error)
    name = match["name"] or ""
    if not name:
        raise error(
            f"{spec}: name the function to use, as in {path}:{_first(module)}",
            hint=did_you_mean("", _public(module)),
        )
    if not hasattr(module, name):
        hint = did_you_mean(name, _public(module)) or "The file defines no function."
        raise error(f"{path}: has no function {name!r}", hint=hint)
    found = getattr(module, name)
    # A HyperModel has build, a Tuner hypermodel: whoever loads a model says what to do with them.
    if not (callable(found) or hasattr(found, "build") or hasattr(found, "hypermodel")):
        raise error(
            f"{spec}: is {_a_kind(found)}, not a function or a class",
            hint=did_you_mean("", _public(module)),
        )
    return found


@contextmanager
def importable(file: str | Path, *, running: bool = False) -> Iterator[None]:
    """Call code of a user's file: all calls are made in here. What stands beside it can be imported.

    That is as it would be were the file run as a script. Afterwards `sys.path` is as before, and the modules
    that came from the folder leave `sys.modules`, so that a module of the same name beside another file is
    not mistaken for them; they are the same modules again the next time. A folder that could be imported from
    anyway is left alone. What else the code changes of its process is put back too (`putting_back`);
    `running` says that the file itself is run.
    """
    path = Path(file).resolve()
    with putting_back(str(path), running=running), _imported_from(str(path.parent)):
        yield


@contextmanager
def _imported_from(folder: str) -> Iterator[None]:
    if any(_resolved(entry) == folder for entry in sys.path):
        yield
        return
    kept = _brought.setdefault(folder, {})
    before = set(sys.modules)
    sys.path.insert(0, folder)
    sys.modules.update({name: module for name, module in kept.items() if name not in before})
    importlib.invalidate_caches()
    try:
        yield
    finally:
        with suppress(ValueError):
            sys.path.remove(folder)
        for name in [name for name in sys.modules if name not in before and _is_from(name, folder)]:
            kept[name] = sys.modules.pop(name)


@contextmanager
def seeded() -> Iterator[None]:
    """Let code that draws without a seed of its own draw the same in every process, as Keras's layers do.

    `random` and NumPy's global state begin at seed 0, and are put back afterwards. A search is resumed, and
    its workers load the same, only where a file gives the same each time.
    """
    with random_numbers_kept():
        random.seed(0)
        np.random.seed(0)
        yield


def where_raised(raised: BaseException, file: str | Path) -> str:
    """Return FILE:LINE of the innermost line of this file that led to the exception; FILE if none did."""
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(raised.__traceback__)
        if frame.filename == str(Path(file).resolve())
    ]
    return f"{file}:{lines[-1]}" if lines else str(file)


def _run(path: Path, error: type[InputError]) -> ModuleType:
    resolved = path.resolve()
    try:
        code = compile(resolved.read_bytes(), str(resolved), "exec")
    except FileNotFoundError as low:
        raise error(f"{path}: no such file") from low
    except OSError as low:
        raise error(f"{path}: can't be read: {low.strerror}") from low
    except SyntaxError as low:
        text = f": {low.text.strip()}" if low.text else ""
        raise error(f"{path}:{low.lineno or 1}: not valid Python: {low.msg}{text}") from low
    except ValueError as low:
        raise error(f"{path}: not valid Python: {low}") from low
    module = ModuleType(_module_name(resolved))
    module.__file__ = str(resolved)
    with importable(path, running=True):
        # Registered while it runs, as for any import: dataclasses look their module up.
        before = sys.modules.get(module.__name__)
        sys.modules[module.__name__] = module
        try:
            with under_way(f"running {path}", loads=True), seeded():
                exec(code, module.__dict__)
        except Died as died:
            _restore(module.__name__, before)
            raise error(f"{path}: running the file failed: {died}") from died
        except (Exception, SystemExit) as low:
            _restore(module.__name__, before)
            last = traceback.format_exception_only(low)[-1].strip()
            raise error(f"{where_raised(low, path)}: running the file failed: {last}") from low
    return module


def _restore(name: str, before: ModuleType | None) -> None:
    if before is None:
        sys.modules.pop(name, None)
    else:
        sys.modules[name] = before


def _module_name(resolved: Path) -> str:
    """Return the name that an import would use, unless another module has it already."""
    name = resolved.stem
    other = sys.modules.get(name)
    taken = other is not None and getattr(other, "__file__", None) != str(resolved)
    return f"hptune_file_{name}" if taken or name in sys.stdlib_module_names else name


def _is_from(name: str, folder: str) -> bool:
    """Return whether the top-level module or package of this name was found in this folder itself."""
    top = sys.modules.get(name.partition(".")[0]) or _brought[folder].get(name.partition(".")[0])
    places = getattr(top, "__path__", None) or [getattr(top, "__file__", None) or ""]
    return any(_resolved(Path(place).parent) == folder for place in places)


def _resolved(entry: str | Path) -> str:
    return str(Path(entry or ".").resolve())


def _public(module: ModuleType) -> list[str]:
    """Return the names of what the file itself defines and could be meant."""
    return [
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and (callable(value) or hasattr(value, "build"))
        and getattr(value, "__module__", module.__name__) == module.__name__
    ]


def _first(module: ModuleType) -> str:
    return next(iter(_public(module)), "FUNCTION")


def _a_kind(found: object) -> str:
    name = type(found).__name__
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"
