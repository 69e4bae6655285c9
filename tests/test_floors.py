"""Imports go down a floor, never up, and in no circle."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "hptune"

FLOORS: tuple[tuple[str, ...], ...] = (
    ("", "errors", "files", "log", "wording"),
    (
        "choice",
        "condition",
        "hyperparameter",
        "names",
        "number",
        "proposal",
        "scales",
        "space",
        "space_dict",
        "space_dump",
        "space_read",
        "space_schema",
        "space_yaml",
        "trial",
        "yaml_lines",
    ),
    ("study", "data", "normalise"),
    ("strategy", "recipes"),
    ("oracles", "train", "models", "check", "stack", "dense"),
    ("engine", "listener", "executors", "checkpoints", "subject"),
    (
        "due_pass",
        "earlier",
        "facts",
        "next_pass",
        "paid_out",
        "search",
        "starts",
        "tables",
        "trial_list",
        "plots",
        "compare",
        "confirm",
        "report",
        "export",
        "project",
    ),
    ("cli", "__main__"),
)
"""The house of docs/architecture.md, lowest floor first; a room is a module or a package."""


def room(module: str) -> str:
    """hptune.study.store → study; hptune → ''."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else ""


def floor(module: str) -> int:
    return next(number for number, rooms in enumerate(FLOORS) if room(module) in rooms)


class WithoutTypes(ast.NodeTransformer):
    """Leaves out `if TYPE_CHECKING:`, which never runs."""

    def visit_If(self, node: ast.If) -> ast.AST | None:
        is_types = isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        return None if is_types else node


def imports(path: Path, package: Path = PACKAGE, *, types: bool = True) -> Iterator[str]:
    """Every module of ours that a file imports, wherever in the file it does."""
    known = set(modules(package))
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree if types else WithoutTypes().visit(tree)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == "hptune")
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "hptune":
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in known else str(node.module)


def modules(package: Path = PACKAGE) -> dict[str, Path]:
    """Dotted name → file."""
    found = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def upward(package: Path = PACKAGE) -> list[str]:
    return [
        f"{name} (floor {floor(name)}) imports {target} (floor {floor(target)})"
        for name, path in modules(package).items()
        for target in imports(path, package)
        if floor(target) > floor(name)
    ]


def circles(package: Path = PACKAGE) -> list[str]:
    """Circles between modules, imports inside functions included."""
    graph = {
        name: {t for t in imports(path, package, types=False) if t != name and not name.startswith(f"{t}.")}
        for name, path in modules(package).items()
    }
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
    assert circles() == []


@pytest.fixture
def small(tmp_path: Path) -> Path:
    package = tmp_path / "hptune"
    (package / "cli").mkdir(parents=True)
    for name in ("__init__", "errors", "cli/__init__", "cli/app"):
        (package / f"{name}.py").write_text("")
    return package


def test_an_import_from_above_would_be_found(small: Path) -> None:
    (small / "errors.py").write_text("def f():\n    from hptune.cli import app\n")
    assert upward(small) == ["hptune.errors (floor 0) imports hptune.cli.app (floor 7)"]


def test_a_circle_would_be_found(small: Path) -> None:
    (small / "errors.py").write_text("from hptune.cli import app\n")
    (small / "cli" / "app.py").write_text("import hptune.errors\n")
    assert circles(small) == ["hptune.cli.app → hptune.errors → hptune.cli.app"]
