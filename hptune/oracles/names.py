"""The search algorithms by name: Keras Tuner's own oracles, and coarse-to-fine."""

from __future__ import annotations

import operator
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras_tuner
import numpy as np
from sklearn.exceptions import ConvergenceWarning

from hptune.models.keras_tuner_space import to_keras_tuner
from hptune.oracles.coarse_to_fine import CoarseToFineOracle
from hptune.oracles.driven import Driven, DrivenOracle, DrivenStock
from hptune.oracles.of_packages import OracleOfPackage
from hptune.oracles.searcher import NextOracle, Searcher
from hptune.space import Hyperparameter, Space
from hptune.strategy.state import NoSuggestion
from hptune.study.notes import WarmStart
from hptune.study.trial import Objective, Trial

__all__ = ["make_searcher"]


class _CoarseToFine(Driven, CoarseToFineOracle):
    """Ours; it lives through all passes."""

    @property
    def no_suggestion(self) -> NoSuggestion:  # type: ignore[override]
        return self.answer or NoSuggestion.EXHAUSTED

    def extend(self, space: Space, found: Sequence[Hyperparameter]) -> None:
        super().extend(space, found)
        self.search_also(found)


class _WithSeedState(DrivenStock):
    """An oracle whose random state is one number."""

    _seed_state: Any

    asks_again = False

    def memo(self) -> object:
        return self._seed_state

    def set_memo(self, memo: Any) -> None:
        self._seed_state = operator.index(memo)


class _Random(_WithSeedState, keras_tuner.oracles.RandomSearchOracle):  # type: ignore[misc]
    """Keras Tuner's random search."""


class _Bayesian(_WithSeedState, keras_tuner.oracles.BayesianOptimizationOracle):  # type: ignore[misc]
    """Keras Tuner's Gaussian process; its starting points depend on how often it was asked alone."""

    def populate_space(self, trial_id: str) -> Any:
        self._random_state = np.random.RandomState([self.seed, len(self.trials)])
        with warnings.catch_warnings():
            # How its Gaussian process converges says nothing that a user could act on.
            warnings.simplefilter("ignore", ConvergenceWarning)
            return super().populate_space(trial_id)


class _Hyperband(DrivenStock, keras_tuner.oracles.HyperbandOracle):  # type: ignore[misc]
    """Keras Tuner's Hyperband."""


class _Grid(DrivenStock, keras_tuner.oracles.GridSearchOracle):  # type: ignore[misc]
    """Keras Tuner's grid search."""


def _seed(seed: int, pass_number: int) -> int:
    """Return a seed of its own for each pass, never 0: Keras Tuner takes 0 for "none"."""
    return 1 + int(np.random.default_rng([seed, pass_number]).integers(2**31 - 2))


@dataclass(frozen=True, kw_only=True)
class _Oracles:
    """What the oracles of one search are made from; each method gives that of the next pass."""

    goal: Any
    """Keras Tuner's objective."""
    root: Space
    epochs: int
    budget: int
    seed: int
    warm_starts: tuple[WarmStart, ...]

    def coarse_to_fine(
        self, before: DrivenOracle | None, space: Space, number: int, earlier: tuple[Trial, ...]
    ) -> DrivenOracle:
        if isinstance(before, _CoarseToFine):
            before.begin_pass(space)
            return before
        return _CoarseToFine(
            objective=self.goal,
            space=space,
            root=self.root,
            max_epochs=self.epochs,
            budget_epochs=self.budget,
            seed=self.seed,
            warm_starts=self.warm_starts,
            reports_epochs=True,
        )

    def bayesian(
        self, before: DrivenOracle | None, space: Space, number: int, earlier: tuple[Trial, ...]
    ) -> DrivenOracle:
        oracle = self._stock(_Bayesian, space, number, max_trials=None)
        for trial in earlier:
            if trial.score is not None and trial.epochs == self.epochs and not space.problems(trial.values):
                # What a later trial was the first to ask for is taken at its default, not drawn.
                oracle.learn(space.active(trial.values), trial.score)
        return oracle

    def random(self, before: Any, space: Space, number: int, earlier: Any) -> DrivenOracle:
        return self._stock(_Random, space, number, max_trials=None)

    def hyperband(self, before: Any, space: Space, number: int, earlier: Any) -> DrivenOracle:
        # As many iterations as the budget lasts.
        return self._stock(_Hyperband, space, number, max_epochs=self.epochs, hyperband_iterations=2**31)

    def grid(self, before: Any, space: Space, number: int, earlier: Any) -> DrivenOracle:
        return self._stock(_Grid, space, number)

    def of_package(self, name: str) -> NextOracle:
        """Return what makes the oracle of each pass from a class that another package offers."""
        offered = OracleOfPackage(name)

        def made(before: Any, space: Space, number: int, earlier: Any) -> DrivenOracle:
            seed = _seed(self.seed, number)
            return offered.make(goal=self.goal, space=space, seed=seed, epochs=self.epochs)

        return made

    def _stock(self, kind: type[Driven], space: Space, number: int, **more: Any) -> Driven:
        """Return an oracle of Keras Tuner's, which prints nothing."""
        make: Any = kind
        oracle: Driven = make(
            objective=self.goal,
            hyperparameters=to_keras_tuner(space),
            seed=_seed(self.seed, number),
            max_consecutive_failed_trials=2**31,
            **more,
        )
        oracle.verbose = 0
        return oracle


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
    """Return a searcher around the oracle called `name`: one of `hptune.oracles.ORACLES`, or a package's.

    `root` is the coarse space of the first pass, `epochs` those of one full training, `budget`
    the epochs that the whole search may cost, `warm_starts` the configurations to begin with. Raises what
    `OracleOfPackage` raises.
    """
    goal = keras_tuner.Objective(objective.name, objective.direction.value)
    oracles = _Oracles(goal=goal, root=root, epochs=epochs, budget=budget, seed=seed, warm_starts=warm_starts)
    makers: dict[str, NextOracle] = {
        "coarse-to-fine": oracles.coarse_to_fine,
        "bayesian": oracles.bayesian,
        "random": oracles.random,
        "hyperband": oracles.hyperband,
        "grid": oracles.grid,
    }
    return Searcher(next_oracle=makers.get(name) or oracles.of_package(name), epochs=epochs)
