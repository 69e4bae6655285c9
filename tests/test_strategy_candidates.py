import numpy as np
import pytest

from hptune.space import Boolean, Choice, Float, Integer, Space
from hptune.strategy.candidates import all_rows, draw_candidates
from hptune.strategy.encoding import Cube


@pytest.mark.parametrize("hard", [pytest.param(False, id="soft"), pytest.param(True, id="hard")])
def test_candidates_come_from_inside_and_from_the_whole(hard):
    root = Space(hyperparameters=(Float(name="x", low=0.0, high=1.0), Float(name="y", low=0.0, high=1.0)))
    today = root.with_changes([Float(name="x", low=0.4, high=0.5, limits=(0.0, 1.0), hard=hard)])
    cube = Cube.of(root, today)
    boxes = (cube.box(cube.space), cube.box(cube.outer))
    rows = draw_candidates(cube, boxes, np.array([[0.45, 0.5]]), 1000, np.random.default_rng(0))
    inside = (rows[:, 0] >= 0.4 - 1e-9) & (rows[:, 0] <= 0.5 + 1e-9)
    assert rows.shape == (1000, 2)
    assert inside[:500].all()
    assert inside[500:].all() == hard


def test_some_candidates_lie_on_the_edges():
    cube = Cube.of(Space(hyperparameters=(Float(name="x", low=0.0, high=1.0),)))
    rows = draw_candidates(cube, (cube.box(cube.space),), np.empty((0, 1)), 400, np.random.default_rng(0))
    assert (rows == 0).any()
    assert (rows == 1).any()


def test_every_configuration_of_a_small_space_is_listed_once():
    space = Space(
        hyperparameters=(
            Integer(name="layers", low=1, high=3),
            Choice(name="kind", options=("a", "b", "c")),
            Boolean(name="norm"),
        )
    )
    cube = Cube.of(space)
    rows = all_rows(cube, cube.box(space), 100)
    assert len(rows) == 18
    assert len({tuple(sorted(v.items())) for v in cube.decode(rows)}) == 18
    assert all_rows(cube, cube.box(space), 17) is None
    endless = Cube.of(Space(hyperparameters=(Float(name="x", low=0.0, high=1.0),)))
    assert all_rows(endless, endless.box(endless.space), 100) is None


def test_what_a_person_set_binds_even_next_to_old_trials():
    root = Space(
        hyperparameters=(
            Choice(name="kind", options=("a", "b", "c")),
            Choice(name="size", options=(1, 2, 3, 4), ordered=True),
            Integer(name="units", low=32, high=256, step=32, default=64),
        )
    )
    today = Space(
        hyperparameters=(
            Choice(name="kind", options=("a", "c"), hard=True),
            Choice(name="size", options=(1, 2, 4), ordered=True, hard=True),
            Integer(name="units", low=50, high=200, step=50, default=100, hard=True),
        )
    )
    cube = Cube.of(root, today)
    centres = cube.encode([{"kind": "b", "size": 3, "units": 256}])
    rows = draw_candidates(cube, (cube.box(cube.outer),), centres, 500, np.random.default_rng(0))
    for values in cube.decode(rows):
        assert today.problems(values) == []
