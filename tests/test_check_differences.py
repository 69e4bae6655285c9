"""Derivatives along a line, in numbers alone."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from hptune.check.differences import Agreement, DerivativeComparison, compare, step_size

STEP = step_size(1.0)


def judged(function: Callable[[float], float], analytic: float) -> DerivativeComparison:
    return compare(function, function(0.0), analytic, step=STEP)


def test_the_step_is_the_cube_root_of_the_precision_times_the_scale() -> None:
    assert step_size(1.0) == pytest.approx(6.06e-6, rel=1e-3)
    assert step_size(20.0) == pytest.approx(20 * 6.06e-6, rel=1e-3)
    assert step_size(0.0) == step_size(1.0)


@pytest.mark.parametrize(
    ("function", "slope"),
    [
        pytest.param(lambda t: math.exp(t), 1.0, id="exp"),
        pytest.param(lambda t: math.sin(3 * t) + 7, 3.0, id="sin"),
        pytest.param(lambda t: (t + 2) ** 5, 80.0, id="power"),
        pytest.param(lambda t: math.tanh(1e4 * t + 0.5), 1e4 / math.cosh(0.5) ** 2, id="sharp bend"),
    ],
)
def test_a_right_derivative_agrees_and_a_wrong_one_differs(
    function: Callable[[float], float], slope: float
) -> None:
    assert judged(function, slope).agreement is Agreement.AGREES
    for wrong in (1.05 * slope, -slope, 0.0):
        found = judged(function, wrong)
        assert found.agreement is Agreement.DIFFERS
        assert found.numeric == pytest.approx(slope, rel=1e-3)


def test_between_right_and_wrong_is_doubtful() -> None:
    assert judged(math.exp, 1.001).agreement is Agreement.DOUBTFUL


@pytest.mark.parametrize("place", [0.0, 1e-9, -3e-7], ids=["here", "near", "on the other side"])
def test_a_kink_is_recognised_and_not_failed(place: float) -> None:
    found = judged(lambda t: max(t - place, 0.0) + 5.0, 0.0 if place >= 0 else 1.0)
    assert found.agreement in (Agreement.KINK, Agreement.AGREES)


def test_a_kink_that_the_first_step_crosses_leaves_the_derivative_right() -> None:
    found = judged(lambda t: max(t - STEP / 2, 0.0) + t, 1.0)
    assert found.agreement is Agreement.AGREES


def test_a_kink_does_not_excuse_a_derivative_that_it_does_not_explain() -> None:
    assert judged(lambda t: abs(t) + 20 * t, 30.0).agreement is Agreement.DIFFERS


def test_a_step_in_the_function_is_no_wrong_derivative() -> None:
    assert judged(lambda t: float(t >= 0), 0.0).agreement is Agreement.KINK


def test_what_rounding_hides_is_too_small() -> None:
    assert judged(lambda t: 1000.0 + 1e-9 * t, 3e-9).agreement is Agreement.SMALL


def test_a_function_that_is_no_number_differs() -> None:
    found = compare(lambda t: math.nan, 1.0, 1.0, step=STEP)
    assert found.agreement is Agreement.DIFFERS
    assert judged(math.exp, math.nan).agreement is Agreement.DIFFERS
