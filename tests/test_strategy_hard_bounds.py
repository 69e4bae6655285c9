"""What a person has set since a search began binds: new configurations, and those that wait."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from support.play import Play

from hptune.errors import SpaceError
from hptune.oracles.coarse_to_fine import CoarseToFineOracle
from hptune.space import Choice, Condition, Fixed, Float, Hyperparameter, Integer, Space, Value
from hptune.space.scales import Scale
from hptune.strategy.encoding import Cube
from hptune.study.trial import Observation, TrialState


def space(*hyperparameters: Hyperparameter) -> Space:
    return Space(hyperparameters=hyperparameters)


def by_x(values: Mapping[str, Value], epochs: int) -> float:
    return -(float(values.get("x", 0.0)) ** 2) - 0.3 / epochs  # type: ignore[arg-type]


def waiting(**values: Value) -> list[Observation]:
    """Return one trial that waits, better than anything."""
    return [Observation(trial_id=100, values=values, epochs=1, score=99.0, state=TrialState.PAUSED)]


def goes_on(root: Space, today: Space, told: list[Observation]) -> bool:
    play = Play(today, root=root, trainings=6, told=told, score=by_x, most=40).run()
    return any(asked.trial_id == 100 for asked in play.asked)


X = Float(name="x", low=0.0, high=1.0)


def test_values_far_outside_the_first_range_are_reached() -> None:
    layers = Integer(name="layers", low=1, high=4, limits=(1, 8))
    today = space(Integer(name="layers", low=6, high=8, limits=(1, 8), hard=True))
    play = Play(today, root=space(layers), trainings=3, score=by_x).run()
    assert {values["layers"] for values in play.started} == {6, 7, 8}


def test_a_range_far_from_the_first_one_is_searched_all_over() -> None:
    today = space(Float(name="x", low=42.0, high=50.0, hard=True))
    tried = [v["x"] for v in Play(today, root=space(X), trainings=9, score=by_x).run().started]
    assert len(set(tried)) > 5
    assert min(tried) < 44 < 48 < max(tried)


def test_a_grid_narrowed_inside_a_set_range_is_that_of_the_set_range() -> None:
    root = space(Integer(name="units", low=16, high=512, scale=Scale.LOG, step=2, limits=(4, 1024)), X)
    narrowed = Integer(name="units", low=96, high=384, scale=Scale.LOG, step=2, limits=(24, 384))
    play = Play(space(narrowed, X), root=root, trainings=15, score=by_x).run()
    assert {values["units"] for values in play.started} <= {24, 48, 96, 192, 384}


THREE = Choice(name="o", options=("adam", "sgd", "rmsprop"))


@pytest.mark.parametrize(
    ("before", "now", "values", "on"),
    [
        pytest.param(THREE, Fixed(name="o", value="sgd"), {"o": "adam"}, False, id="another is frozen"),
        pytest.param(THREE, Fixed(name="o", value="sgd"), {"o": "sgd"}, True, id="it is frozen"),
        pytest.param(
            THREE, Choice(name="o", options=("sgd", "adam"), hard=True), {"o": "rmsprop"}, False, id="cut"
        ),
        pytest.param(THREE, Choice(name="o", options=("sgd", "adam")), {"o": "rmsprop"}, True, id="steered"),
        pytest.param(
            Fixed(name="o", value=1e-7), Fixed(name="o", value=1e-3), {"o": 1e-7}, False, id="refrozen"
        ),
        pytest.param(THREE, None, {"o": "adam"}, False, id="dropped"),
    ],
)
def test_a_trial_that_was_ruled_out_since_does_not_go_on(
    before: Hyperparameter, now: Hyperparameter | None, values: dict[str, Value], on: bool
) -> None:
    today = space(X) if now is None else space(X, now)
    assert goes_on(space(X, before), today, waiting(x=0.5, **values)) is on


def test_a_value_that_is_fixed_anew_is_trained_anew() -> None:
    units = Choice(name="units", options=(4, 8, 16))
    told = [
        Observation(
            trial_id=n, values={"rate": 0.01, "units": u}, epochs=9, score=0.5, state=TrialState.COMPLETE
        )
        for n, u in enumerate((4, 8, 16), 1)
    ]
    root, today = (space(units, Fixed(name="rate", value=rate)) for rate in (0.01, 0.1))
    started = Play(today, root=root, trainings=9, told=told, score=by_x).run().started
    assert [values["rate"] for values in started] == [0.1] * 3


def test_an_inactive_hyperparameter_keeps_no_trial_from_going_on() -> None:
    o = Choice(name="o", options=("p", "q"))
    when = (Condition(parent="o", values=("q",)),)
    root = space(o, X, Float(name="m", low=0.0, high=1.0, default=0.1, when=when))
    today = space(o, X, Float(name="m", low=0.5, high=1.0, when=when, hard=True))
    assert goes_on(root, today, waiting(o="p", x=0.5))
    assert not goes_on(root, today, waiting(o="q", x=0.5, m=0.2))


def test_a_range_narrow_for_its_numbers_keeps_its_values_apart() -> None:
    cube = Cube.of(
        space(Integer(name="n", low=10**10, high=10**10 + 5), Float(name="x", low=1e6, high=1e6 + 1))
    )
    rows = cube.encode([{"n": 10**10 + n, "x": 1e6 + n / 5} for n in range(6)])
    assert [values["n"] - 10**10 for values in cube.decode(rows)] == list(range(6))  # type: ignore[operator]
    assert len({values["x"] for values in cube.decode(rows)}) == 6


def test_a_grid_over_all_numbers_is_searched() -> None:
    grid = Float(name="x", low=1e-300, high=1e300, scale=Scale.LOG, step=10)
    started = Play(space(grid), trainings=4, score=lambda values, epochs: 0.0).run().started
    assert started
    assert all(grid.contains(values["x"]) for values in started)


def test_a_step_that_no_number_can_take_is_refused() -> None:
    with pytest.raises(SpaceError, match="is too small for"):
        Float(name="x", low=0.0, high=1.0, step=1e-320)


def test_a_pass_without_a_hyperparameter_gives_it_no_value() -> None:
    oracle = CoarseToFineOracle("val_loss", space=space(X, THREE), max_epochs=9, budget_epochs=90)
    oracle.begin_pass(space(X))
    trial = oracle.create_trial("one")
    assert {name for name in trial.hyperparameters.values if not name.startswith("tuner/")} == {"x"}
