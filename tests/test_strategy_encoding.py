import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hptune.space import Boolean, Choice, Condition, Fixed, Float, Integer, Space
from hptune.space.scales import Scale
from hptune.strategy.encoding import Cube, mixed_axes


def mixed_space():
    return Space(
        hyperparameters=(
            Choice(name="optimizer", options=("adam", "sgd", "rmsprop")),
            Float(name="rate", low=1e-4, high=1e-1, scale=Scale.LOG, default=1e-2),
            Float(
                name="momentum",
                low=0.5,
                high=0.999,
                scale=Scale.LOG_COMPLEMENT,
                default=0.9,
                when=(Condition(parent="optimizer", values=("sgd",)),),
            ),
            Float(name="decay", low=1e-5, high=1e-1, default=1e-4),
            Integer(name="layers", low=1, high=5, default=2),
            Integer(name="units", low=32, high=256, step=32, default=64),
            Boolean(name="norm", default=True),
            Choice(name="size", options=(16, 32, 64), ordered=True),
            Fixed(name="loss", value="mse"),
        )
    )


def test_the_ends_of_every_number_are_0_and_1():
    space = mixed_space()
    cube = Cube.of(space)
    low = {**space.defaults, "optimizer": "sgd", "momentum": 0.5, "rate": 1e-4, "decay": 1e-5, "layers": 1}
    high = {**low, "momentum": 0.999, "rate": 1e-1, "decay": 1e-1, "layers": 5}
    rows = cube.encode([low, high])
    for axis in cube.axes:
        if axis.name in ("rate", "momentum", "decay", "layers"):
            assert rows[:, axis.columns].ravel() == pytest.approx([0, 1])


def test_a_linear_range_over_decades_lies_mostly_in_log():
    cube = Cube.of(Space(hyperparameters=(Float(name="decay", low=1e-5, high=1e-1),)))
    assert cube.encode([{"decay": 1e-3}])[0, 0] == pytest.approx(
        0.8 * 0.5 + 0.2 * (1e-3 - 1e-5) / (1e-1 - 1e-5)
    )
    assert mixed_axes(mixed_space()) == ("decay",)
    assert mixed_axes(Space(hyperparameters=(Float(name="x", low=0.01, high=9.0),))) == ()


@pytest.mark.parametrize("ends", [(1e-300, 1e300), (1e-12, 1e12), (1e-3, 1.0)])
def test_places_of_a_linear_range_over_decades_come_back(ends):
    cube = Cube.of(Space(hyperparameters=(Float(name="x", low=ends[0], high=ends[1]),)))
    places = np.linspace(0, 1, 101)[:, None]
    values = cube.decode(places)
    assert [values[0]["x"], values[-1]["x"]] == pytest.approx(list(ends))
    assert cube.encode(values) == pytest.approx(places, abs=1e-6)


@given(st.integers(0, 2**32 - 1))
def test_what_is_decoded_encodes_to_the_same_place_and_is_valid(seed):
    space = mixed_space()
    cube = Cube.of(space)
    rng = np.random.default_rng(seed)
    rows = cube.snap(rng.random((8, cube.columns)))
    configurations = cube.decode(rows)
    assert cube.encode(configurations) == pytest.approx(rows, abs=1e-9)
    for values in configurations:
        assert space.problems(values) == []
        assert set(values) == set(space.active(values))


@given(st.integers(0, 2**32 - 1))
def test_a_sampled_configuration_survives_the_round_trip(seed):
    space = mixed_space()
    cube = Cube.of(space)
    values = space.sample(np.random.default_rng(seed))
    back = cube.decode(cube.snap(cube.encode([values])))[0]
    assert set(back) == set(values)
    for name, value in values.items():
        expected = pytest.approx(value, rel=1e-6) if isinstance(value, float) else value
        assert back[name] == expected


def test_an_inactive_hyperparameter_counts_as_its_default():
    space = mixed_space()
    cube = Cube.of(space)
    plain, spoiled = cube.encode([{**space.defaults}, {**space.defaults, "momentum": 0.7}])
    snapped = cube.snap(np.array([plain, spoiled]))
    assert snapped[0] == pytest.approx(snapped[1])


def test_values_outside_the_ranges_lie_outside_the_unit_interval_and_stay_finite():
    cube = Cube.of(mixed_space())
    rows = cube.encode(
        [{"rate": 0.5, "decay": -3.0, "layers": 7, "optimizer": "unheard of", "units": "many"}]
    )
    assert np.isfinite(rows).all()
    rate = next(axis for axis in cube.axes if axis.name == "rate")
    optimizer = next(axis for axis in cube.axes if axis.name == "optimizer")
    assert rows[0, rate.start] > 1
    assert rows[0, optimizer.columns].tolist() == [0, 0, 0]


def test_a_frozen_hyperparameter_keeps_its_axis_and_takes_its_value_only():
    root = mixed_space()
    today = root.with_changes([Fixed(name="rate", value=0.3)])
    cube = Cube.of(root, today)
    assert "rate" in {axis.name for axis in cube.axes}
    drawn = cube.decode(cube.snap(np.random.default_rng(0).random((20, cube.columns))))
    assert {values["rate"] for values in drawn} == {0.3}


def test_an_opened_hyperparameter_gets_an_axis():
    root = Space(hyperparameters=(Fixed(name="rate", value=0.1), Float(name="x", low=0.0, high=1.0)))
    today = root.with_changes([Float(name="rate", low=0.05, high=0.2)])
    assert [axis.name for axis in Cube.of(root, today).axes] == ["rate", "x"]
    assert [axis.name for axis in Cube.of(root).axes] == ["x"]


def test_an_expanded_range_reaches_beyond_the_cube():
    root = Space(hyperparameters=(Float(name="x", low=0.0, high=1.0, limits=(0.0, 2.0)),))
    today = Space(hyperparameters=(Float(name="x", low=0.5, high=1.5, limits=(0.0, 2.0)),))
    cube = Cube.of(root, today)
    box = cube.box(cube.space)
    assert (box.low[0], box.high[0]) == (0.5, 1.5)
    assert cube.decode(np.array([[1.5]]))[0]["x"] == pytest.approx(1.5)


def test_a_soft_range_leaves_the_whole_open_and_a_hard_one_does_not():
    root = Space(hyperparameters=(Float(name="x", low=0.0, high=1.0),))
    for hard, expected in ((False, 0.0), (True, 0.4)):
        today = Space(hyperparameters=(Float(name="x", low=0.4, high=0.6, limits=(0.0, 1.0), hard=hard),))
        cube = Cube.of(root, today)
        assert cube.box(cube.outer).low[0] == expected
        assert cube.is_narrowed is not hard
