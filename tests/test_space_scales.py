import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hptune.space.scales import Scale, from_unit, grid_index, grid_size, grid_values, to_unit

RANGES = {
    Scale.LINEAR: st.tuples(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6)).map(lambda t: (t[0], t[0] + t[1])),
    Scale.LOG: st.tuples(st.floats(1e-9, 1e3), st.floats(1.001, 1e6)).map(lambda t: (t[0], t[0] * t[1])),
    Scale.LOG_COMPLEMENT: st.tuples(st.floats(1e-6, 0.5), st.floats(1.001, 2)).map(
        lambda t: (1 - t[0] * t[1], 1 - t[0])
    ),
}


@pytest.mark.parametrize("scale", list(Scale))
@given(data=st.data(), unit=st.floats(0, 1))
def test_a_value_goes_to_the_unit_interval_and_back(scale: Scale, data: st.DataObject, unit: float) -> None:
    low, high = data.draw(RANGES[scale])
    value = float(from_unit(scale, low, high, unit))
    assert low <= value <= high
    assert float(to_unit(scale, low, high, value)) == pytest.approx(unit, abs=1e-6)


@pytest.mark.parametrize("scale", list(Scale))
@given(data=st.data())
def test_the_ends_of_a_range_are_exact(scale: Scale, data: st.DataObject) -> None:
    low, high = data.draw(RANGES[scale])
    assert from_unit(scale, low, high, [0, 1]).tolist() == [low, high]
    assert to_unit(scale, low, high, [low, high]).tolist() == [0, 1]


@pytest.mark.parametrize(
    ("scale", "low", "high", "middle"),
    [
        pytest.param(Scale.LINEAR, 0.0, 10.0, 5.0, id="linear"),
        pytest.param(Scale.LOG, 1e-4, 1e-2, 1e-3, id="log"),
        pytest.param(Scale.LOG_COMPLEMENT, 0.9, 0.999, 0.99, id="log_complement"),
        pytest.param(Scale.LOG_COMPLEMENT, 0.0, 0.9999, 0.99, id="log_complement from 0"),
    ],
)
def test_the_middle_of_a_range_depends_on_its_scale(
    scale: Scale, low: float, high: float, middle: float
) -> None:
    assert float(from_unit(scale, low, high, 0.5)) == pytest.approx(middle, rel=1e-12)


def test_log_complement_keeps_its_digits_near_one() -> None:
    unit = to_unit(Scale.LOG_COMPLEMENT, 0.9, 1 - 1e-9, 1 - 1e-5)
    assert float(unit) == pytest.approx(0.5, abs=1e-7)


def test_values_beyond_the_range_lie_beyond_the_unit_interval() -> None:
    assert to_unit(Scale.LOG, 1e-3, 1e-1, [1e-4, 1.0]).tolist() == pytest.approx([-0.5, 1.5])
    assert from_unit(Scale.LOG, 1e-3, 1e-1, [-0.5, 1.5]).tolist() == pytest.approx([1e-4, 1.0])


def test_a_range_of_no_width_lies_in_the_middle() -> None:
    assert to_unit(Scale.LOG, 3.0, 3.0, [3.0, 3.0]).tolist() == [0.5, 0.5]


def test_arrays_and_numbers_go_through_the_same_code() -> None:
    units = np.linspace(0, 1, 7)
    together = from_unit(Scale.LOG, 1e-3, 1.0, units)
    assert together.tolist() == [float(from_unit(Scale.LOG, 1e-3, 1.0, u)) for u in units]


@pytest.mark.parametrize(
    ("scale", "low", "high", "step", "values"),
    [
        pytest.param(Scale.LINEAR, 0.1, 0.5, 0.1, [0.1, 0.2, 0.3, 0.4, 0.5], id="tenths"),
        pytest.param(Scale.LINEAR, 0.0, 1.0, 0.3, [0.0, 0.3, 0.6, 0.9], id="the last step stays inside"),
        pytest.param(Scale.LOG, 16, 100, 2, [16, 32, 64], id="factors"),
        pytest.param(Scale.LOG, 1e-4, 1e-1, 10, [1e-4, 1e-3, 1e-2, 1e-1], id="decades"),
    ],
)
def test_a_grid_has_the_values_a_person_expects(
    scale: Scale, low: float, high: float, step: float, values: list[float]
) -> None:
    size = grid_size(scale, low, high, step)
    assert grid_values(scale, low, step, range(size)).tolist() == values
    assert grid_index(scale, low, step, values) == pytest.approx(range(size))


@given(low=st.floats(1e-6, 1e3), step=st.floats(1.01, 100), index=st.integers(0, 20))
def test_a_grid_value_knows_its_index(low: float, step: float, index: int) -> None:
    value = float(grid_values(Scale.LOG, low, step, index))
    assert math.isclose(float(grid_index(Scale.LOG, low, step, value)), index, abs_tol=1e-6)


def test_steps_through_zero_meet_it() -> None:
    assert grid_values(Scale.LINEAR, -0.3, 0.1, [0, 1, 2, 3, 4]).tolist() == [-0.3, -0.2, -0.1, 0.0, 0.1]
