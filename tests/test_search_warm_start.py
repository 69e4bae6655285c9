from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.fakes import identity

from hptune.models.recipes import RECIPES, check_space
from hptune.models.recipes.presets import presets, presets_for
from hptune.search import warm_start as rooms
from hptune.search.warm_start import MOST_PRESETS, find_warm_starts
from hptune.space import Choice, Fixed, Float, Space
from hptune.space.files import ready_space
from hptune.strategy.plan import plan
from hptune.study import Study
from hptune.study.notes import WarmStart
from hptune.study.trial import Direction, Objective
from hptune.views.tables import plan_json, plan_text

MLP = ready_space("mlp")
GOAL = Objective(name="val_accuracy", direction=Direction.MAX)
TWO = (
    {"optimizer": "adam", "learning_rate_adam": 0.01, "units": 512},
    {"optimizer": "sgd", "learning_rate_sgd": 0.1, "momentum": 0.8},
)


@pytest.fixture
def two(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two presets of known values in the place of those that are shipped."""
    monkeypatch.setattr(
        "hptune.models.recipes.presets.presets", lambda recipe: TWO if recipe == "mlp" else ()
    )


def warm_starts(
    space: Space = MLP, trials: int = 30, epochs: int = 20, **more: object
) -> tuple[WarmStart, ...]:
    given = {"model": "mlp", "own": Path("studies/x"), **more}
    return find_warm_starts(space, plan(space, trials, epochs, 3), **given)  # type: ignore[arg-type]


@pytest.mark.parametrize("recipe", RECIPES)
def test_shipped_presets_are_configurations_of_their_recipes_own_space(recipe: str) -> None:
    space = ready_space(recipe)
    check_space(space, recipe)
    searched = {hp.name for hp in space.searched}
    for preset in presets(recipe):
        assert set(preset) <= searched
        assert space.problems(preset) == []
        # Nothing in it is said for nothing: all of it counts, and none was clipped.
        assert preset.items() <= space.active(preset).items()
    assert len(presets_for(recipe, space)) == len(presets(recipe)) <= MOST_PRESETS


def test_a_name_that_is_no_recipe_has_no_presets() -> None:
    assert presets("model.py:build") == ()


def test_presets_are_clipped_to_the_ranges_of_the_space(two: None) -> None:
    narrow = Float(name="learning_rate_adam", low=1e-4, high=1e-3, default=5e-4, limits=(1e-4, 1e-3))
    space = Space(hyperparameters=(narrow, Choice(name="dropout", options=(0.1, 0.2))))
    assert presets_for("mlp", space) == [{"learning_rate_adam": 1e-3, "dropout": 0.1}]


def test_a_preset_whose_learning_rate_is_not_searched_is_left_out(two: None) -> None:
    rate = MLP["learning_rate_adam"]
    only_adam = Space(hyperparameters=(Fixed(name="optimizer", value="adam"), rate, MLP["units"]))
    assert [values["units"] for values in presets_for("mlp", only_adam)] == [512]
    fixed = MLP.with_changes([Fixed(name="learning_rate_adam", value=0.01, when=rate.when)])
    assert [values["optimizer"] for values in presets_for("mlp", fixed)] == ["sgd"]


def test_presets_that_come_to_the_same_are_tried_once_and_the_defaults_not_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = ({"learning_rate_adam": 0.01}, {"learning_rate_adam": 0.02}, {"learning_rate_adam": 1e-4})
    monkeypatch.setattr("hptune.models.recipes.presets.presets", lambda recipe: given)
    hard_bound = Float(name="learning_rate_adam", low=1e-4, high=1e-3, default=1e-4)
    assert presets_for("mlp", Space(hyperparameters=(hard_bound,))) == [{"learning_rate_adam": 1e-3}]


def test_a_search_begins_with_its_recipes_presets_unless_told_not_to(two: None) -> None:
    found = warm_starts()
    assert [start.origin for start in found] == ["a preset", "a preset"]
    assert found[0].values["learning_rate_adam"] == 0.01
    # What a preset leaves open is at its default; what the space fixes is not the preset's to say.
    assert found[0].values["batch_size"] == 64
    assert "activation" not in found[0].values
    assert warm_starts(with_presets=False) == ()
    assert warm_starts(model="model.py:build") == ()


@pytest.mark.parametrize(
    ("trials", "epochs", "count"),
    [
        pytest.param(1, 20, 0, id="one training"),
        pytest.param(2, 20, 2, id="six configurations begin"),
        pytest.param(1, 9, 0, id="one short training"),
        pytest.param(3, 1, 0, id="trainings that can't be cut"),
        pytest.param(50, 20, 2, id="nine configurations begin"),
    ],
)
def test_presets_leave_most_of_a_small_budget_alone(two: None, trials: int, epochs: int, count: int) -> None:
    assert len(warm_starts(trials=trials, epochs=epochs)) == count


def test_earlier_studies_come_first_and_presets_fill_up(two: None, monkeypatch: pytest.MonkeyPatch) -> None:
    own = [{"optimizer": "adam", "learning_rate_adam": rate} for rate in (1e-3, 2e-3, 3e-3)]
    learned = tuple(WarmStart(values=MLP.active(values), origin="from wine-mlp") for values in own)
    monkeypatch.setattr(rooms, "past_studies", lambda given, own: [])
    monkeypatch.setattr(rooms, "learned_configurations", lambda folders, space: learned[:count])
    for count, expected in ((3, 3), (2, 3), (1, 3)):
        origins = [start.origin for start in warm_starts(learn_from=("auto",))]
        assert origins == ["from wine-mlp"] * count + ["a preset"] * (expected - count)
    count = 3
    # Asked for, they are all taken, however small the budget.
    assert len(warm_starts(trials=1, learn_from=("auto",))) == 3


def test_warm_starts_are_noted_and_read_again(tmp_path: Path) -> None:
    taken = (
        WarmStart(values={"units": 64}, origin="a preset"),
        WarmStart(values={"units": 8}, origin="from a"),
    )
    with Study.create(tmp_path / "s", identity()) as study:
        assert study.notes.warm_starts == ()
        study.note(warm_starts=taken)
        assert study.notes.warm_starts == taken


def test_a_plan_tells_what_is_tried_first_and_where_it_comes_from(two: None) -> None:
    made = plan(MLP, 30, 20, 3)
    said = plan_text(MLP, made, GOAL, warm_starts())
    assert "objective: val_accuracy, more is better" in said
    assert "first, a preset: optimizer adam, learning_rate_adam 0.01, units 512, batch_size 64" in said
    told = json.loads(plan_json(MLP, made, GOAL, warm_starts()))["warm_starts"]
    assert [start["from"] for start in told] == ["a preset", "a preset"]
    assert told[1]["values"]["momentum"] == 0.8
