"""Seconds per suggestion after 50, 200, 1,000 and 5,000 trials, on one core."""

from __future__ import annotations

import time
from typing import Any

import lcbench
import numpy as np

TRIALS = (50, 200, 1_000, 5_000)
GOALS = (0.05, 0.1, 0.25, 1.0)
ASKS = 5


def _accuracy(values: dict[str, Any]) -> float:
    """Stand in for training: a smooth function of two hyperparameters."""
    rate, decay = np.log10(values["learning_rate"]), np.log10(values["weight_decay"])
    return float(90 - 4 * (rate + 2) ** 2 - (decay + 4) ** 2 + values["momentum"])


def _oracle_that_knows(trials: int) -> Any:
    """Return an oracle that was told of so many random full trainings, as a resumed study tells it."""
    import keras_tuner

    from hptune.oracles.coarse_to_fine import CoarseToFineOracle

    space = lcbench.space()
    oracle = CoarseToFineOracle(
        keras_tuner.Objective(lcbench.OBJECTIVE, "max"),
        space=space,
        max_epochs=lcbench.EPOCHS,
        budget_epochs=(trials + 1_000) * lcbench.EPOCHS,
        seed=0,
    )
    rng = np.random.default_rng(0)
    for number in range(trials):
        values = {**space.sample(rng), "tuner/epochs": lcbench.EPOCHS, "tuner/initial_epoch": 0}
        oracle.populate_space = lambda trial_id, values=values: {"status": "RUNNING", "values": values}
        _tell(oracle, oracle.create_trial(f"known-{number}"))
        del oracle.populate_space
    return oracle


def _tell(oracle: Any, trial: Any) -> None:
    score = _accuracy(trial.hyperparameters.values)
    oracle.update_trial(trial.trial_id, {lcbench.OBJECTIVE: score})
    trial.status = "COMPLETED"
    oracle.end_trial(trial)


def print_cost() -> None:
    """Print the seconds of the first suggestion, which fits from scratch, and of those that follow."""
    print(f"{'trials':>7} {'first':>8} {'then':>8} {'slowest':>8} {'goal':>6}   CPU s, one thread")
    for trials, goal in zip(TRIALS, GOALS, strict=True):
        oracle = _oracle_that_knows(trials)
        seconds = []
        for number in range(ASKS):
            started = time.process_time()
            trial = oracle.create_trial(f"ask-{number}")
            seconds.append(time.process_time() - started)
            _tell(oracle, trial)
        first, *then = seconds
        print(f"{trials:7} {first:8.3f} {np.mean(then):8.3f} {max(then):8.3f} {goal:6.2f}")
