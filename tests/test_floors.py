"""Imports go down a floor, never up, and in no circle."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping, Set
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
PACKAGE = TESTS.parent / "hptune"

FLOORS: tuple[tuple[str, ...], ...] = (
    ("", "errors", "_files", "_log", "_processes", "_text"),
    ("space",),
    ("study", "data"),
    ("strategy", "analysis", "narrowing", "models"),
    ("oracles", "training", "check"),
    ("executors", "views"),
    ("search",),
    ("export", "project", "bridges"),
    ("cli", "tuner", "__main__"),
)
"""The house of docs/architecture.md, lowest floor first; a room is a module or a package."""


def room(module: str) -> str:
    """hptune.study.store → study; hptune → ''."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else ""


def floor(module: str) -> int:
    return next(number for number, rooms in enumerate(FLOORS) if room(module) in rooms)


def imports(path: Path, known: Collection[str]) -> Iterator[str]:
    """Every module of `known` that a file imports, wherever in the file and for whatever use."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                module = inner if inner in known else str(node.module)
                if module in known:
                    yield module


def modules(folder: Path = PACKAGE) -> dict[str, Path]:
    """Dotted name → file."""
    found = {}
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(folder.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def scripts(folder: Path) -> dict[str, Path]:
    """Bare name → file, of scripts that import each other."""
    return {path.stem: path for path in sorted(folder.glob("*.py"))}


def upward(package: Path = PACKAGE) -> list[str]:
    known = modules(package)
    return [
        f"{name} (floor {floor(name)}) imports {target} (floor {floor(target)})"
        for name, path in known.items()
        for target in imports(path, known)
        # The package itself names what its rooms offer, and loads it when it is used.
        if floor(target) > floor(name) and name != package.name
    ]


def circles(known: Mapping[str, Path]) -> list[str]:
    """Circles between modules, imports inside functions and for types alone included."""
    return _circles(
        {
            name: {t for t in imports(path, known) if t != name and not name.startswith(f"{t}.")}
            for name, path in known.items()
        }
    )


def circles_of_rooms(package: Path = PACKAGE) -> list[str]:
    """Circles between rooms: a room that imports another is not imported by it, however indirectly."""
    known = modules(package)
    graph: dict[str, set[str]] = {}
    for name, path in known.items():
        graph.setdefault(room(name), set()).update(
            room(t) for t in imports(path, known) if room(t) != room(name)
        )
    return _circles({name: targets - {""} for name, targets in graph.items() if name})


def imported_tests(tests: Path = TESTS) -> list[str]:
    """Tests that are imported from other files: what they share belongs in tests/support."""
    known = scripts(tests).keys() - {"conftest"}
    return [
        f"{path.relative_to(tests)} imports {name}"
        for path in sorted(tests.rglob("*.py"))
        for name in imports(path, known)
    ]


def _circles(graph: Mapping[str, Set[str]]) -> list[str]:
    found: list[str] = []
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        if name in path:
            found.append(" → ".join((*path[path.index(name) :], name)))
            return
        if name in done:
            return
        for target in sorted(graph.get(name, ())):
            visit(target, (*path, name))
        done.add(name)

    for name in graph:
        visit(name, ())
    return found


def test_every_room_has_a_floor() -> None:
    rooms = {room(name) for name in modules()}
    assert rooms <= {name for rooms in FLOORS for name in rooms}


def test_no_module_imports_from_a_floor_above() -> None:
    assert upward() == []


def test_no_circle_of_imports() -> None:
    assert circles(modules()) == []
    assert circles_of_rooms() == []


def test_no_circle_among_benchmarks() -> None:
    assert circles(scripts(PACKAGE.parent / "benchmarks")) == []


def test_no_test_is_imported_from_another() -> None:
    assert imported_tests() == []


@pytest.fixture
def small(tmp_path: Path) -> Path:
    package = tmp_path / "hptune"
    (package / "cli").mkdir(parents=True)
    for name in ("__init__", "errors", "cli/__init__", "cli/app"):
        (package / f"{name}.py").write_text("")
    return package


def test_an_import_from_above_would_be_found(small: Path) -> None:
    (small / "errors.py").write_text("def f():\n    from hptune.cli import app\n")
    assert upward(small) == ["hptune.errors (floor 0) imports hptune.cli.app (floor 8)"]


def test_a_circle_would_be_found(small: Path) -> None:
    (small / "errors.py").write_text("from hptune.cli import app\n")
    (small / "cli" / "app.py").write_text("import hptune.errors\n")
    assert circles(modules(small)) == ["hptune.cli.app → hptune.errors → hptune.cli.app"]


def test_a_circle_of_types_alone_or_of_rooms_would_be_found(small: Path) -> None:
    (small / "space").mkdir()
    (small / "space" / "a.py").write_text("if TYPE_CHECKING:\n    from hptune.cli import app\n")
    (small / "cli" / "app.py").write_text("def f():\n    from hptune.space import a\n")
    assert circles(modules(small)) == ["hptune.cli.app → hptune.space.a → hptune.cli.app"]
    (small / "cli" / "app.py").write_text("")
    (small / "cli" / "b.py").write_text("import hptune.space.a\n")
    assert circles(modules(small)) == []
    assert circles_of_rooms(small) == ["cli → space → cli"]


def test_a_test_imported_from_another_would_be_found(tmp_path: Path) -> None:
    (tmp_path / "support").mkdir()
    (tmp_path / "test_one.py").write_text("from support.fakes import SPACE\n")
    (tmp_path / "test_two.py").write_text("def test():\n    from test_one import SPACE\n")
    (tmp_path / "support" / "fakes.py").write_text("import test_two\n")
    assert imported_tests(tmp_path) == ["support/fakes.py imports test_two", "test_two.py imports test_one"]
