"""A stacked configuration trains as it would alone, whatever the others do."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hptune.data import Dataset, Part, Task
from hptune.executors.stacked import StackedExecutor
from hptune.models import load_model
from hptune.models.backend import keras
from hptune.recipes import OPTIONS
from hptune.space import Space, Value
from hptune.train import Trainer
from hptune.train.progress import load_snapshot
from hptune.trial import Direction, Job, Objective, Outcome, OutcomeState

ACCURACY = Objective(name="val_accuracy", direction=Direction.MAX)
LOSS = Objective(name="val_loss", direction=Direction.MIN)
Values = dict[str, Value]


def made(task: Task) -> Dataset:
    """Sixty rows of three classes (or two, or numbers) that a small network tells apart."""
    rng = np.random.default_rng(0)
    codes = np.arange(60) % (2 if task is Task.BINARY else 3)
    x = (rng.normal(size=(60, 5)) + 2 * codes[:, None] * np.array([1, 0, -1, 0, 1])).astype(np.float32)
    y = (100 + 20.0 * codes + rng.normal(size=60)).astype(np.float32)
    return Dataset(
        name="made",
        task=task,
        classes=() if task is Task.REGRESSION else ("a", "b", "c")[: codes.max() + 1],
        train=Part(x=x[:45], y=(y if task is Task.REGRESSION else codes.astype(np.int32))[:45]),
        validation=Part(x=x[45:], y=(y if task is Task.REGRESSION else codes.astype(np.int32))[45:]),
        fingerprint=str(task),
    )


class Pair:
    """A stack and a trainer of the same data."""

    def __init__(self, folder: Path, task: Task = Task.MULTICLASS, objective: Objective = LOSS) -> None:
        data = made(task)
        self.folder = folder
        self.model = load_model("mlp", data, space=Space(hyperparameters=()), epochs=6)
        self.trainer = Trainer(data, self.model, objective)
        self.parts = (self.trainer, data, self.model, objective)

    def job(self, number: int, values: Mapping[str, Value], where: str = "stack", **more: Any) -> Job:
        filled = {"layers": 1, "units": 6, "batch_size": 16, "learning_rate": 0.01, **values}
        given = {"seed": 100 + number, "initial_epoch": 0, "epochs": 4} | more
        kept = str(self.folder / f"{where}-{number}.npz")
        return Job(id=number, trial_id=number, values=filled, keep_as=kept, **given)  # type: ignore[arg-type]

    def stacked(self, *jobs: Job, most: int = 0, on_epoch: Any = None) -> list[Outcome]:
        """Train jobs in one stack."""
        executor = StackedExecutor(Refusing(), *self.parts[1:], most=most or len(jobs))  # type: ignore[arg-type]
        heard = on_epoch or (lambda job, epoch, report: False)
        return results(executor, [executor.submit(job, heard) for job in jobs])

    def compare(self, *configurations: Values, epochs: int = 3, beside: tuple[Values, ...] = ()) -> None:
        """Train configurations in a stack, beside others, and alone; compare all that is left of them."""
        everyone = enumerate((*configurations, *beside), 1)
        jobs = [self.job(n, values, epochs=epochs) for n, values in everyone]
        compared = len(configurations)
        for job, together in zip(jobs[:compared], self.stacked(*jobs)[:compared], strict=True):
            alone = self.trainer.run(self.job(job.id, job.values, "alone", epochs=epochs))
            assert together.state is alone.state is OutcomeState.DONE, alone.traceback
            assert together.parameters == alone.parameters
            assert together.ended == alone.ended
            same_curves(together.curve, alone.curve)
            same_checkpoints(together.checkpoint, alone.checkpoint)


class Refusing:
    """A trainer that must not be asked."""

    def run(self, job: Job, on_epoch: Any) -> Outcome:
        raise AssertionError(f"job {job.id} was trained alone")


def results(executor: StackedExecutor, futures: list[Future[Outcome]]) -> list[Outcome]:
    for _ in range(1000):
        if all(future.done() for future in futures):
            break
        executor.poll(0.1)
    return [future.result(timeout=0) for future in futures]


def same_curves(together: tuple[Any, ...], alone: tuple[Any, ...]) -> None:
    assert [set(epoch) for epoch in together] == [set(epoch) for epoch in alone]
    for ours, theirs in zip(together, alone, strict=True):
        assert ours == pytest.approx(dict(theirs), rel=2e-4, abs=2e-5)


def same_checkpoints(together: str, alone: str) -> None:
    ours, theirs = load_snapshot(together), load_snapshot(alone)
    assert ours.progress.epochs == theirs.progress.epochs
    assert ours.progress.best_epoch == theirs.progress.best_epoch
    for part in ("weights", "optimizer", "best_weights"):
        for mine, other in zip(getattr(ours, part), getattr(theirs, part), strict=True):
            assert mine.dtype == other.dtype
            assert mine == pytest.approx(other, rel=1e-3, abs=2e-5)


@pytest.fixture(autouse=True)
def alone_by_keras(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a stack is compared with is trained by Keras itself."""
    monkeypatch.setattr("hptune.train.choose.choose_dense_feed", lambda *given: None)


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return Pair(tmp_path)


# As alone, option by option


@pytest.mark.parametrize(
    "configurations",
    [
        pytest.param(
            ({"learning_rate": 0.1}, {"schedule": "exponential", "decay_rate": 0.5}, {"epsilon": 1e-3}),
            id="learning rate and schedule",
        ),
        pytest.param(({"beta_1": 0.5}, {"beta_2": 0.9}, {}), id="adam"),
        pytest.param(
            (
                {"optimizer": "sgd", "momentum": 0.0, "learning_rate": 0.1},
                {"optimizer": "sgd", "momentum": 0.9},
                {"optimizer": "sgd", "momentum": 0.8, "nesterov": True},
            ),
            id="sgd",
        ),
        pytest.param(
            ({"optimizer": "rmsprop", "rho": 0.5}, {"optimizer": "rmsprop", "epsilon": 0.01}), id="rmsprop"
        ),
        pytest.param(
            ({"layers": 2, "dropout": 0.5}, {"layers": 2}, {"layers": 2, "dropout": 0.2, "units": 11}),
            id="dropout",
        ),
        pytest.param(({"l1": 0.01}, {"l2": 0.02}, {"l1": 0.01, "l2": 0.01}, {}), id="penalties"),
        pytest.param(
            (
                {"clipping": "clipnorm", "clip_threshold": 0.1},
                {"clipping": "clipvalue", "clip_threshold": 0.01},
                {"clipping": "global_clipnorm", "clip_threshold": 0.1},
                {},
            ),
            id="clipping",
        ),
        pytest.param(
            (
                {"ema": True, "ema_momentum": 0.8},
                {"ema": True, "ema_momentum": 0.9, "ema_bias_correction": False},
                {},
            ),
            id="averaging",
        ),
        pytest.param(
            ({"kernel_initializer": "glorot_normal"}, {"kernel_initializer": "random_uniform"}, {}),
            id="initialiser",
        ),
        pytest.param(
            (
                {"layers": 2, "batch_normalization": True},
                {"layers": 2, "batch_normalization": True, "dropout": 0.3, "units": 9},
            ),
            id="batch normalisation before",
        ),
        pytest.param(
            (
                {"batch_normalization": True, "batch_normalization_position": "after", "ema": True},
                {"batch_normalization": True, "batch_normalization_position": "after", "units": 3},
            ),
            id="batch normalisation after",
        ),
        pytest.param(
            ({"layers": 2, "units_1": 3, "units_2": 17}, {"layers": 2, "units_1": 20, "units_2": 2}),
            id="widths",
        ),
        pytest.param(({"layers": 0}, {"layers": 0, "learning_rate": 0.1}), id="no hidden layer"),
        pytest.param(({"batch_size": "all"}, {"batch_size": "all", "beta_1": 0.5}), id="all rows at once"),
    ],
)
def test_a_stacked_configuration_trains_as_it_would_alone(
    pair: Pair, configurations: tuple[Values, ...]
) -> None:
    pair.compare(*configurations)


@pytest.mark.parametrize("activation", ["selu", "sigmoid"])
def test_units_that_fill_up_a_narrow_layer_do_nothing(pair: Pair, activation: str) -> None:
    values: Values = {"activation": activation, "batch_normalization": True}
    pair.compare({**values, "units": 3}, epochs=2, beside=({**values, "units": 13},))


@pytest.mark.parametrize("activation", sorted(set(OPTIONS["activation"].choices) - {"sigmoid"}))
def test_a_unit_that_is_given_nothing_gives_nothing(activation: str) -> None:
    assert float(keras.activations.get(activation)(keras.ops.zeros(()))) == 0


@pytest.mark.parametrize("task", [Task.BINARY, Task.REGRESSION])
def test_two_classes_and_numbers_are_learned_as_alone(tmp_path: Path, task: Task) -> None:
    Pair(tmp_path, task).compare({}, {"units": 4, "l2": 0.01})


def test_equal_jobs_among_different_neighbours_come_out_alike(pair: Pair) -> None:
    first, *_ = pair.stacked(pair.job(1, {"dropout": 0.3}), pair.job(2, {"units": 40}))
    (alone,) = pair.stacked(pair.job(1, {"dropout": 0.3}))
    same_curves(first.curve, alone.curve)


# Coming and going


def test_early_stopping_ends_one_configuration_alone(pair: Pair) -> None:
    stops: Values = {"early_stopping_patience": 1, "learning_rate": 3.0}
    pair.compare(stops, {}, epochs=6)
    ended, goes_on = pair.stacked(pair.job(1, stops, epochs=6), pair.job(2, {}, epochs=6))
    assert ended.ended
    assert len(ended.curve) < 6
    assert not goes_on.ended
    assert len(goes_on.curve) == 6


def test_divergence_of_one_configuration_leaves_the_others_alone(pair: Pair) -> None:
    wild: Values = {"optimizer": "sgd", "learning_rate": 1e30, "activation": "elu"}
    tame: Values = {"optimizer": "sgd", "activation": "elu"}
    lost, sane = pair.stacked(pair.job(1, wild), pair.job(2, tame))
    alone_lost = pair.trainer.run(pair.job(1, wild, "alone"))
    alone_sane = pair.trainer.run(pair.job(2, tame, "alone"))
    assert lost.state is alone_lost.state is OutcomeState.INFEASIBLE
    assert lost.reason.startswith("diverged at epoch")
    assert lost.checkpoint == ""
    same_curves(sane.curve, alone_sane.curve)
    same_checkpoints(sane.checkpoint, alone_sane.checkpoint)


def test_a_stack_fills_the_places_that_become_free(pair: Pair) -> None:
    jobs = [pair.job(n, {"units": 4 + n, "dropout": 0.1 * n}, epochs=1 + n % 3) for n in range(1, 6)]
    executor = StackedExecutor(Refusing(), *pair.parts[1:], most=2)  # type: ignore[arg-type]
    waiting, running, done = list(jobs), [], []
    while waiting or running:
        while waiting and len(running) < 2:
            running.append(executor.submit(waiting.pop(0), lambda job, epoch, report: False))
        executor.poll(0.1)
        done += [future.result() for future in running if future.done()]
        running = [future for future in running if not future.done()]
    assert {outcome.job_id for outcome in done} == {1, 2, 3, 4, 5}
    for outcome in done:
        job = jobs[outcome.job_id - 1]
        alone = pair.trainer.run(pair.job(job.id, job.values, "alone", epochs=job.epochs))
        same_curves(outcome.curve, alone.curve)


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"dropout": 0.3, "batch_normalization": True}, id="adam"),
        pytest.param({"optimizer": "sgd", "momentum": 0.0}, id="sgd"),
        pytest.param({"optimizer": "rmsprop", "ema": True, "early_stopping_patience": 3}, id="rmsprop"),
    ],
)
def test_a_training_goes_on_in_and_out_of_a_stack(pair: Pair, values: Values) -> None:
    whole = pair.trainer.run(pair.job(1, values, "whole", epochs=6))
    (first,) = pair.stacked(pair.job(1, values, epochs=2))
    then = pair.job(1, values, "then", initial_epoch=2, epochs=4, checkpoint=first.checkpoint)
    second = pair.trainer.run(then)
    last = pair.job(1, values, "last", initial_epoch=4, epochs=6, checkpoint=second.checkpoint)
    # Beside one that begins: each has epochs of its own.
    third, _ = pair.stacked(last, pair.job(2, {**values, "units": 3}, epochs=3))
    same_curves(first.curve + second.curve + third.curve, whole.curve)
    same_checkpoints(third.checkpoint, whole.checkpoint)


def test_a_checkpoint_of_another_model_is_a_failed_trial(pair: Pair) -> None:
    (kept,) = pair.stacked(pair.job(1, {"units": 5}))
    wrong = pair.job(2, {"units": 6}, initial_epoch=4, epochs=5, checkpoint=kept.checkpoint)
    outcome, neighbour = pair.stacked(wrong, pair.job(3, {}))
    assert outcome.state is OutcomeState.FAILED
    assert "another model" in outcome.reason
    assert "ValueError" in outcome.traceback
    assert neighbour.state is OutcomeState.DONE


def test_weights_are_written_only_where_the_score_is_good_enough(tmp_path: Path) -> None:
    pair = Pair(tmp_path, objective=ACCURACY)
    poor, fine = pair.stacked(pair.job(1, {}, keep_if=1.1), pair.job(2, {}, keep_if=0.0))
    assert poor.checkpoint == ""
    assert Path(fine.checkpoint).is_file()
