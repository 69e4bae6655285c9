"""Studies of one trial each, and their exported scripts: run as a program, in a process of its own.

    python tests/support/script_studies.py FOLDER

A process decides once how TensorFlow divides its work, which a search does before anything else.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["CASES", "Case"]

BUILD = """
import keras
import keras_tuner
from sizes import OUTPUTS


def build(hp):
    hp.Choice("batch_size", [16, 32])
    layers = [keras.layers.Dense(hp.Int("units", 4, 64), hp.Choice("activation", ["relu", "tanh"]))]
    if hp.Boolean("drop"):
        layers.append(keras.layers.Dropout(hp.Float("dropout", 0.0, 0.5)))
    model = keras.Sequential([*layers, keras.layers.Dense(OUTPUTS, "softmax")])
    rate = hp.Float("learning_rate", 1e-4, 1e-1, sampling="log")
    model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


class Fits(keras_tuner.HyperModel):
    def build(self, hp):
        model = keras.Sequential([keras.layers.Dropout(0.2), keras.layers.Dense(OUTPUTS, "softmax")])
        model.compile(hp.Choice("optimizer", ["sgd", "adam"]), "sparse_categorical_crossentropy")
        return model

    def fit(self, hp, model, *args, **kwargs):
        return model.fit(*args, batch_size=hp.Choice("batch_size", [16, 32]), verbose=0, **kwargs)
"""


@dataclass(frozen=True, kw_only=True)
class Case:
    """What is searched, and the one configuration that is tried."""

    data: str
    values: dict[str, Any]
    model: str = "mlp"
    target: str | None = None
    objective: str = "min:val_loss"
    epochs: int = 2
    """Of a full training."""
    trained: int = 2
    class_weight: str = "none"


CASES = {
    "sgd": Case(
        data="digits",
        values={
            "optimizer": "sgd",
            "learning_rate": 0.0512345678912,
            "momentum": 0.91,
            "nesterov": True,
            "schedule": "time",
            "decay_rate": 0.3,
            "dropout": 0.2,
            "batch_normalization": True,
            "l1": 2.3e-5,
            "l2": 1.234567891e-4,
            "layers": 2,
            "units": 32,
            "batch_size": 64,
        },
        trained=3,
        epochs=3,
    ),
    "adam, stopped early": Case(
        data="iris",
        values={
            "optimizer": "adam",
            "learning_rate_adam": 0.01,
            "input_normalization": "min-max",
            "schedule": "cosine",
            "kernel_initializer": "glorot_normal",
            "early_stopping_patience": 1,
        },
        objective="max:val_accuracy",
        epochs=9,
        trained=3,
    ),
    "corrected average": Case(
        data="breast_cancer",
        values={
            "optimizer": "rmsprop",
            "ema": True,
            "ema_momentum": 0.9,
            "clipping": "global_clipnorm",
            "clip_threshold": 0.5,
            "schedule": "list",
            "learning_rates": "0.01*1, 0.001",
        },
    ),
    "classes weighted": Case(
        data="pets.csv",
        target="pet",
        values={"units": 8, "batch_size": 16},
        objective="max:val_balanced_accuracy",
        class_weight="balanced",
    ),
    "regression": Case(
        data="diabetes",
        values={
            "ema": True,
            "ema_bias_correction": False,
            "batch_size": "all",
            "input_normalization": "scale",
            "learning_rate": 0.03,
            "schedule": "exponential",
        },
        objective="min:val_root_mean_squared_error",
    ),
    "table": Case(
        data="pets.csv",
        target="pet",
        values={"input_normalization": "centre", "units": 8, "schedule": "step", "drop_every": 1},
        objective="min:loss",
    ),
    "many levels": Case(
        data="shops.csv",
        target="sales",
        values={"units": 8, "batch_size": 32},
        objective="max:val_r2",
    ),
    "images": Case(
        data="digits",
        model="cnn",
        values={
            "blocks": 1,
            "filters": 4,
            "flip": "horizontal",
            "rotation": 0.1,
            "contrast": 0.2,
            "batch_size": 256,
            "schedule": "sqrt",
        },
        objective="max:val_auc",
        epochs=1,
        trained=1,
    ),
    "own build": Case(
        data="iris",
        model="own/model.py:build",
        values={
            "units": 12,
            "activation": "tanh",
            "drop": True,
            "dropout": 0.3,
            "learning_rate": 0.0123,
            "batch_size": 16,
        },
    ),
    "own fit": Case(data="iris", model="own/model.py:Fits", values={"optimizer": "adam", "batch_size": 16}),
}


def write_sources(folder: Path) -> None:
    """Write the files that the cases read."""
    rng = np.random.default_rng(0)
    rows = 90
    age = rng.normal(40, 10, rows)
    frame = pd.DataFrame(
        {
            "age": np.where(rng.random(rows) < 0.2, np.nan, age),
            "price": [f"${number:,}" for number in (1000 + 37 * np.arange(rows)) % 1900],
            "seen": [f"2024-{1 + row % 9:02}-{1 + row % 28:02}" for row in range(rows)],
            "weight": np.where(np.arange(rows) % 9 == 4, "NA", (age / 7).round(3).astype(str)),
            "city": rng.choice(["Lyon", "Paris", "Århus", None], rows),
            "member": rng.random(rows) < 0.5,
            "pet": np.where(age > 42, "cat", np.where(rng.random(rows) < 0.3, "eel", "dog")),
        }
    )
    frame.loc[[5, 44], "pet"] = None
    frame.to_csv(folder / "pets.csv", index=False)
    shop = np.arange(600) % 75
    sales = np.exp(5 + rng.normal(0, 0.6, 75)[shop] + rng.normal(0, 0.1, 600))
    shops = pd.DataFrame({"shop": [f"no. {number}" for number in shop], "size": rng.normal(0, 1, 600)})
    shops.assign(sales=sales).to_csv(folder / "shops.csv", index=False)
    (folder / "own").mkdir()
    (folder / "own" / "model.py").write_text(BUILD)
    (folder / "own" / "sizes.py").write_text("OUTPUTS = 3\n")


def searched(name: str, case: Case, folder: Path) -> tuple[Any, Any]:
    """Train the one configuration as a search does; return the study and its trial."""
    from hptune.search.task import SearchTask
    from hptune.space import Fixed, Space
    from hptune.study import Identity, Study
    from hptune.study.trial import Direction, Trial, TrialState, metric_of

    fixed = tuple(Fixed(name=key, value=value) for key, value in case.values.items())
    # A person's model is told what it declares; the batch size belongs to the training.
    space = Space(name="tried", hyperparameters=fixed) if case.model in ("mlp", "cnn") else None
    task = SearchTask(
        data=case.data,
        target=case.target,
        model=case.model,
        space=space,
        epochs=case.epochs,
        metric=metric_of(case.objective),
        seed=1,
        class_weight=case.class_weight,
    )
    dataset, model = task.load()
    direction, _, objective = case.objective.partition(":")
    identity = Identity(
        data=case.data,
        data_fingerprint=dataset.fingerprint,
        model=case.model,
        model_fingerprint=model.fingerprint,
        objective=objective,
        direction=Direction(direction),
        epochs=case.epochs,
        oracle="random",
        seed=1,
        settings=task.settings,
    )
    study = Study.create(folder / name, identity, command=f"hptune search {case.data} --model {case.model}")
    study.open_pass(model.space(), proposal=None, origin="given")
    trial = Trial(id=0, pass_number=1, values=case.values, seed=7, state=TrialState.RUNNING)
    job = study.record_ask(
        trial=trial, initial_epoch=0, epochs=case.trained, oracle_values=case.values, pass_number=1
    )
    outcome = task.trainer(dataset, model, identity.goal).run(job)
    study.record_outcome(outcome, TrialState.COMPLETE)
    if outcome.reason:
        raise RuntimeError(f"{name}: {outcome.reason}\n{outcome.traceback}")
    return study, study.trial(1)


def main(folder: Path) -> None:
    """Make a folder `run` with all scripts and their sources, and `scores.json`."""
    run = folder / "run"
    run.mkdir()
    write_sources(run)
    os.chdir(run)
    scores = {}
    for name, case in CASES.items():
        study, trial = searched(name, case, folder / "studies")
        from hptune.export.write import export

        export(study, form="python", top=1, output=run / f"{name}.py")
        scores[name] = {"score": trial.score, "epoch": trial.best_epoch, "epochs": trial.epochs}
        study.close()
    (folder / "scores.json").write_text(json.dumps(scores))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
