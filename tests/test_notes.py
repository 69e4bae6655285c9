"""The table of docs/notes.md says what is there, and every test that it names exists."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.recipes import EFFECTS, FACTS
from support.trainings import VALUES, trainer, trial

from hptune.models.backend import keras
from hptune.models.recipes import OPTIONS, make_recipe
from hptune.space import Choice, Integer, Tier
from hptune.space.describe import describe_range
from hptune.space.files import ready_space, ready_spaces

TESTS = Path(__file__).parent
NOTES = TESTS.parent / "docs" / "notes.md"
TIERS = {"1": Tier.FIRST, "2": Tier.SECOND, "3": Tier.THIRD, "unranked": Tier.UNRANKED}


@dataclass(frozen=True, kw_only=True)
class Row:
    """A row of the table."""

    option: str
    value: str
    range: str
    tier: str
    space: str
    tests: tuple[str, ...]


def rows() -> list[Row]:
    found = []
    for line in NOTES.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if not line.startswith("| ") or cells[0] == "what":
            continue
        assert len(cells) == 6, line
        option, _, value = cells[1].strip("`").partition(": ")
        tests = tuple(re.findall(r"`([^`]+)`", cells[5]))
        found.append(
            Row(option=option, value=value, range=cells[2], tier=cells[3], space=cells[4], tests=tests)
        )
    return found


ROWS = [pytest.param(row, id=f"{row.option} {row.value}".strip()) for row in rows()]


@pytest.mark.parametrize("row", ROWS)
def test_every_test_of_the_table_exists(row: Row) -> None:
    assert row.tests
    for name in row.tests:
        file, _, test = name.partition("::")
        tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
        assert test in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, name


@pytest.mark.parametrize("row", ROWS)
def test_range_and_tier_are_those_of_the_ready_space(row: Row) -> None:
    if row.space == "–":
        return
    hp = ready_space(row.space)[row.option]
    assert hp.tier is TIERS[row.tier]
    if row.value:
        assert isinstance(hp, Choice)
        assert row.value in hp.options
    else:
        assert row.range == describe_range(hp)


def test_every_option_that_a_ready_space_searches_is_in_the_table() -> None:
    listed = {row.option for row in rows()}
    searched = {hp.name for name in ready_spaces() for hp in ready_space(name).searched}
    # How large a convolutional network is, is not of the notes.
    sizes = {"blocks", "convolutions", "filters", "kernel_size", "dense_units"}
    assert searched - sizes <= listed


@pytest.mark.parametrize("name", ["mlp", "mlp-small-budget", "cnn"])
def test_batch_sizes_and_units_are_powers_of_two(name: str) -> None:
    space = ready_space(name)
    rng = np.random.default_rng(0)
    hyperparameters = [hp for hp in space if hp.name in ("batch_size", "units", "filters", "dense_units")]
    assert len(hyperparameters) >= 2
    for hp in hyperparameters:
        assert isinstance(hp, Integer)
        drawn = {hp.at(unit) for unit in rng.random(100)}
        assert len(drawn) > 2
        assert all(value & (value - 1) == 0 for value in drawn)


@pytest.mark.parametrize(("size", "steps"), [(16, 3), (32, 2), (64, 1), ("all", 1)])
def test_the_batch_size_is_the_number_of_rows_in_a_step(size: int | str, steps: int) -> None:
    values: dict[str, Any] = {**VALUES, "batch_size": size}
    trained = trainer(values).best_model(trial(values, best_epoch=1))
    assert int(trained.optimizer.iterations.numpy()) == steps


def test_averaging_has_its_own_hyperparameters() -> None:
    values = {"input_normalization": "none", "ema": True, "ema_momentum": 0.25, "ema_bias_correction": False}
    config = make_recipe("mlp", values, FACTS).build().optimizer.get_config()
    assert (config["use_ema"], config["ema_momentum"]) == (True, 0.25)


@pytest.mark.parametrize(
    ("recipe", "name"),
    [pytest.param(recipe, o.name, id=f"{recipe}-{o.name}") for o in OPTIONS.values() for recipe in o.recipes],
)
def test_a_script_builds_with_every_option_what_the_search_built(recipe: str, name: str) -> None:
    around, value = EFFECTS[name]
    made = make_recipe(recipe, {**around, name: value}, FACTS)
    printed: dict[str, Any] = {"keras": keras, "np": np}
    for home in made.homes:
        printed |= vars(__import__(home, fromlist=["*"]))
    keras.utils.set_random_seed(3)
    exec(made.source(), printed)
    keras.utils.set_random_seed(3)
    built = made.build()
    script = printed["model"]
    for ours, theirs in zip(built.get_weights(), script.get_weights(), strict=True):
        assert (ours == theirs).all()
    assert _plain(built.optimizer.get_config()) == _plain(script.optimizer.get_config())
    assert [_plain(layer.get_config()) for layer in built.layers] == [
        _plain(layer.get_config()) for layer in script.layers
    ]


def _plain(config: object) -> str:
    """A configuration without the names that Keras counts up."""
    return re.sub(r"'(name|shared_object_id)': ('[^']*'|\d+)", "", str(config))
