"""Functions that are no networks, without epochs: hptune's oracle beside Optuna's samplers, less is better.

    python benchmarks/functions.py                                    # hptune and TPE, a minute
    python benchmarks/functions.py --methods hptune optuna-tpe optuna-gp
    python benchmarks/functions.py --noise 3

hptune runs as under a stock Keras Tuner `Tuner`: whole trainings only, no ranges narrowed, and no defaults
to begin with, for the others know none. What is told is the true value of what looked best so far.
"""

from __future__ import annotations

import os

# One thread each, set before NumPy loads.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import argparse
import math
import warnings
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hptune.space import Boolean, Choice, Float, Hyperparameter, Integer, Space
from hptune.space.scales import Scale
from hptune.study.trial import Direction, Objective

BUDGETS = (10, 20, 30, 50)
GOAL = Objective(name="value", direction=Direction.MIN)

Values = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Function:
    """Something to minimise."""

    space: Space
    of: Callable[[Values], float]


def _line(low: float, high: float, count: int) -> Space:
    return Space(hyperparameters=tuple(Float(name=f"x{i}", low=low, high=high) for i in range(count)))


def _point(values: Values) -> np.ndarray:
    return np.array([values[f"x{i}"] for i in range(len(values))])


_A = np.array([[10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14],
               [3, 3.5, 1.7, 10, 17, 8], [17, 8, 0.05, 10, 0.1, 14]])  # fmt: skip
_P = 1e-4 * np.array([[1312, 1696, 5569, 124, 8283, 5886], [2329, 4135, 8307, 3736, 1004, 9991],
                      [2348, 1451, 3522, 2883, 3047, 6650], [4047, 8828, 8732, 5743, 1091, 381]])  # fmt: skip


def hartmann(values: Values) -> float:
    """Least −3.322 (Surjanovic & Bingham, Virtual Library of Simulation Experiments, as all below)."""
    return -float(np.array([1, 1.2, 3, 3.2]) @ np.exp(-(_A * (_point(values) - _P) ** 2).sum(1)))


def ackley(values: Values) -> float:
    """Least 0, away from the middle of the ranges."""
    x = _point(values) - 1.3
    waves = np.exp(np.cos(2 * np.pi * x).mean())
    return float(20 - 20 * np.exp(-0.2 * np.sqrt((x * x).mean())) + math.e - waves)


def log_rosenbrock(values: Values) -> float:
    """Least −3: log₁₀ of the function and 0.001."""
    x = _point(values)
    return float(np.log10(1e-3 + (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()))


def levy(values: Values) -> float:
    """Least 0."""
    w = 1 + (_point(values) - 1) / 4
    middle = ((w[:-1] - 1) ** 2 * (1 + 10 * np.sin(np.pi * w[:-1] + 1) ** 2)).sum()
    return float(np.sin(np.pi * w[0]) ** 2 + middle + (w[-1] - 1) ** 2 * (1 + np.sin(2 * np.pi * w[-1]) ** 2))


def branin(values: Values) -> float:
    """Least 0.398, in three places."""
    x, y = 15 * values["x0"] - 5, 15 * values["x1"]
    bend = y - 5.1 / (4 * math.pi**2) * x * x + 5 / math.pi * x - 6
    return bend**2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10


def mixed(values: Values) -> float:
    """Least 0: a rate on a log scale, a kind, a flag, a whole number and a share."""
    kind = {"a": 0.0, "b": 0.3, "c": 0.5}[values["kind"]]
    share = (values["share"] - 0.27) ** 2 * 4 * (0.2 if values["kind"] == "b" else 1)
    count = ((math.log2(values["count"]) - 5.2) / 3) ** 2
    return 0.3 * (math.log10(values["rate"]) + 2.3) ** 2 + kind + 0.1 * values["flag"] + count + share


def valley(values: Values) -> float:
    """A support-vector machine's narrow valley of penalty and width, on log scales; least about 0.016."""
    c, g = math.log10(values["penalty"]), math.log10(values["width"])
    floor = math.exp(-(((c + g - 0.5) / 1.2) ** 2) - ((c - g - 3) / 4) ** 2)
    return 1 - floor + 0.02 * abs(math.sin(3 * c))


def half(values: Values) -> float:
    """Hartmann's of every other number; the rest do nothing."""
    return hartmann({f"x{i}": values[f"x{2 * i}"] for i in range(6)})


_WORTH = [np.random.default_rng([5, count]).normal(size=count) for count in (4, 5, 6, 4, 3)]
_TOGETHER = np.random.default_rng(6).normal(size=(4, 5))


def options(values: Values) -> float:
    """Five choices, two of which depend on each other, and two shares; least 0.740."""
    picks = [values[f"c{i}"] for i in range(len(_WORTH))]
    alone = sum(worth[pick] - worth.min() for worth, pick in zip(_WORTH, picks, strict=True))
    together = _TOGETHER[picks[0], picks[1]] - _TOGETHER.min()
    return float(alone + together / 2 + 3 * (values["a"] - 0.3) ** 2 + (values["b"] - 0.8) ** 2)


def _of(*hyperparameters: Hyperparameter) -> Space:
    return Space(hyperparameters=hyperparameters)


FUNCTIONS = {
    "hartmann6": Function(space=_line(0.0, 1.0, 6), of=hartmann),
    "ackley5": Function(space=_line(-5.0, 5.0, 5), of=ackley),
    "log rosenbrock4": Function(space=_line(-2.0, 2.0, 4), of=log_rosenbrock),
    "levy8": Function(space=_line(-10.0, 10.0, 8), of=levy),
    "branin": Function(space=_line(0.0, 1.0, 2), of=branin),
    "mixed": Function(
        space=_of(
            Float(name="rate", low=1e-5, high=1.0, scale=Scale.LOG),
            Choice(name="kind", options=("a", "b", "c")),
            Boolean(name="flag"),
            Integer(name="count", low=2, high=512, scale=Scale.LOG),
            Float(name="share", low=0.0, high=1.0),
        ),
        of=mixed,
    ),
    "valley": Function(
        space=_of(
            Float(name="penalty", low=1e-3, high=1e3, scale=Scale.LOG),
            Float(name="width", low=1e-4, high=10.0, scale=Scale.LOG),
        ),
        of=valley,
    ),
    "half of 12": Function(space=_line(0.0, 1.0, 12), of=half),
    "ackley12": Function(space=_line(-5.0, 5.0, 12), of=ackley),
    "options": Function(
        space=_of(
            *(Choice(name=f"c{i}", options=tuple(range(len(worth)))) for i, worth in enumerate(_WORTH)),
            Float(name="a", low=0.0, high=1.0),
            Float(name="b", low=0.0, high=1.0),
        ),
        of=options,
    ),
}


@dataclass(frozen=True, kw_only=True)
class Task:
    """A function to be asked so many times; `noise` is the standard deviation of what it answers."""

    function: Function
    asks: int
    seed: int
    noise: float = 0.0

    def observe(self, values: Values) -> tuple[float, float]:
        """Return what is seen and the true value; the same values are seen as the same."""
        true = self.function.of(values)
        key = zlib.crc32(repr(sorted(values.items())).encode())
        return true + self.noise * float(np.random.default_rng([self.seed, key]).normal()), true


def hptune(task: Task) -> list[tuple[float, float]]:
    """Ask and tell hptune's oracle as a stock Tuner would."""
    import keras_tuner

    from hptune.oracles.coarse_to_fine import CoarseToFineOracle

    goal = keras_tuner.Objective(GOAL.name, GOAL.direction.value)
    oracle = CoarseToFineOracle(
        goal, space=task.function.space, max_trials=task.asks, seed=task.seed, with_defaults=False
    )
    told = []
    for number in range(task.asks):
        trial = oracle.create_trial(f"ask-{number}")
        if trial.status != "RUNNING":
            break
        told.append(task.observe(dict(trial.hyperparameters.values)))
        oracle.update_trial(trial.trial_id, {GOAL.name: told[-1][0]})
        trial.status = "COMPLETED"
        oracle.end_trial(trial)
    return told


def _optuna(name: str) -> Callable[[Task], list[tuple[float, float]]]:
    def run(task: Task) -> list[tuple[float, float]]:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        study = optuna.create_study(sampler=getattr(optuna.samplers, name)(seed=task.seed))
        told = []
        for _ in range(task.asks):
            trial = study.ask()
            values = {hp.name: _suggested(trial, hp) for hp in task.function.space}
            told.append(task.observe(values))
            study.tell(trial, told[-1][0])
        return told

    return run


def _suggested(trial: Any, hp: Hyperparameter) -> Any:
    if isinstance(hp, Choice | Boolean):
        return trial.suggest_categorical(hp.name, list(hp.options))
    assert isinstance(hp, Float | Integer)
    suggest = trial.suggest_int if isinstance(hp, Integer) else trial.suggest_float
    return suggest(hp.name, hp.low, hp.high, log=hp.scale is Scale.LOG)


METHODS = {"hptune": hptune, "optuna-tpe": _optuna("TPESampler"), "optuna-gp": _optuna("GPSampler")}


def found(told: list[tuple[float, float]], budgets: tuple[int, ...]) -> list[float]:
    """Return, per budget, the true value of what looked best by then."""
    return [min(told[:budget])[1] for budget in budgets]


def spread(function: Function) -> float:
    """Return median less least of 2,000 configurations drawn evenly: what noise is a share of."""
    rng = np.random.default_rng(0)
    drawn = [{hp.name: hp.at(rng.random()) for hp in function.space} for _ in range(2000)]
    values = [function.of(values) for values in drawn]
    return float(np.median(values) - min(values))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=["hptune", "optuna-tpe"])
    parser.add_argument("--functions", nargs="+", choices=FUNCTIONS, default=list(FUNCTIONS))
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--noise", type=float, default=0.0, help="percent of (median - least)")
    options = parser.parse_args()
    print("| function | method | " + " | ".join(f"@{budget}" for budget in BUDGETS) + " |")
    print("|---|---|" + "---|" * len(BUDGETS))
    for name in options.functions:
        function = FUNCTIONS[name]
        noise = options.noise / 100 * spread(function)
        for method in options.methods:
            rows = np.array(
                [
                    found(
                        METHODS[method](Task(function=function, asks=BUDGETS[-1], seed=seed, noise=noise)),
                        BUDGETS,
                    )
                    for seed in range(options.seeds)
                ]
            )
            errors = rows.std(0, ddof=1) / math.sqrt(len(rows)) if len(rows) > 1 else np.zeros(len(BUDGETS))
            cells = [f"{mean:.3g} ± {error:.2g}" for mean, error in zip(rows.mean(0), errors, strict=True)]
            print(f"| {name} | {method} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
