"""The search algorithms by name: Keras Tuner's own oracles, and coarse-to-fine."""

from __future__ import annotations

from typing import Any

import keras_tuner
import numpy as np

from hptune.models.keras_tuner_space import to_keras_tuner
from hptune.oracles.coarse_to_fine import CoarseToFineOracle
from hptune.oracles.driven import Driven, DrivenOracle, DrivenStock
from hptune.oracles.searcher import NextOracle, Searcher
from hptune.space import Space
from hptune.strategy.state import NoSuggestion
from hptune.study.notes import WarmStart
from hptune.study.trial import Objective, Trial

__all__ = ["make_searcher"]


class _CoarseToFine(Driven, CoarseToFineOracle):
    """Ours; it lives through all passes."""

    @property
    def no_suggestion(self) -> NoSuggestion:  # type: ignore[override]
        return self.answer or NoSuggestion.EXHAUSTED


class _WithSeedState(DrivenStock):
    """An oracle whose random state is one number."""

    _seed_state: Any

    asks_again = False

    def memo(self) -> object:
        return self._seed_state

    def set_memo(self, memo: Any) -> None:
        self._seed_state = memo


class _Random(_WithSeedState, keras_tuner.oracles.RandomSearchOracle):  # type: ignore[misc]
    """Keras Tuner's random search."""


class _Bayesian(_WithSeedState, keras_tuner.oracles.BayesianOptimizationOracle):  # type: ignore[misc]
    """Keras Tuner's Gaussian process; its starting points depend on how often it was asked alone."""

    def populate_space(self, trial_id: str) -> Any:
        self._random_state = np.random.RandomState([self.seed, len(self.trials)])
        return super().populate_space(trial_id)


class _Hyperband(DrivenStock, keras_tuner.oracles.HyperbandOracle):  # type: ignore[misc]
    """Keras Tuner's Hyperband."""


class _Grid(DrivenStock, keras_tuner.oracles.GridSearchOracle):  # type: ignore[misc]
    """Keras Tuner's grid search."""


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

    def coarse_to_fine(
        before: DrivenOracle | None, space: Space, number: int, earlier: tuple[Trial, ...]
    ) -> DrivenOracle:
        if isinstance(before, _CoarseToFine):
            before.begin_pass(space)
            return before
        return _CoarseToFine(
            objective=goal,
            space=space,
            root=root,
            max_epochs=epochs,
            budget_epochs=budget,
            seed=seed,
            warm_starts=warm_starts,
            reports_epochs=True,
        )

    def bayesian(space: Space, number: int, earlier: tuple[Trial, ...]) -> DrivenOracle:
        oracle: Driven = _quiet(_Bayesian(max_trials=None, **common(space, number)))
        for trial in earlier:
            if trial.score is not None and trial.epochs == epochs and not space.problems(trial.values):
                oracle.learn(trial.values, trial.score)
        return oracle

    makers: dict[str, NextOracle] = {
        "coarse-to-fine": coarse_to_fine,
        "bayesian": lambda before, *today: bayesian(*today),
        "random": lambda before, space, number, earlier: _quiet(
            _Random(max_trials=None, **common(space, number))
        ),
        # As many iterations as the budget lasts.
        "hyperband": lambda before, space, number, earlier: _quiet(
            _Hyperband(max_epochs=epochs, hyperband_iterations=2**31, **common(space, number))
        ),
        "grid": lambda before, space, number, earlier: _quiet(_Grid(**common(space, number))),
    }
    return Searcher(next_oracle=makers[name], epochs=epochs)


def _quiet(oracle: Any) -> Any:
    """Return the oracle, which prints nothing from here on."""
    oracle.verbose = 0
    return oracle
