import numpy as np
import pytest

from hptune.strategy.acquisition import log_expected_improvement, log_share_observable, probability_above


def test_log_expected_improvement_is_the_integral():
    rng = np.random.default_rng(0)
    draws = 0.3 + 0.5 * rng.normal(size=2_000_000)
    expected = np.log(np.maximum(draws - 0.6, 0).mean())
    got = log_expected_improvement(np.array([0.3]), np.array([0.5]), 0.6)
    assert got[0] == pytest.approx(expected, abs=0.01)


def test_log_expected_improvement_is_finite_and_rising_over_any_distance():
    means = np.concatenate([-np.logspace(8, -8, 400), np.logspace(-8, 3, 200)])
    got = log_expected_improvement(means, np.ones_like(means), 0.0)
    assert np.isfinite(got).all()
    assert (np.diff(got) >= 0).all()
    assert got[0] < -1e12


def test_the_share_told_is_what_noise_leaves():
    deviation = np.array([0.01, 0.3, 4.0])
    expected = 1 - 0.3 / np.sqrt(0.3**2 + deviation**2)
    assert np.exp(log_share_observable(deviation, 0.3)) == pytest.approx(expected)


def test_the_share_told_is_finite_for_what_is_known_and_all_of_it_without_noise():
    assert np.isfinite(log_share_observable(np.array([1e-6]), 0.7)).all()
    assert log_share_observable(np.array([1.0]), 1e-9)[0] == pytest.approx(0.0, abs=1e-8)


def test_probability_above_is_a_half_at_the_best():
    assert probability_above(np.array([2.0]), np.array([0.7]), 2.0)[0] == pytest.approx(0.5)
