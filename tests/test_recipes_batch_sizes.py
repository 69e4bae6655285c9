"""Batch gradient descent in the default space: offered to small data, and nothing else is changed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.recipes import FACTS

from hptune.data import Dataset, load_dataset
from hptune.models.load import load_model
from hptune.models.recipes import make_recipe, remarks, with_all_rows
from hptune.models.recipes.batch_sizes import SMALL_DATA
from hptune.space import Choice, Fixed, Hyperparameter, Integer, Space
from hptune.space.files import ready_space
from hptune.space.scales import Scale

MLP = ready_space("mlp")


def batch_size(rows: int, space: Space = MLP) -> Integer:
    hp = with_all_rows(space, replace(FACTS, rows=rows))["batch_size"]
    assert isinstance(hp, Integer)
    return hp


def grid(hp: Integer) -> list[int]:
    assert hp.size is not None
    return [int(hp.at((i + 0.5) / hp.size)) for i in range(hp.size)]


@pytest.mark.parametrize("rows", [9, 16, 17, 33, 100, 128, 129, 455, 1437, 1999, SMALL_DATA])
def test_the_largest_batch_takes_all_rows_and_no_other_does(rows: int) -> None:
    sizes = grid(batch_size(rows))
    taken = [make_recipe("mlp", {"batch_size": s}, replace(FACTS, rows=rows)).batch_size for s in sizes]
    assert taken[-1] == rows
    assert len(set(taken)) == len(sizes) > 1


@pytest.mark.parametrize("rows", [9, 16, 17, 33, 100, 128, 129, 455, 1437, 1999, SMALL_DATA])
def test_the_search_begins_with_mini_batches_and_stays_below_what_takes_all(rows: int) -> None:
    hp = batch_size(rows)
    assert hp.initial < min(rows, 65)
    assert hp.limits == (8, hp.high)
    assert all(size & (size - 1) == 0 for size in grid(hp))


@pytest.mark.parametrize(
    ("rows", "ends"),
    [(120, (16, 128)), (455, (16, 512)), (1437, (16, 2048)), (20, (16, 32)), (9, (8, 16))],
)
def test_the_range_fits_the_rows(rows: int, ends: tuple[int, int]) -> None:
    hp = batch_size(rows)
    assert (hp.low, hp.high) == ends


@pytest.mark.parametrize("rows", [SMALL_DATA + 1, 50_000, 8, 2])
def test_larger_data_and_a_handful_of_rows_have_the_space_of_the_file(rows: int) -> None:
    assert with_all_rows(MLP, replace(FACTS, rows=rows)) == MLP


def test_nothing_but_the_batch_size_changes() -> None:
    offered = with_all_rows(MLP, replace(FACTS, rows=120))
    assert [hp for hp in offered if hp.name != "batch_size"] == [hp for hp in MLP if hp.name != "batch_size"]
    assert offered["batch_size"].tier is MLP["batch_size"].tier


@pytest.mark.parametrize(
    "hp",
    [
        pytest.param(Fixed(name="batch_size", value=64), id="fixed"),
        pytest.param(Choice(name="batch_size", options=("32", "all")), id="choices"),
        pytest.param(Integer(name="batch_size", low=8, high=300), id="every whole number"),
        pytest.param(Integer(name="units", low=8, high=300), id="none at all"),
        pytest.param(
            Integer(name="batch_size", low=16, high=64, scale=Scale.LOG, step=2), id="walls in the way"
        ),
    ],
)
def test_a_batch_size_that_is_no_range_of_factors_stays(hp: Hyperparameter) -> None:
    space = Space(hyperparameters=(hp,))
    assert with_all_rows(space, FACTS) == space


@pytest.fixture(scope="module")
def iris() -> Dataset:
    return load_dataset("iris", validation=0.2)


def test_the_recipe_mlp_offers_it_by_default(iris: Dataset) -> None:
    space = load_model("mlp", iris).space()
    assert grid(space["batch_size"])[-1] == 128  # type: ignore[arg-type]
    assert iris.train.rows == 120
    assert load_model("mlp", iris, space=MLP).space() == space


def test_a_space_of_ones_own_is_searched_as_it_is_written(iris: Dataset) -> None:
    own = replace(MLP, name="own")
    assert load_model("mlp", iris, space=own).space() == own
    small = ready_space("mlp-small-budget")
    assert load_model("mlp", iris, space=small).space() == small


def test_a_person_is_told_which_batch_size_takes_all_rows() -> None:
    facts = replace(FACTS, rows=1437)
    assert remarks(with_all_rows(MLP, facts), facts) == (
        "batch_size 2048: all 1,437 training rows in each step, which is batch gradient descent",
    )
    assert remarks(MLP, facts) == ()
    (told,) = remarks(MLP, replace(FACTS, rows=120))
    assert told.startswith("batch_size 128 and above, all alike: all 120 training rows")
    own = Space(hyperparameters=(Integer(name="batch_size", low=1, high=999),))
    (told,) = remarks(own, replace(FACTS, rows=500))
    assert told.startswith("batch_size 500 and above, all alike: all 500")
