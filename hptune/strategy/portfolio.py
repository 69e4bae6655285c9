"""Starts learned from past studies: a few configurations that complement each other.

The greedy cover of "learning hyperparameter optimization initializations" and of the portfolios
in auto-sklearn 2.0 (arXiv 2007.04074, section 3.1): each next configuration is the one that
helps most where those before it did badly.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hptune.space import Space, Value
from hptune.strategy.encoding import Cube
from hptune.strategy.initial_design import fit_to
from hptune.study.trial import Objective, Observation, TrialState

__all__ = ["build_portfolio", "cover"]

Array = NDArray[np.float64]

_NEIGHBOURS = 3
_POOL = 12


def build_portfolio(
    space: Space,
    studies: Sequence[tuple[Objective, Sequence[Observation]]],
    count: int,
) -> list[dict[str, Value]]:
    """Return up to `count` configurations of `space` that did well in other studies, best cover first.

    Each study is its objective and the observations of its trials; hyperparameters are matched by name,
    those that a study did not have are taken at today's default, numbers are clipped to today's
    ranges. Scores are compared inside a study only, as ranks. Empty where nothing matches.
    """
    cube = Cube.of(space)
    tables = [table for objective, observed in studies if (table := _table(cube, space, objective, observed))]
    if not tables or count < 1:
        return []
    pool, configurations = _pool(tables)
    loss = np.array([_loss_in(rows, ranks, pool) for rows, ranks, _ in tables])
    return [configurations[i] for i in cover(loss, count)]


def cover(loss: Array, count: int, given: Sequence[int] = ()) -> list[int]:
    """Return up to `count` columns of `loss`, (tasks, configurations), each the one that helps most.

    `loss` is 0 for the best on a task and 1 for no good. What is `given` is tried in any case: those
    chosen complement it. Where several help as much, the one with the lowest mean is taken.
    """
    taken = list(given)
    covered = loss[:, taken].min(1, initial=1.0)
    while len(taken) < min(count + len(given), loss.shape[1]):
        after = np.minimum(covered[:, None], loss).mean(0) + 1e-9 * loss.mean(0)
        after[taken] = np.inf
        taken.append(int(np.argmin(after)))
        covered = np.minimum(covered, loss[:, taken[-1]])
    return taken[len(given) :]


_Table = tuple[Array, Array, list[dict[str, Value]]]
"""Rows in the cube, rank of each from 0 (best) to 1, and the configurations, best first."""


def _table(cube: Cube, space: Space, objective: Objective, observed: Sequence[Observation]) -> _Table | None:
    """Return what one study says about today's space; None where it says nothing."""
    last: dict[int, Observation] = {}
    for observation in observed:
        if observation.state in (TrialState.COMPLETE, TrialState.PAUSED):
            last[observation.trial_id] = observation
    scored = [o for o in last.values() if o.score is not None and np.isfinite(o.score)]
    searched = {hp.name for hp in space.searched}
    if not scored or not any(searched & set(o.values) for o in scored):
        return None
    by_score = sorted(scored, key=lambda o: (-objective.sign * float(o.score or 0.0), o.trial_id))
    fitted = fit_to(space, [o.values for o in by_score])
    ranks = np.linspace(0.0, 1.0, len(by_score)) if len(by_score) > 1 else np.zeros(1)
    return cube.snap(cube.encode(fitted)), ranks, fitted


def _pool(tables: Sequence[_Table]) -> tuple[Array, list[dict[str, Value]]]:
    """Return the best configurations of every study, once each."""
    seen: dict[bytes, tuple[Array, dict[str, Value]]] = {}
    for rows, _, configurations in tables:
        for row, configuration in zip(rows[:_POOL], configurations[:_POOL], strict=True):
            seen.setdefault(np.round(row, 9).tobytes(), (row, configuration))
    return np.array([row for row, _ in seen.values()]), [c for _, c in seen.values()]


def _loss_in(rows: Array, ranks: Array, pool: Array) -> Array:
    """Return the rank that each configuration of the pool would have in a study, shape (pool,).

    Where it was not tried, the nearest tried ones stand for it, weighted by nearness; the further
    they are, the more it counts as unknown: rank one half.
    """
    squares = ((pool[:, None, :] - rows[None, :, :]) ** 2).sum(2)
    nearest = np.argsort(squares, axis=1, kind="stable")[:, :_NEIGHBOURS]
    near = np.take_along_axis(squares, nearest, 1)
    weight = 1.0 / (near + 1e-6)
    guess = (weight * ranks[nearest]).sum(1) / weight.sum(1)
    trust = np.exp(-near[:, 0] / 0.1)
    return np.asarray(trust * guess + (1 - trust) * 0.5, dtype=np.float64)
