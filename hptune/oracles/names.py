"""The oracles by name: Keras Tuner's own, and coarse-to-fine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras_tuner
import numpy as np

from hptune.models.keras_tuner_space import to_keras_tuner
from hptune.oracles.searcher import Searcher
from hptune.space import Space
from hptune.study.notes import WarmStart
from hptune.study.trial import Objective

__all__ = ["make_searcher"]


class _Random(keras_tuner.oracles.RandomSearchOracle):  # type: ignore[misc]
    """Keras Tuner's random search, whose state is one number."""

    def memo(self) -> object:
        return self._seed_state

    def set_memo(self, memo: Any) -> None:
        self._seed_state = memo


class _Bayesian(keras_tuner.oracles.BayesianOptimizationOracle):  # type: ignore[misc]
    """Keras Tuner's Gaussian process; its starting points depend on how often it was asked alone."""

    learns_from_earlier_trials = True

    def populate_space(self, trial_id: str) -> Any:
        self._random_state = np.random.RandomState([self.seed, len(self.trials)])
        return super().populate_space(trial_id)

    def memo(self) -> object:
        return self._seed_state

    def set_memo(self, memo: Any) -> None:
        self._seed_state = memo


def _seed(seed: int, pass_number: int) -> int:
    """Return a seed of its own for each pass, never 0: Keras Tuner takes 0 for "none"."""
    return 1 + int(np.random.default_rng([seed, pass_number]).integers(2**31 - 2))


def make_searcher(
    name: str,
    *,
    objective: Objective,
    root: Space,
    epochs: int,
    budget: int,
    seed: int,
    warm_starts: tuple[WarmStart, ...] = (),
) -> Searcher:
    """Return a searcher around the oracle called `name` (one of `hptune.oracles.ORACLES`).

    `root` is the coarse space of the first pass, `epochs` those of one full training, `budget`
    the epochs that the whole search may cost, `warm_starts` the configurations to begin with.
    """
    goal = keras_tuner.Objective(objective.name, objective.direction.value)

    def common(space: Space, pass_number: int) -> dict[str, Any]:
        return {
            "objective": goal,
            "hyperparameters": to_keras_tuner(space),
            "seed": _seed(seed, pass_number),
            "max_consecutive_failed_trials": 2**31,
        }

    def coarse_to_fine(space: Space, pass_number: int) -> Any:
        from hptune.oracles.coarse_to_fine import CoarseToFineOracle

        return CoarseToFineOracle(
            objective=goal,
            space=space,
            root=root,
            max_epochs=epochs,
            budget_epochs=budget,
            seed=seed,
            warm_starts=warm_starts,
            reports_epochs=True,
        )

    makers: dict[str, Callable[[Space, int], Any]] = {
        "coarse-to-fine": coarse_to_fine,
        "random": lambda *today: _Random(max_trials=None, **common(*today)),
        "bayesian": lambda *today: _Bayesian(max_trials=None, **common(*today)),
        # As many iterations as the budget lasts.
        "hyperband": lambda *today: keras_tuner.oracles.HyperbandOracle(
            max_epochs=epochs, hyperband_iterations=2**31, **common(*today)
        ),
        "grid": lambda *today: keras_tuner.oracles.GridSearchOracle(**common(*today)),
    }
    return Searcher(make=makers[name], objective=objective, epochs=epochs)
