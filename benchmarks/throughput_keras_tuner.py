"""Keras Tuner's side of `throughput.py`: its `RandomSearch` with the fit that its guide shows."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Iterator, Mapping
from typing import Any

from throughput_sides import Plan, clock, load, peak_megabytes


def stock(plan: Plan) -> dict[str, Any]:
    """Let keras_tuner.RandomSearch draw the configurations and train them.

    The first trial warms up and the last one tells where its time goes; neither is counted.
    """
    _, dataset, model = load(plan)
    told: list[dict[str, Any]] = []
    last = plan["trials"] + 1
    with tempfile.TemporaryDirectory() as folder:
        tuner = _tuner(told)(
            _hypermodel(model, dataset.train.rows, told, last),
            objective="val_accuracy",
            max_trials=last + 1,
            seed=plan["seed"],
            directory=folder,
            max_consecutive_failed_trials=last + 1,
        )
        tuner.search(
            dataset.train.x,
            dataset.train.y,
            validation_data=(dataset.validation.x, dataset.validation.y),
            epochs=plan["epochs"],
            verbose=0,
        )
    counted = told[1:last]
    return {
        "configurations": [trial["values"] for trial in counted],
        "scores": [trial["score"] for trial in counted],
        "seconds": sum(trial["seconds"] for trial in counted),
        "cpu": sum(trial["cpu"] for trial in counted),
        "megabytes": peak_megabytes(),
        "parts": _stock_parts(told[last]),
    }


@contextlib.contextmanager
def _part(told: list[dict[str, Any]], name: str) -> Iterator[None]:
    """Add the wall seconds inside to a part of the trial under way."""
    began = time.perf_counter()
    yield
    if told:
        told[-1][name] = told[-1].get(name, 0.0) + time.perf_counter() - began


def _tuner(told: list[dict[str, Any]]) -> Any:
    """Return a class: random search that notes how long each trial takes."""
    import keras_tuner

    class Timed(keras_tuner.RandomSearch):  # type: ignore[misc]
        def on_trial_begin(self, trial: Any) -> None:
            super().on_trial_begin(trial)
            told.append({})
            self.clock = clock(told[-1])
            self.clock.__enter__()

        def on_trial_end(self, trial: Any) -> None:
            super().on_trial_end(trial)
            self.clock.__exit__(None, None, None)
            told[-1] |= {"values": trial.hyperparameters.values, "score": trial.score}

    saver = keras_tuner.src.engine.tuner_utils.SaveBestEpoch
    save = saver._save_model

    def timed_save(callback: Any) -> None:
        with _part(told, "checkpoint"):
            save(callback)

    saver._save_model = timed_save
    return Timed


def _hypermodel(model: Any, rows: int, told: list[dict[str, Any]], last: int) -> Any:
    """Return the model for Keras Tuner, with fit as its guide has it; the `last` trial tells its parts."""
    import keras
    import keras_tuner

    build = getattr(model, "keras_tuner_build", getattr(model, "_build", None))

    class HyperModel(keras_tuner.HyperModel):  # type: ignore[misc]
        def build(self, hp: Any) -> Any:
            with _part(told, "build"):
                return build(hp)

        def fit(self, hp: Any, keras_model: Any, *args: Any, callbacks: Any, **kwargs: Any) -> Any:
            training = model.training(hp.values, rows)
            callbacks = [*([_parts(told[-1])] if len(told) > last else []), *callbacks]
            if training.learning_rate is not None:
                rate = training.learning_rate
                callbacks.append(keras.callbacks.LearningRateScheduler(lambda epoch, _: rate(epoch)))
            return keras_model.fit(*args, batch_size=training.batch_size, callbacks=callbacks, **kwargs)

    return HyperModel()


def _parts(into: dict[str, Any]) -> Any:
    """Return a callback that notes where the time of one trial goes."""
    import keras

    class Parts(keras.callbacks.Callback):  # type: ignore[misc]
        def on_train_begin(self, logs: Any = None) -> None:
            self.began = time.perf_counter()

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            into["trace"] = into["trace"] or time.perf_counter() - self.began

        def on_test_begin(self, logs: Any = None) -> None:
            self.validating = time.perf_counter()

        def on_test_end(self, logs: Any = None) -> None:
            into["validation"] += time.perf_counter() - self.validating

        def on_train_end(self, logs: Any = None) -> None:
            into["whole"] = time.perf_counter() - self.began

    into |= {"trace": 0.0, "validation": 0.0}
    return Parts()


def _stock_parts(trial: Mapping[str, Any]) -> dict[str, float]:
    beside = trial["trace"] + trial["validation"] + trial.get("checkpoint", 0.0)
    return {
        "build": trial["build"],
        "trace": trial["trace"],
        "fit": trial["whole"] - beside,
        "validation": trial["validation"],
        "checkpoint": trial.get("checkpoint", 0.0),
        "bookkeeping": trial["seconds"] - trial["whole"] - trial["build"],
    }
