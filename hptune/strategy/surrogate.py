"""The model of the search: a Gaussian process over configurations and epochs.

Matern 5/2 with one length scale per hyperparameter and noise, fitted by maximum a posteriori
with its analytic gradient (Rasmussen & Williams, Gaussian Processes for Machine Learning,
eq. 2.30 and 5.9; Matern 5/2: eq. 4.17).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["FIT_ROWS", "GaussianProcess", "Theta", "clip_low", "condition", "fit"]

Array = NDArray[np.float64]

FIT_ROWS = 120
"""Rows that hyperparameters are fitted on; above it, the best half and a random half."""

_LENGTH = (np.log(0.7), 1.0)
_SIGNAL = (0.0, 1.0)
_NOISE = (np.log(3e-3), 1.5)
_ROOT5 = np.sqrt(5.0)
_JITTER = 1e-8


@dataclass(frozen=True)
class Theta:
    """Hyperparameters of the kernel, as natural logarithms."""

    lengths: Array
    """Length scale of each axis, shape (axes,), in units of the coarse range."""
    signal: float
    """Signal variance."""
    noise: float
    """Noise variance."""

    @classmethod
    def prior(cls, axes: int) -> Theta:
        """Return the prior's centre."""
        return cls(np.full(axes, _LENGTH[0]), _SIGNAL[0], float(_NOISE[0]))

    def vector(self) -> Array:
        """Return all of it, shape (axes + 2,)."""
        return np.concatenate([self.lengths, [self.signal, self.noise]])

    @classmethod
    def of(cls, vector: Sequence[float] | Array) -> Theta:
        """Read what `vector` wrote."""
        v = np.asarray(vector, dtype=np.float64)
        return cls(v[:-2], float(v[-2]), float(v[-1]))


def clip_low(scores: Array) -> Array:
    """Return scores (more is better) cut off at median − 2 · (90 % quantile − median).

    Hopeless configurations differ by much that does not matter; the model shall not spend its
    length scales on them.
    """
    middle, high = np.quantile(scores, [0.5, 0.9])
    return scores if high <= middle else np.maximum(scores, middle - 2.0 * (high - middle))


def _squares(a: Array, b: Array, groups: NDArray[np.int64]) -> Array:
    """Return squared distances per axis, shape (axes, len(a), len(b))."""
    axes = int(groups.max()) + 1
    out = np.zeros((axes, len(a), len(b)))
    for column, group in enumerate(groups):
        difference = a[:, column, None] - b[None, :, column]
        out[group] += difference * difference
    return out


def _matern(r2: Array) -> Array:
    """Return the correlation at squared distances; overwrites them."""
    s = np.sqrt(r2, out=r2)
    s *= _ROOT5
    decay = np.exp(-s)
    polynomial = s / 3.0
    polynomial += 1.0
    polynomial *= s
    polynomial += 1.0
    polynomial *= decay
    return polynomial


def _matern_and_slope(r2: Array) -> tuple[Array, Array]:
    """Return the correlation at squared distances, and −6/5 of its derivative by them."""
    s = _ROOT5 * np.sqrt(r2)
    decay = np.exp(-s)
    return (1.0 + s + s * s / 3.0) * decay, (1.0 + s) * decay


def _scaled_r2(a: Array, b: Array, scale: Array) -> Array:
    """Return squared distances of rows after multiplying columns by `scale`, shape (len(a), len(b))."""
    p, q = a * scale, b * scale
    r2 = (p * p).sum(1)[:, None] + (q * q).sum(1)[None, :] - 2.0 * (p @ q.T)
    return np.asarray(np.maximum(r2, 0.0), dtype=np.float64)


def _negative_log_posterior(vector: Array, squares: Array, y: Array) -> tuple[float, Array]:
    from scipy.linalg.lapack import dpotrf, dpotri

    lengths, signal, noise = vector[:-2], np.exp(vector[-2]), np.exp(vector[-1])
    n = len(y)
    weights = np.exp(-2.0 * lengths)
    flat = squares.reshape(len(lengths), -1)
    correlation, slope = _matern_and_slope((weights @ flat).reshape(n, n))
    k = signal * correlation
    k[np.diag_indices(n)] += noise + _JITTER
    factor, failed = dpotrf(k, lower=1, clean=1)
    if failed:
        return 1e25, np.zeros_like(vector)
    lower, _ = dpotri(factor, lower=1)
    inverse = np.tril(lower) + np.tril(lower, -1).T
    alpha = inverse @ y
    value = 0.5 * float(y @ alpha) + float(np.log(np.diag(factor)).sum())
    w = inverse - np.outer(alpha, alpha)
    gradient = np.empty_like(vector)
    gradient[:-2] = 0.5 * weights * (flat @ (w * slope).ravel()) * signal * (5.0 / 3.0)
    gradient[-2] = 0.5 * signal * float((w * correlation).sum())
    gradient[-1] = 0.5 * noise * float(np.trace(w))
    centre, spread = _prior(len(lengths))
    z = (vector - centre) / spread
    return value + 0.5 * float(z @ z), gradient + z / spread


def _prior(axes: int) -> tuple[Array, Array]:
    centre = np.array([_LENGTH[0]] * axes + [_SIGNAL[0], _NOISE[0]])
    spread = np.array([_LENGTH[1]] * axes + [_SIGNAL[1], _NOISE[1]])
    return centre, spread


def fit(
    x: Array,
    y: Array,
    groups: NDArray[np.int64],
    *,
    start: Theta | None,
    rng: np.random.Generator,
    iterations: int,
) -> Theta:
    """Return the most probable hyperparameters for rows x (n, columns) and targets y (n,).

    Above `FIT_ROWS` rows it looks at the best half of that many and a random half.
    """
    from scipy.optimize import minimize

    axes = int(groups.max()) + 1
    if len(y) > FIT_ROWS:
        order = np.argsort(-y, kind="stable")
        best, rest = order[: FIT_ROWS // 2], order[FIT_ROWS // 2 :]
        keep = np.sort(np.concatenate([best, rng.choice(rest, FIT_ROWS // 2, replace=False)]))
        x, y = x[keep], y[keep]
    bounds = [(np.log(0.05), np.log(20.0))] * axes + [(-3.0, 3.0), (np.log(1e-6), np.log(0.5))]
    first = (start or Theta.prior(axes)).vector()
    squares = _squares(x, x, groups)
    result = minimize(
        _negative_log_posterior,
        np.clip(first, [b[0] for b in bounds], [b[1] for b in bounds]),
        args=(squares, y),
        jac=True,
        method="L-BFGS-B",
        bounds=bounds,
        options={"maxiter": iterations},
    )
    return Theta.of(result.x)


@dataclass(frozen=True)
class GaussianProcess:
    """A process conditioned on rows; targets are standardised inside."""

    x: Array
    theta: Theta
    scale: Array
    """1 / length scale of each column."""
    factor: Array
    """Lower Cholesky factor of the rows' covariance."""
    alpha: Array

    def mean(self, rows: Array) -> Array:
        """Return the mean at rows, shape (rows,)."""
        return np.asarray(self._covariance(rows, self.x) @ self.alpha, dtype=np.float64)

    def predict(self, rows: Array) -> tuple[Array, Array]:
        """Return mean and standard deviation (without noise) at rows, shape (rows,) each."""
        k, explained = self._explained(rows)
        return k @ self.alpha, _root(np.exp(self.theta.signal) - _squared(explained))

    def improvement(self, rows: Array, over: Array) -> tuple[Array, Array, Array]:
        """Return mean and deviation of f(rows) − f(over), and the deviation of f(rows), shape (rows,) each.

        `over` is one row, shape (1, columns). Both are believed jointly: what is like `over` is as good as
        `over`, however good that is.
        """
        k, explained = self._explained(np.concatenate([rows, over]))
        mean = k @ self.alpha
        variance = np.exp(self.theta.signal) - _squared(explained)
        shared = self._covariance(rows, over)[:, 0] - explained[:, -1] @ explained[:, :-1]
        improvement = variance[:-1] + variance[-1] - 2.0 * shared
        return mean[:-1] - mean[-1], _root(improvement), _root(variance[:-1])

    def _covariance(self, rows: Array, others: Array) -> Array:
        """Return the prior covariance, shape (rows, others)."""
        signal: float = np.exp(self.theta.signal)
        return signal * _matern(_scaled_r2(rows, others, self.scale))

    def _explained(self, rows: Array) -> tuple[Array, Array]:
        """Return the covariance with what was seen, shape (rows, seen), and what that tells, (seen, rows).

        The products of the latter's columns are the covariances that are known by now.
        """
        from scipy.linalg import solve_triangular

        k = self._covariance(rows, self.x)
        return k, solve_triangular(self.factor, k.T, lower=True, check_finite=False)


def _squared(columns: Array) -> Array:
    """Return the squared length of each column."""
    return np.asarray(np.einsum("ij,ij->j", columns, columns), dtype=np.float64)


def _root(variance: Array) -> Array:
    return np.sqrt(np.maximum(variance, 1e-12))


def condition(x: Array, y: Array, groups: NDArray[np.int64], theta: Theta) -> GaussianProcess:
    """Return the process that has seen targets y (n,) at rows x (n, columns)."""
    from scipy.linalg import cho_solve, cholesky

    scale = np.exp(-theta.lengths)[groups]
    k = np.exp(theta.signal) * _matern(_scaled_r2(x, x, scale))
    noise = np.exp(theta.noise) + _JITTER
    while True:
        k[np.diag_indices(len(y))] += noise
        try:
            factor = cholesky(k, lower=True, check_finite=False)
            break
        except np.linalg.LinAlgError:  # rows that nearly repeat: more jitter until it holds
            noise = max(noise, 1e-6) * 10
    alpha = cho_solve((factor, True), y, check_finite=False)
    return GaussianProcess(x, theta, scale, factor, alpha)
