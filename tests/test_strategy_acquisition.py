import numpy as np
import pytest
from scipy.stats import truncnorm

from hptune.strategy.acquisition import (
    greatest_values,
    log_expected_improvement,
    log_information,
    probability_above,
)

MEAN = np.array([0.3, 0.9, -0.4])
DEVIATION = np.array([0.5, 0.2, 1.0])


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


def test_the_greatest_value_is_distributed_as_draws_of_all_rows_say():
    draws = np.random.default_rng(0).normal(MEAN, DEVIATION, size=(400_000, 3)).max(axis=1)
    expected = np.quantile(draws, (np.arange(16) + 0.5) / 16)
    assert greatest_values(MEAN, DEVIATION, -5.0) == pytest.approx(expected, abs=0.01)


def test_the_greatest_value_is_never_below_what_is_known():
    tops = greatest_values(MEAN, DEVIATION, 1.2)
    assert tops.min() == 1.2
    assert tops.max() > 1.2
    assert greatest_values(MEAN, DEVIATION, 100.0) == pytest.approx(np.full(16, 100.0))


@pytest.mark.parametrize("noise", [0.0, 0.3])
def test_information_is_half_the_log_by_which_knowing_the_top_shrinks_the_variance(noise):
    tops = np.array([0.8, 1.5])
    spread = truncnorm(-np.inf, (tops[:, None] - MEAN) / DEVIATION).var() * DEVIATION**2
    expected = (-0.5 * np.log((spread + noise**2) / (DEVIATION**2 + noise**2))).mean(axis=0)
    assert np.exp(log_information(MEAN, DEVIATION, noise, tops)) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("noise", [0.0, 0.1, 10.0])
def test_information_is_finite_and_rises_towards_the_top_over_any_distance(noise):
    means = np.concatenate([-np.logspace(8, -8, 400), np.logspace(-8, 5, 200)])
    got = log_information(means, np.ones_like(means), noise, np.zeros(1))
    assert np.isfinite(got).all()
    assert (np.diff(got) >= -1e-9).all()
    assert got[0] < -1e12


def test_what_is_known_to_within_the_noise_tells_little():
    known, unknown = np.exp(log_information(np.zeros(2), np.array([0.01, 0.5]), 0.1, np.array([0.2])))
    assert known < 0.01 * unknown


def test_probability_above_is_a_half_at_the_best():
    assert probability_above(np.array([2.0]), np.array([0.7]), 2.0)[0] == pytest.approx(0.5)
