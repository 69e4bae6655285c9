"""The searches that `benchmarks/real.py` compares: ours, Keras Tuner's own tuners and Optuna's TPE."""

from __future__ import annotations

import functools
import importlib
import math
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Run:
    """One search: what it is asked for. Plain data, for it goes to another process."""

    data: str
    method: str
    seed: int
    """From 1; seeds the split and the search."""
    trials: int
    epochs: int

    @property
    def budget(self) -> int:
        """Epochs of the whole search."""
        return self.trials * self.epochs


@dataclass
class Told:
    """What a search told while it ran."""

    sign: int
    """+1 where more is better, −1 where less is."""
    values: list[float] = field(default_factory=list)
    """Objective of each epoch, in the order in which they were trained."""
    cost: dict[str, float] = field(default_factory=dict)

    def best(self, epochs: int) -> float:
        """Return the best value among the first so many epochs."""
        found = [value for value in self.values[:epochs] if math.isfinite(value)]
        return self.sign * max((self.sign * value for value in found), default=math.nan)

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Measure wall and CPU seconds of this process."""
        wall, cpu = time.perf_counter(), _cpu_seconds()
        yield
        self.cost = {"seconds": time.perf_counter() - wall, "cpu": _cpu_seconds() - cpu}


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


@dataclass(frozen=True, kw_only=True)
class Task:
    """The data, model and objective that all methods share."""

    run: Run
    dataset: Any
    model: Any
    objective: Any

    @classmethod
    def of(cls, run: Run) -> Task:
        from hptune.data import load_dataset
        from hptune.models.load import load_model
        from hptune.training import resolve_objective

        dataset = load_dataset(run.data, seed=run.seed)
        metric = "mae" if dataset.task.value == "regression" else "accuracy"
        reported = ("loss", metric, "val_loss", f"val_{metric}")
        return cls(
            run=run,
            dataset=dataset,
            model=load_model("mlp", dataset, epochs=run.epochs),
            objective=resolve_objective(None, reported, dataset.task),
        )

    def units(self, values: Any) -> float:
        """Return what the objective is multiplied by to be in the target's own units."""
        training = self.model.training(values, self.dataset.train.rows)
        return float(training.units.get(self.objective.name.removeprefix("val_"), 1.0))


def hptune(task: Task, told: Told) -> None:
    """Run a whole search, as the command line does."""
    from hptune.search.events import Listener, Stop
    from hptune.search.run import SearchOptions, search
    from hptune.search.task import SearchTask

    class Noting(Listener):
        """Notes every epoch."""

        def on_epoch_end(self, job: Any, epoch: int, report: Any) -> None:
            told.values.append(report.get(task.objective.name, math.nan))

    run = task.run
    with tempfile.TemporaryDirectory() as folder, told.counted():
        options = SearchOptions(
            task=SearchTask(data=run.data, epochs=run.epochs, seed=run.seed),
            study=Path(folder) / "study",
            passes=3,
            trials=run.trials,
            oracle="coarse-to-fine",
            # The recipe's presets were learnt on some of this very data.
            presets=False,
        )
        search(options, listener=Noting(), stop=Stop())


def keras_tuner(make: Callable[..., Any], task: Task, told: Told) -> None:
    """Run a stock tuner until the epochs are spent."""
    import keras
    import keras_tuner

    keras.utils.set_random_seed(task.run.seed)

    class Noting(keras.callbacks.Callback):
        """Notes every epoch; ends the training with the last that may be trained."""

        def __init__(self, units: float) -> None:
            super().__init__()
            self.units = units

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            told.values.append(float(logs[task.objective.name]) * self.units)
            self.model.stop_training |= len(told.values) >= task.run.budget

    class Recipe(keras_tuner.HyperModel):
        """The recipe, built and trained as a person would with Keras Tuner."""

        def build(self, hp: Any) -> Any:
            return task.model.keras_tuner_build(hp)

        def fit(self, hp: Any, model: Any, *args: Any, callbacks: Any = (), **kwargs: Any) -> Any:
            if len(told.values) >= task.run.budget:
                # The only way to end a search from within: Hyperband knows no budget.
                raise keras_tuner.errors.FatalError("every epoch is spent")
            values = _active(task, hp)
            training = task.model.training(values, task.dataset.train.rows)
            rates = keras.callbacks.LearningRateScheduler(lambda epoch, _: training.learning_rate(epoch))
            noting = Noting(task.units(values))
            return model.fit(
                *args, batch_size=training.batch_size, callbacks=[*callbacks, rates, noting], **kwargs
            )

    arrays = task.model.arrays(task.dataset, task.model.space().defaults)
    with tempfile.TemporaryDirectory() as folder, told.counted():
        tuner = make(
            task.run,
            hypermodel=Recipe(),
            objective=keras_tuner.Objective(task.objective.name, task.objective.direction.value),
            seed=task.run.seed,
            directory=folder,
        )
        try:
            tuner.search(
                arrays.x,
                arrays.y,
                validation_data=(arrays.validation_x, arrays.validation_y),
                epochs=task.run.epochs,
                verbose=0,
            )
        except keras_tuner.errors.FatalError:
            if len(told.values) < task.run.budget:
                raise


def _active(task: Task, hp: Any) -> dict[str, Any]:
    from hptune.models.keras_tuner_space import values_of

    space = task.model.space()
    return dict(space.active({name: value for name, value in values_of(hp).items() if name in space}))


def _random(run: Run, **common: Any) -> Any:
    import keras_tuner

    return keras_tuner.RandomSearch(max_trials=run.trials, **common)


def _bayesian(run: Run, **common: Any) -> Any:
    import keras_tuner

    return keras_tuner.BayesianOptimization(max_trials=run.trials, **common)


def _hyperband(run: Run, **common: Any) -> Any:
    import keras_tuner

    return keras_tuner.Hyperband(max_epochs=run.epochs, hyperband_iterations=1_000, **common)


def optuna_tpe(task: Task, told: Told) -> None:
    """Ask and tell; every trial is trained to the end."""
    import optuna

    from hptune.study.trial import Job
    from hptune.training import Trainer

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    trainer = Trainer(task.dataset, task.model, task.objective)
    run = task.run
    with told.counted():
        study = optuna.create_study(
            direction="maximize" if told.sign > 0 else "minimize",
            sampler=optuna.samplers.TPESampler(seed=run.seed),
        )
        for number in range(1, run.trials + 1):
            trial = study.ask()
            values = _suggested(trial, task.model.space())
            seed = run.seed * 1000 + number
            job = Job(
                id=number, trial_id=number, values=values, seed=seed, initial_epoch=0, epochs=run.epochs
            )
            curve = [epoch.get(task.objective.name, math.nan) for epoch in trainer.run(job).curve]
            # A training that diverges tells no more, and costs the trial all the same.
            told.values += curve + [math.nan] * (run.epochs - len(curve))
            score = Told(told.sign, curve).best(run.epochs)
            if math.isfinite(score):
                study.tell(trial, score)
            else:
                study.tell(trial, state=optuna.trial.TrialState.FAIL)


def _suggested(trial: Any, space: Any) -> dict[str, Any]:
    """Draw a configuration: what is conditional only where its condition holds."""
    values: dict[str, Any] = {}
    for hp in space.ordered:
        if all(condition.holds(values) for condition in hp.when):
            values[hp.name] = _one(trial, hp)
    return values


def _one(trial: Any, hp: Any) -> Any:
    """Draw one hyperparameter on its own scale."""
    from hptune.space import Fixed, Integer, Number
    from hptune.space.scales import Scale

    if isinstance(hp, Fixed):
        return hp.value
    if not isinstance(hp, Number):
        return trial.suggest_categorical(hp.name, list(hp.options))
    if hp.step is not None:
        # Optuna has no steps on a log scale: the places of the values, in order, are the same.
        return hp.at((trial.suggest_int(hp.name, 0, hp.size - 1) + 0.5) / hp.size)
    if hp.scale is Scale.LOG_COMPLEMENT:
        return 1 - trial.suggest_float(hp.name, 1 - hp.high, 1 - hp.low, log=True)
    suggest = trial.suggest_int if isinstance(hp, Integer) else trial.suggest_float
    return suggest(hp.name, hp.low, hp.high, log=hp.scale is Scale.LOG)


METHODS: dict[str, Callable[[Task, Told], None]] = {
    "hptune": hptune,
    "kt-random": functools.partial(keras_tuner, _random),
    "kt-hyperband": functools.partial(keras_tuner, _hyperband),
    "kt-bayesian": functools.partial(keras_tuner, _bayesian),
    "optuna-tpe": optuna_tpe,
}
"""Name → one search."""


def in_this_process(run: Run) -> dict[str, Any]:
    """Run one search; return what is kept of it."""
    # Keras first, quietly; then what else would be slow to import within the clock.
    peer = "optuna" if run.method == "optuna-tpe" else "keras_tuner"
    for name in (
        "hptune.models.backend",
        "hptune.search.run",
        "hptune.training",
        "hptune.oracles.names",
        peer,
    ):
        importlib.import_module(name)
    task = Task.of(run)
    told = Told(task.objective.sign)
    METHODS[run.method](task, told)
    return {
        **asdict(run),
        **told.cost,
        "objective": task.objective.name,
        "sign": told.sign,
        "used": len(told.values),
        "half": told.best(run.budget // 2),
        "full": told.best(run.budget),
    }
