"""The searches that `benchmarks/strategy.py` compares: ours, and the real peers by ask and tell."""

from __future__ import annotations

import itertools
import tempfile
import time
import warnings
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import lcbench
import numpy as np

from hptune.narrowing.propose import propose
from hptune.oracles.names import make_searcher
from hptune.search.engine import Engine
from hptune.space import Integer, Number, Space
from hptune.space.scales import Scale
from hptune.strategy.plan import plan
from hptune.study import Identity, Study
from hptune.study.trial import Direction, Job, Objective, Outcome

FULL = lcbench.EPOCHS
GOAL = Objective(name=lcbench.OBJECTIVE, direction=Direction.MAX)


@dataclass
class Race:
    """One search of one task with one seed."""

    space: Space
    trainer: lcbench.Trainer
    trainings: int
    """The budget, in full trainings."""
    seed: int
    defaults_first: bool
    """Whether a peer gets our defaults as its first trial."""
    in_flight: int = 1
    """Jobs that our engine asks for at once."""
    waits: list[float] = field(default_factory=list)
    """Seconds of each suggestion."""
    _jobs: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def left(self) -> int:
        return self.trainings * FULL - self.trainer.spent

    def train(self, values: dict[str, Any], first: int, last: int) -> list[float]:
        """Train from `first` epochs to `last`; return what the new epochs told."""
        number = next(self._jobs)
        job = Job(id=number, trial_id=number, values=values, seed=0, initial_epoch=first, epochs=last)
        return [epoch[lcbench.OBJECTIVE] for epoch in self.trainer.run(job).curve]

    def asked(self, ask: Callable[[], Any]) -> Any:
        """Ask, and note how long the answer took."""
        started = time.perf_counter()
        answer = ask()
        self.waits.append(time.perf_counter() - started)
        return answer


class _AtOnce:
    """Holds `slots` jobs; all of them are paid before any outcome is reported."""

    def __init__(self, trainer: _InStead, slots: int) -> None:
        self.slots = slots
        self._trainer = trainer
        self._waiting: list[tuple[Job, Any, Future[Outcome]]] = []

    def submit(self, job: Job, on_epoch: Any) -> Future[Outcome]:
        self._waiting.append((job, on_epoch, Future()))
        return self._waiting[-1][2]

    def poll(self, seconds: float) -> None:
        trainer = self._trainer.race.trainer
        before = trainer.spent
        cost = sum(job.epochs - job.initial_epoch for job, _, _ in self._waiting)
        for job, on_epoch, future in self._waiting:
            trainer.spent = before + cost - (job.epochs - job.initial_epoch)
            future.set_result(self._trainer.run(job, partial(on_epoch, job)))
        trainer.spent = before + cost
        self._waiting.clear()

    def close(self) -> None:
        self._waiting.clear()


@dataclass
class _InStead:
    """Answers the engine's jobs by the surrogate; the weights it keeps are empty files."""

    race: Race

    def run(self, job: Job, on_epoch: Any) -> Outcome:
        outcome = self.race.trainer.run(job)
        on_epoch(job.epochs, outcome.curve[-1])
        Path(job.keep_as).touch()
        return replace(outcome, checkpoint=job.keep_as)


def ours(race: Race) -> None:
    """Run a whole search of three passes: the engine, its database, narrowing and all."""
    with tempfile.TemporaryDirectory() as folder:
        identity = Identity(
            **dict.fromkeys(("data", "data_fingerprint", "model", "model_fingerprint"), "lcbench"),
            objective=GOAL.name,
            direction=GOAL.direction,
            epochs=FULL,
            oracle="coarse-to-fine",
            seed=race.seed,
            settings={},
        )
        the_plan = plan(race.space, trials=race.trainings, epochs=FULL, passes=3)
        searcher = make_searcher(
            "coarse-to-fine",
            objective=GOAL,
            root=race.space,
            epochs=FULL,
            budget=the_plan.budget,
            seed=race.seed,
        )
        ask = searcher.ask
        searcher.ask = lambda: race.asked(ask)  # type: ignore[method-assign]
        with Study.create(Path(folder), identity) as study:
            study.open_pass(race.space, proposal=None, origin="given")
            Engine(
                study=study,
                searcher=searcher,
                executor=_AtOnce(_InStead(race), race.in_flight),
                pass_ends=tuple(itertools.accumulate(the_plan.pass_epochs)),
                narrow=lambda space, trials: propose(space, trials, GOAL, root=race.space, epochs=FULL),
            ).run()


def _legs(race: Race, oracle: Any) -> None:
    """Drive an oracle that says how far to train, until the budget is spent."""
    best: dict[str, float] = {}
    for turn in itertools.count():
        trial = race.asked(lambda turn=turn: oracle.create_trial(f"turn-{turn}"))
        if trial.status != "RUNNING":
            return
        given = trial.hyperparameters.values
        values = {name: given[name] for name in lcbench.NAMES}
        first = int(given.get("tuner/initial_epoch", 0))
        last = int(given.get("tuner/epochs", FULL))
        if last - first > race.left:
            return
        told = race.train(values, first, last)
        score = max([*told, best.get(given.get("tuner/trial_id", ""), -np.inf)])
        best[trial.trial_id] = score
        oracle.update_trial(trial.trial_id, {lcbench.OBJECTIVE: score}, step=last)
        trial.status = "COMPLETED"
        oracle.end_trial(trial)


def _declared(space: Space) -> Any:
    """Return the space in Keras Tuner's own words."""
    import keras_tuner

    hps = keras_tuner.HyperParameters()
    for hp in space:
        assert isinstance(hp, Number)
        sampling = "log" if hp.scale is Scale.LOG else "linear"
        declare = hps.Int if isinstance(hp, Integer) else hps.Float
        declare(hp.name, hp.low, hp.high, sampling=sampling, default=hp.default)
    return hps


def _keras_tuner(make: Callable[..., Any]) -> Callable[[Race], None]:
    """Return a run of one of Keras Tuner's oracles, kept in memory."""

    def run(race: Race) -> None:
        import keras_tuner

        oracle = make(
            objective=keras_tuner.Objective(lcbench.OBJECTIVE, "max"),
            hyperparameters=_declared(race.space),
            seed=race.seed + 1,  # Keras Tuner takes 0 for "none"
        )
        oracle.save = lambda: None
        oracle._save_trial = lambda trial: None
        oracle.verbose = 0
        if race.defaults_first:
            _tell_defaults(race, oracle)
        _legs(race, oracle)

    return run


def _tell_defaults(race: Race, oracle: Any) -> None:
    """Make the defaults an oracle's first trial."""
    values = dict(race.space.defaults)
    populate = oracle.populate_space
    oracle.populate_space = lambda trial_id: {"status": "RUNNING", "values": values}
    trial = oracle.create_trial("defaults")
    oracle.populate_space = populate
    score = max(race.train(values, 0, FULL))
    oracle.update_trial(trial.trial_id, {lcbench.OBJECTIVE: score}, step=FULL)
    trial.status = "COMPLETED"
    oracle.end_trial(trial)


def _random(**common: Any) -> Any:
    import keras_tuner

    return keras_tuner.oracles.RandomSearchOracle(max_trials=10_000, **common)


def _bayesian(**common: Any) -> Any:
    import keras_tuner

    return keras_tuner.oracles.BayesianOptimizationOracle(max_trials=10_000, **common)


def _hyperband(**common: Any) -> Any:
    import keras_tuner

    return keras_tuner.oracles.HyperbandOracle(max_epochs=FULL, hyperband_iterations=1_000, **common)


def _optuna(sampler: Callable[[Any, int], Any], *, prunes: bool = False) -> Callable[[Race], None]:
    """Return a run of Optuna; where it prunes, every epoch is reported."""

    def run(race: Race) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        pruner = optuna.pruners.HyperbandPruner(min_resource=1, max_resource=FULL)
        study = optuna.create_study(
            direction="maximize",
            sampler=sampler(optuna.samplers, race.seed),
            pruner=pruner if prunes else optuna.pruners.NopPruner(),
        )
        if race.defaults_first:
            study.enqueue_trial(dict(race.space.defaults))
        while race.left > 0:
            trial = study.ask()
            values = race.asked(lambda trial=trial: {hp.name: _suggested(trial, hp) for hp in race.space})
            _report(race, study, trial, values, prunes)

    return run


def _suggested(trial: Any, hp: Any) -> Any:
    suggest = trial.suggest_int if isinstance(hp, Integer) else trial.suggest_float
    return suggest(hp.name, hp.low, hp.high, log=hp.scale is Scale.LOG)


def _report(race: Race, study: Any, trial: Any, values: dict[str, Any], prunes: bool) -> None:
    import optuna

    if not prunes:
        last = min(FULL, race.left)
        study.tell(trial, max(race.train(values, 0, last)))
        return
    best = -np.inf
    for epoch in range(FULL):
        if race.left < 1:
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
            return
        best = max(best, *race.train(values, epoch, epoch + 1))
        trial.report(best, epoch + 1)
        if epoch + 1 < FULL and trial.should_prune():
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
            return
    study.tell(trial, best)


METHODS: dict[str, Callable[[Race], None]] = {
    "hptune": ours,
    "kt-random": _keras_tuner(_random),
    "kt-bayesian": _keras_tuner(_bayesian),
    "kt-hyperband": _keras_tuner(_hyperband),
    "optuna-tpe": _optuna(lambda samplers, seed: samplers.TPESampler(seed=seed)),
    "optuna-tpe-hyperband": _optuna(lambda samplers, seed: samplers.TPESampler(seed=seed), prunes=True),
    "optuna-gp": _optuna(lambda samplers, seed: samplers.GPSampler(seed=seed)),
}
"""Name → a run of one race."""

NEEDS = {"optuna-gp": "torch", "optuna-tpe": "optuna", "optuna-tpe-hyperband": "optuna"}
"""What a method needs beside hptune's own dependencies."""
