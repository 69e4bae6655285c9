"""Whether code in memory is what it was."""

from __future__ import annotations

import functools
import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import keras
import pytest

from hptune.models.program_code import file_of, program_fingerprint

CODE = """
import numpy as np
WIDTH = 32
TABLE = np.zeros(4)

def block(x):
    return x * WIDTH

def unused(x):
    return x + 1

def build(hp, scale=2):
    # a comment
    return block(hp) * scale

class Model:
    depth = 3
    def __init__(self, classes):
        self.classes = classes
    def build(self, hp):
        return [self.layer(hp) for _ in range(self.depth)]
    def layer(self, hp):
        return hp + 1

def closed(over):
    def build(hp):
        return hp + over
    return build
"""


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Run a text as a module of a file below the working directory."""
    monkeypatch.chdir(tmp_path)
    made: list[str] = []

    def run(text: str) -> ModuleType:
        name = f"program_{len(made)}"
        file = tmp_path / f"{name}.py"
        file.write_text(text)
        spec = importlib.util.spec_from_file_location("program", file)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules["program"] = module
        spec.loader.exec_module(module)
        made.append(name)
        return module

    yield run
    sys.modules.pop("program", None)


@pytest.mark.parametrize(
    ("change", "to", "same"),
    [
        pytest.param("# a comment", "# another\n", True, id="a comment"),
        pytest.param("x + 1", "x + 2", True, id="what it does not use"),
        pytest.param("x * WIDTH", "x / WIDTH", False, id="a function that it calls"),
        pytest.param("WIDTH = 32", "WIDTH = 64", False, id="a value that it names"),
        pytest.param("scale=2", "scale=3", False, id="a default"),
        pytest.param("* scale", "- scale", False, id="the function itself"),
    ],
)
def test_a_functions_fingerprint_follows_what_it_uses(load: Any, change: str, to: str, same: bool) -> None:
    before = program_fingerprint(load(CODE).build)
    assert (program_fingerprint(load(CODE.replace(change, to)).build) == before) is same


@pytest.mark.parametrize(
    ("change", "to"),
    [("depth = 3", "depth = 4"), ("return hp + 1", "return hp + 2")],
    ids=["a value of the class", "another method"],
)
def test_an_objects_fingerprint_follows_its_class(load: Any, change: str, to: str) -> None:
    before = program_fingerprint(load(CODE).Model(10))
    assert program_fingerprint(load(CODE.replace(change, to)).Model(10)) != before
    assert program_fingerprint(load(CODE).Model(10)) == before
    assert program_fingerprint(load(CODE).Model(11)) != before
    assert program_fingerprint(load(CODE).Model(10).build) == before


def test_what_a_function_closes_over_counts(load: Any) -> None:
    module = load(CODE)
    one, same, other = (program_fingerprint(module.closed(number)) for number in (1, 1, 2))
    assert one == same != other
    assert program_fingerprint(functools.partial(module.build, scale=3)) != program_fingerprint(module.build)


def test_code_without_a_text_counts_by_its_instructions() -> None:
    def made(text: str) -> Any:
        space: dict[str, Any] = {"__name__": "__main__"}
        exec(text, space)
        return space["build"]

    one, same, other = (made(f"def build(hp):\n    return hp * {number}") for number in (2, 2, 3))
    assert program_fingerprint(one) == program_fingerprint(same) != program_fingerprint(other)
    assert file_of(one) == Path("<string>")


def test_what_calls_itself_comes_to_an_end(load: Any) -> None:
    module = load(
        "def build(hp):\n    return build(hp) if hp else other(hp)\n\ndef other(hp):\n    return build(hp)\n"
    )
    assert program_fingerprint(module.build) != program_fingerprint(module.other)


def test_an_optimizer_counts_by_its_configuration() -> None:
    one, same, other = (program_fingerprint(keras.optimizers.Adam(rate)) for rate in (0.1, 0.1, 0.2))
    assert one == same != other
