"""What the model says about configurations at the end of training: fitted on a history."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hptune.strategy.encoding import Cube
from hptune.strategy.history import History
from hptune.strategy.surrogate import GaussianProcess, Theta, clip_low, condition, fit

__all__ = ["MOST_LEADERS", "MOST_ROWS", "Posterior", "fit_posterior"]

Array = NDArray[np.float64]

MOST_ROWS = 1000
"""Rows the model is conditioned on: above it, the best half and the newest others."""

MOST_LEADERS = 500
"""Judgements, the best first, among which the model looks for the best configuration."""

_SAME = 1e-12
"""A spread of scores that is smaller, as a share of the scores, is rounding."""

_FIRST_ITERATIONS = 40
_WARM_ITERATIONS = 12


@dataclass(frozen=True)
class Posterior:
    """The fitted model, asked about the last epoch."""

    process: GaussianProcess
    full_epochs: int
    best: Array
    """The best posterior mean at the last epoch among the best scores, shape (1, columns).

    Where nothing has a score, one that could not be trained.
    """
    centres: Array
    """The best configurations tried, best first, shape (up to 5, columns)."""

    @property
    def noise(self) -> float:
        """Standard deviation of an observation, standardised."""
        return math.exp(0.5 * self.process.theta.noise)

    def at_the_end(self, rows: Array) -> tuple[Array, Array]:
        """Return mean and deviation of the standardised score after full training."""
        return self.process.predict(self._fully(rows))

    def improvement(self, rows: Array, over: Array) -> tuple[Array, Array, Array]:
        """Return mean and deviation of the lead over one row, shape (1, columns), after full training.

        The last of the three is the deviation of the rows' own scores.
        """
        return self.process.improvement(self._fully(rows), self._fully(over))

    def mean_at_the_end(self, rows: Array) -> Array:
        """Return the mean alone, which costs much less."""
        return self.process.mean(self._fully(rows))

    def _fully(self, rows: Array) -> Array:
        return with_epochs(rows, np.full(len(rows), self.full_epochs), self.full_epochs)


def with_epochs(rows: Array, epochs: Array, full: int) -> Array:
    """Append ln(epoch), laid on 0 (one epoch) to 1 (a full training), as the last column."""
    if full == 1:
        return rows
    return np.column_stack([rows, np.log(np.maximum(epochs, 1.0)) / math.log(full)])


def _groups(cube: Cube, full: int) -> NDArray[np.int64]:
    return cube.groups if full == 1 else np.append(cube.groups, len(cube.axes))


def _rows_to_keep(y: Array) -> NDArray[np.int64]:
    if len(y) <= MOST_ROWS:
        return np.arange(len(y))
    order = np.argsort(-y, kind="stable")
    best, rest = order[: MOST_ROWS // 2], np.sort(order[MOST_ROWS // 2 :])
    return np.sort(np.concatenate([best, rest[-(MOST_ROWS // 2) :]]))


def fit_posterior(
    cube: Cube,
    history: History,
    full: int,
    memo: Mapping[str, Any],
    rng: np.random.Generator,
    *,
    refit: bool,
    doubt: float = 0.0,
) -> tuple[Posterior, dict[str, Any]]:
    """Fit the model and return it with the memo for the next look.

    What could not be trained counts as no better than the worst that could; running trials count
    as believed: they take the value the model expects (kriging believer). `doubt` shortens every
    length scale by exp(−doubt), so that the model is less sure of what it has not seen.
    """
    groups = _groups(cube, full)
    y = clip_low(history.y) if len(history.y) else history.y
    floor = float(y.min()) if len(y) else 0.0
    x = with_epochs(history.x, history.epochs, full)
    bad = with_epochs(history.infeasible, np.full(len(history.infeasible), full), full)
    x, y = np.concatenate([x, bad]), np.concatenate([y, np.full(len(bad), floor)])
    spread = float(y.std())
    distinguishable = spread > _SAME * float(np.abs(y).max(initial=0.0))
    y = (y - y.mean()) / (spread if distinguishable else 1.0)
    keep = _rows_to_keep(y)
    x, y = x[keep], y[keep]
    theta, memo = _theta(x, y, groups, memo, rng, refit)
    theta = Theta(theta.lengths - doubt, theta.signal, theta.noise)
    process = condition(x, y, groups, theta)
    process = _believe(process, history, full, groups, y)
    return _posterior_of(process, history, full), memo


def _theta(
    x: Array,
    y: Array,
    groups: NDArray[np.int64],
    memo: Mapping[str, Any],
    rng: np.random.Generator,
    refit: bool,
) -> tuple[Theta, dict[str, Any]]:
    axes = int(groups.max()) + 1
    known = memo.get("theta")
    start = Theta.of(known) if known is not None and len(known) == axes + 2 else None
    if start is None or refit:
        iterations = _FIRST_ITERATIONS if start is None else _WARM_ITERATIONS
        start = fit(x, y, groups, start=start, rng=rng, iterations=iterations)
    return start, {**memo, "theta": [float(v) for v in start.vector()]}


def _believe(
    process: GaussianProcess, history: History, full: int, groups: NDArray[np.int64], y: Array
) -> GaussianProcess:
    pending = history.running
    if not pending:
        return process
    rows = np.array([s.row for s in pending])
    rows = with_epochs(rows, np.array([float(s.epochs) for s in pending]), full)
    believed = process.mean(rows)
    return condition(np.concatenate([process.x, rows]), np.concatenate([y, believed]), groups, process.theta)


def _posterior_of(process: GaussianProcess, history: History, full: int) -> Posterior:
    posterior = Posterior(process, full, history.infeasible[:1], history.x[:0])
    if not len(history.x):
        return posterior
    tried = np.unique(history.x[np.argsort(-history.y, kind="stable")[:MOST_LEADERS]], axis=0)
    order = np.argsort(-posterior.mean_at_the_end(tried), kind="stable")
    return Posterior(process, full, tried[order[:1]], tried[order[:5]])
