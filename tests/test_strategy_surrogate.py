import numpy as np
import pytest

from hptune.strategy.surrogate import Theta, clip_low, condition, fit


def rows(count, columns, seed=0):
    return np.random.default_rng(seed).random((count, columns))


def prior_covariance(a, b, theta):
    """Matern 5/2, Rasmussen & Williams eq. 4.17."""
    r = np.sqrt(5) * np.sqrt((((a[:, None] - b[None]) / np.exp(theta.lengths)) ** 2).sum(-1))
    return np.exp(theta.signal) * (1 + r + r * r / 3) * np.exp(-r)


def log_posterior(vector, x, y, groups):
    """Rasmussen & Williams eq. 2.30 and the prior, without a constant."""
    theta, centre = Theta.of(vector), Theta.prior(int(groups.max()) + 1).vector()
    columns = Theta(theta.lengths[groups], theta.signal, theta.noise)
    covariance = prior_covariance(x, x, columns) + np.exp(theta.noise) * np.eye(len(x))
    z = (vector - centre) / np.array([1.0] * (len(vector) - 1) + [1.5])
    return -0.5 * (y @ np.linalg.solve(covariance, y) + np.linalg.slogdet(covariance)[1] + z @ z)


def test_the_fit_is_where_the_posterior_is_flat():
    x, groups = rows(40, 3), np.array([0, 1, 1])
    y = np.sin(5 * x[:, 0]) + x[:, 1] + 0.1 * np.random.default_rng(1).normal(size=40)
    found = fit(x, y, groups, start=None, rng=np.random.default_rng(0), iterations=200).vector()
    step = 1e-4 * np.eye(len(found))
    slopes = [(log_posterior(found + s, x, y, groups) - log_posterior(found - s, x, y, groups)) for s in step]
    assert np.array(slopes) / 2e-4 == pytest.approx(0.0, abs=0.01)
    start = Theta.prior(2).vector()
    assert log_posterior(found, x, y, groups) > log_posterior(start, x, y, groups) + 10


def test_the_fit_finds_the_axis_that_matters():
    x = rows(60, 2)
    y = np.sin(6 * x[:, 0])
    theta = fit(x, y, np.array([0, 1]), start=None, rng=np.random.default_rng(0), iterations=40)
    assert theta.lengths[0] < theta.lengths[1]


def test_the_process_passes_near_what_it_was_told_and_doubts_elsewhere():
    x = rows(30, 2)
    y = x[:, 0] - x[:, 1] ** 2
    groups = np.array([0, 1])
    theta = fit(x, y, groups, start=None, rng=np.random.default_rng(0), iterations=40)
    mean, deviation = condition(x, y, groups, theta).predict(np.vstack([x, [[9.0, 9.0]]]))
    assert mean[:-1] == pytest.approx(y, abs=0.05)
    assert deviation[-1] > 5 * deviation[:-1].max()


def test_a_lead_is_that_of_the_joint_posterior():
    x, y, asked = rows(12, 2), rows(12, 1, seed=1)[:, 0], rows(5, 2, seed=2)
    theta = Theta(np.log([0.4, 0.9]), 0.3, np.log(0.01))
    process = condition(x, y, np.array([0, 1]), theta)
    seen = prior_covariance(x, x, theta) + 0.01 * np.eye(12)
    gain = prior_covariance(asked, x, theta) @ np.linalg.inv(seen)
    mean = gain @ y
    covariance = prior_covariance(asked, asked, theta) - gain @ prior_covariance(x, asked, theta)
    variances = covariance.diagonal()
    improvement, deviation, alone = process.improvement(asked[:4], asked[4:])
    assert improvement == pytest.approx(mean[:4] - mean[4], abs=1e-6)
    assert deviation**2 == pytest.approx(variances[:4] + variances[4] - 2 * covariance[:4, 4], abs=1e-6)
    assert alone**2 == pytest.approx(variances[:4], abs=1e-6)


def test_what_lies_on_the_best_row_leads_it_by_nothing():
    x, y = rows(12, 2), rows(12, 1, seed=1)[:, 0]
    process = condition(x, y, np.array([0, 1]), Theta(np.zeros(2), 0.0, np.log(0.5)))
    improvement, deviation, alone = process.improvement(x[:1] + 1e-9, x[:1])
    assert improvement[0] == pytest.approx(0.0, abs=1e-6)
    assert deviation[0] < 1e-4 < 0.1 < alone[0]


def test_noise_is_estimated():
    rng = np.random.default_rng(1)
    x = rows(100, 1)
    y = np.sin(6 * x[:, 0]) + rng.normal(size=100) * 0.3
    theta = fit(x, y, np.array([0]), start=None, rng=rng, iterations=60)
    assert np.exp(theta.noise) == pytest.approx(0.09, rel=0.5)


def test_repeated_rows_do_not_break_it():
    x = np.zeros((10, 2))
    process = condition(x, np.zeros(10), np.array([0, 1]), Theta(np.zeros(2), 0.0, -30.0))
    mean, _ = process.predict(x)
    assert np.isfinite(mean).all()


def test_hopeless_scores_are_cut_off_and_equal_ones_are_left_alone():
    scores = np.array([-1000.0, 1.0, 2.0, 3.0, 4.0])
    middle, high = np.quantile(scores, [0.5, 0.9])
    assert clip_low(scores).min() == pytest.approx(middle - 2 * (high - middle))
    assert clip_low(np.ones(4)).tolist() == [1, 1, 1, 1]


def test_theta_survives_being_written_down():
    theta = Theta.of([0.1, 0.2, 0.3, -4.0])
    assert Theta.of(theta.vector()).vector().tolist() == [0.1, 0.2, 0.3, -4.0]
