import numpy as np
import pytest

from hptune.space import Boolean, Choice, Fixed, Float, Integer, Space, Tier
from hptune.strategy.encoding import Cube
from hptune.strategy.initial_design import fit_to, quasi_random, soft_tier_row


def test_the_sequence_is_the_same_for_a_seed_and_fills_evenly():
    points = np.array([quasi_random(i, 2, seed=0) for i in range(256)])
    assert (points == [quasi_random(i, 2, seed=0) for i in range(256)]).all()
    assert not (points[0] == quasi_random(0, 2, seed=1)).all()
    counts, *_ = np.histogram2d(points[:, 0], points[:, 1], bins=4, range=[[0, 1], [0, 1]])
    assert counts.min() >= 12
    assert counts.max() <= 20


def tiered(*tiers):
    return Space(
        hyperparameters=tuple(
            Float(name=f"x{i}", low=0.0, high=1.0, default=0.5, tier=tier) for i, tier in enumerate(tiers)
        )
    )


def moved(space, index):
    cube = Cube.of(space)
    row = soft_tier_row(cube, cube.box(space), index, seed=0)
    return {axis.name for axis in cube.axes if row[axis.start] != 0.5}


def test_the_first_tier_always_moves_and_the_rest_sometimes():
    space = tiered(Tier.SECOND, Tier.FIRST, Tier.UNRANKED)
    seen = [moved(space, index) for index in range(60)]
    assert all("x1" in names for names in seen)
    alone = sum(names == {"x1"} for names in seen)
    assert 5 < alone < 55


def test_without_tiers_everything_moves():
    assert all(moved(tiered(Tier.UNRANKED, Tier.UNRANKED), i) == {"x0", "x1"} for i in range(20))


def test_first_configurations_keep_to_todays_ranges():
    root = Space(
        hyperparameters=(Float(name="x", low=0.0, high=1.0), Choice(name="kind", options=("a", "b", "c")))
    )
    today = root.with_changes(
        [Float(name="x", low=0.4, high=0.6), Choice(name="kind", options=("a", "c"), hard=True)]
    )
    cube = Cube.of(root, today)
    box = cube.box(today)
    rows = np.array([soft_tier_row(cube, box, i, seed=3) for i in range(40)])
    for values in cube.decode(cube.snap(rows)):
        assert 0.4 - 1e-9 <= values["x"] <= 0.6 + 1e-9
        assert values["kind"] in ("a", "c")


def test_starts_are_fitted_to_the_space():
    space = Space(
        hyperparameters=(
            Float(name="rate", low=0.001, high=0.1, default=0.01),
            Integer(name="layers", low=1, high=4, default=2),
            Choice(name="kind", options=("a", "b")),
            Boolean(name="norm"),
            Fixed(name="loss", value="mse"),
        )
    )
    wild = {"rate": 5.0, "layers": 2.6, "kind": "z", "norm": True, "loss": "mae", "unknown": 1}
    assert fit_to(space, [wild]) == [{"rate": 0.1, "layers": 3, "kind": "a", "norm": True, "loss": "mse"}]
    assert fit_to(space, [{"rate": "fast"}])[0]["rate"] == pytest.approx(0.01)
