from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.strategy_trials import numbers

from hptune.space import Float, Integer, Number
from hptune.space.range_moves import at_unit, snapped, unit_of, values_between, with_range
from hptune.space.scales import Scale

RATE = Float(name="x", low=1e-5, high=1.0, scale=Scale.LOG, limits=(1e-9, 10.0))
UNITS = Integer(name="x", low=16, high=512, scale=Scale.LOG, step=2)
MOMENTUM = Float(name="x", low=0.5, high=0.999, scale=Scale.LOG_COMPLEMENT, limits=(0.0, 0.9999))


@pytest.mark.parametrize(
    ("hp", "low", "high", "expected"),
    [
        pytest.param(RATE, 2.3456e-4, 0.0123, (2e-4, 0.013), id="log: few digits, outwards"),
        pytest.param(MOMENTUM, 0.83333, 0.98765, (0.83, 0.988), id="log_complement: digits of 1 − x"),
        pytest.param(RATE, 1e-12, 99.0, (1e-9, 10.0), id="not past the limits"),
        pytest.param(Float(name="x", low=0.0, high=1.0), 0.12345, 0.45678, (0.12, 0.46), id="linear"),
        pytest.param(Float(name="x", low=0.0, high=1.0, step=0.1), 0.12, 0.45, (0.1, 0.5), id="steps"),
        pytest.param(Integer(name="x", low=1, high=9), 2.4, 5.1, (2, 6), id="integers"),
        pytest.param(UNITS, 40, 200, (32, 256), id="factors"),
    ],
)
def test_a_range_is_rounded_outwards_to_what_a_person_would_write(
    hp: Number, low: float, high: float, expected: tuple[float, float]
) -> None:
    assert snapped(hp, low, high) == pytest.approx(expected, rel=1e-12)


def test_a_side_that_must_stay_out_is_rounded_inwards() -> None:
    assert snapped(Integer(name="x", low=1, high=9), 2.4, 5.9, up=True, down=True) == (3, 5)
    assert snapped(RATE, 2.3456e-4, 0.0123, up=True, down=True) == pytest.approx((2.4e-4, 0.01))


def test_units_beyond_the_range_end_at_the_limits() -> None:
    assert at_unit(RATE, 0.5) == pytest.approx(10**-2.5)
    assert at_unit(RATE, 1.1) == pytest.approx(10**0.5)
    assert (at_unit(RATE, -50.0), at_unit(RATE, 50.0)) == (1e-9, 10.0)


def test_a_range_starts_from_the_nearest_value_on_its_grid() -> None:
    assert with_range(UNITS, 32, 256, 100, hard=False).initial == 128
    assert with_range(UNITS, 32, 256, "adam", hard=False).initial in (64, 128)


@given(numbers("x"), st.floats(-0.4, 1.4), st.floats(-0.4, 1.4))
def test_any_range_stays_on_the_grid_and_inside_the_limits(hp: Number, first: float, second: float) -> None:
    assert isinstance(hp, Number)
    assert hp.limits is not None
    low, high = sorted((at_unit(hp, first), at_unit(hp, second)))
    start, end = snapped(hp, low, high)
    assert hp.limits[0] <= start <= hp.limits[1]
    assert hp.limits[0] <= end <= hp.limits[1]
    assert start <= end + 1e-11 * abs(end)
    if start < end:
        new = with_range(hp, start, end, hp.initial, hard=False)
        assert new.contains(new.initial)
    count = values_between(hp, start, end)
    if count is None:
        assert start <= low + 1e-9 * max(1.0, abs(low))
        assert end >= high - 1e-9 * max(1.0, abs(high))
        assert abs(unit_of(hp, start) - unit_of(hp, low)) <= 0.021
