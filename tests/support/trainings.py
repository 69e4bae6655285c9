"""Small data, and jobs that train on it within a moment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hptune.data import Dataset, DataSplit, Task
from hptune.models.load import load_model
from hptune.space import Fixed, Space, Value
from hptune.study.trial import Direction, Job, Objective, Outcome, Trial, TrialState
from hptune.training import Trainer, TrainerSettings

ACCURACY = Objective(name="val_accuracy", direction=Direction.MAX)
LOSS = Objective(name="val_loss", direction=Direction.MIN)


def dataset(task: Task = Task.MULTICLASS, *, shift: float = 2.0) -> Dataset:
    """Sixty rows of three classes that a small network tells apart within a few epochs."""
    rng = np.random.default_rng(0)
    codes = np.arange(60) % 3
    x = (rng.normal(size=(60, 5)) + shift * codes[:, None] * np.array([1, 0, -1, 0, 1])).astype(np.float32)
    y = (100 + 20.0 * codes).astype(np.float32) if task is Task.REGRESSION else codes.astype(np.int32)
    return Dataset(
        name="made",
        task=task,
        classes=("a", "b", "c") if task is Task.MULTICLASS else (),
        train=DataSplit(x=x[:45], y=y[:45]),
        validation=DataSplit(x=x[45:], y=y[45:]),
        fingerprint=f"{task} {shift}",
    )


DATA = dataset()
VALUES: dict[str, Value] = {"layers": 1, "units": 4, "batch_size": 16, "learning_rate": 0.02}
EVERYTHING: dict[str, Value] = {
    **VALUES,
    "dropout": 0.3,
    "batch_normalization": True,
    "schedule": "time",
    "ema": True,
    "ema_momentum": 0.8,
    "early_stopping_patience": 50,
}


def trainer(
    values: Mapping[str, Value] = VALUES,
    *,
    data: Dataset = DATA,
    objective: Objective | None = ACCURACY,
    **settings: Any,
) -> Trainer:
    space = Space(hyperparameters=tuple(Fixed(name=name, value=value) for name, value in values.items()))
    return Trainer(data, load_model("mlp", data, space=space), objective, TrainerSettings(**settings))


def job(values: Mapping[str, Value] = VALUES, *, epochs: int = 3, **more: Any) -> Job:
    return Job(
        **{"id": 1, "trial_id": 1, "values": values, "seed": 0, "initial_epoch": 0, "epochs": epochs} | more
    )


def run(values: Mapping[str, Value] = VALUES, *, on: Trainer | None = None, **more: Any) -> Outcome:
    outcome = (on or trainer(values)).run(job(values, **more))
    assert not outcome.traceback, outcome.traceback
    return outcome


def trial(values: Mapping[str, Value], **more: Any) -> Trial:
    state = TrialState.COMPLETE
    return Trial(
        **{"id": 1, "pass_number": 1, "values": values, "seed": 0, "state": state, "epochs": 4} | more
    )
