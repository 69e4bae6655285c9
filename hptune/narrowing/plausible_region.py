"""Where the model expects the best configurations: ranges for the user to read.

Trials gather where the search has looked, so where they lie says little of where they should. The
model knows both: of many configurations drawn evenly from today's ranges, the most promising are
those with the best μ + σ/2, and the middle of each hyperparameter's values among them is its range.
Where a hyperparameter does not matter they lie all over it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from hptune.space import Number, Space
from hptune.strategy.candidates import uniform_candidates
from hptune.strategy.encoding import Cube
from hptune.strategy.history import read_history
from hptune.strategy.posterior import fit_posterior
from hptune.strategy.state import SearchState
from hptune.strategy.threads import one_thread
from hptune.study.trial import Objective, Observation, Trial

__all__ = ["CANDIDATES", "MIN_TRIALS", "MOST_TRIALS", "PROMISING", "as_observation", "plausible"]

CANDIDATES = 3000
"""Configurations that the model is asked about."""
PROMISING = 100
"""Those that count as promising."""
MIN_TRIALS = 12
"""Trials with a score below which the model is not asked."""
MOST_TRIALS = 400
"""Trials that the model is fitted on: what it is to show does not get better with more."""
_OPTIMISM = 0.5
"""How much of its deviation is added to the mean: what is not known yet may be good."""
_MIDDLE = (0.1, 0.9)
"""Quantiles of their values that make a range."""
_FEWEST = 20
"""Promising configurations in which a hyperparameter must be active to have a range."""


def plausible(
    space: Space, trials: Sequence[Trial], objective: Objective, *, root: Space | None = None, epochs: int
) -> dict[str, tuple[float, float]]:
    """Return, for each number searched in `space`, the range that the promising values span.

    `epochs` are those of a full training. {} where fewer than MIN_TRIALS trials have a score.
    """
    scored = [t for t in trials if t.score is not None]
    if len(scored) < MIN_TRIALS:
        return {}
    root = root or space
    cube = Cube.of(root, space)
    if not cube.axes:
        return {}
    kept = _telling(trials, objective)
    observations = tuple(as_observation(t) for t in kept)
    state = SearchState(
        root=root, space=space, objective=objective, epochs=epochs, budget=1.0, observations=observations
    )
    rng = np.random.default_rng(0)
    with one_thread():
        posterior, _ = fit_posterior(cube, read_history(cube, state), epochs, {}, rng, refit=True)
        rows = cube.snap(uniform_candidates(cube, cube.box(space), CANDIDATES, rng))
        mean, deviation = posterior.at_the_end(rows)
    best = np.argsort(-(mean + _OPTIMISM * deviation), kind="stable")[:PROMISING]
    return _middles(space, cube.decode(rows[best]))


def _telling(trials: Sequence[Trial], objective: Objective) -> Sequence[Trial]:
    """Return the trials the model is fitted on: all, or the best half of MOST_TRIALS and the newest."""
    if len(trials) <= MOST_TRIALS:
        return trials
    worst = -objective.sign * np.inf
    ranked = sorted(trials, key=lambda t: -objective.sign * (worst if t.score is None else t.score))
    best = {t.id for t in ranked[: MOST_TRIALS // 2]}
    rest = [t for t in trials if t.id not in best][-(MOST_TRIALS // 2) :]
    return sorted([t for t in trials if t.id in best] + rest, key=lambda t: t.id)


def _middles(space: Space, promising: Sequence[Mapping[str, object]]) -> dict[str, tuple[float, float]]:
    found = {}
    for hp in space:
        if not isinstance(hp, Number):
            continue
        values: NDArray[np.float64] = np.array(
            [v[hp.name] for v in promising if hp.name in v], dtype=np.float64
        )
        if len(values) >= _FEWEST:
            units = np.quantile(hp.to_units(values), _MIDDLE)
            low, high = (float(v) for v in hp.from_units(units))
            found[hp.name] = (low, high)
    return found


def as_observation(trial: Trial) -> Observation:
    """Return a trial as the model takes it: one that stopped early may be resumed."""
    return Observation(
        trial_id=trial.id,
        values=trial.values,
        epochs=max(1, trial.epochs),
        score=trial.score,
        state=trial.state,
        pass_number=trial.pass_number,
    )
