"""Batches of a user's own are trained on as Keras's fit trains on them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.streams import DATA, EVERY, MODEL

from hptune.data import Dataset, load_dataset
from hptune.data.stream import seed_order
from hptune.errors import DataError, InputError, ModelError
from hptune.models.backend import keras
from hptune.models.load import load_model
from hptune.models.model import Model
from hptune.study.trial import Direction, Job, Objective, OutcomeState
from hptune.training import ClassWeight, Trainer, TrainerSettings, resolve_objective
from hptune.training.random_numbers import reseed, seed_states

GOAL = Objective(name="val_loss", direction=Direction.MIN)
JOB = Job(id=1, trial_id=1, values={}, seed=7, initial_epoch=0, epochs=3)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("data.py").write_text(DATA)
    Path("model.py").write_text(MODEL)


def loaded(data: str, model: str = "build") -> tuple[Dataset, Model, Job]:
    dataset = load_dataset(f"data.py:{data}", as_given=True)
    found = load_model(f"model.py:{model}", dataset)
    return dataset, found, replace(JOB, values=found.space().defaults)


def trained(data: str, model: str = "build", **changed: Any) -> Any:
    dataset, found, job = loaded(data, model)
    outcome = Trainer(dataset, found, GOAL).run(replace(job, **changed))
    assert outcome.state is OutcomeState.DONE, outcome.traceback
    return outcome


class Seeds(keras.callbacks.Callback):  # type: ignore[misc]
    """What a search seeds at the beginning of an epoch: the model's random layers, and the order."""

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        seed_order(JOB.seed, epoch)
        reseed(seed_states(self.model), JOB.seed, epoch)


@pytest.mark.parametrize("name", ["tensorflow", "pydataset", "generators"])
def test_scores_are_those_of_keras_own_fit(name: str) -> None:
    outcome = trained(name)
    dataset, found, job = loaded(name)
    assert dataset.streams is not None
    train, held = dataset.streams.fresh().parts
    assert not hasattr(train, "x")
    assert not hasattr(held, "x")
    plain = found.build(job.values, job.seed)
    history = plain.fit(
        train.source,
        validation_data=held.source,
        steps_per_epoch=train.given_steps,
        validation_steps=held.given_steps,
        shuffle=name == "pydataset",
        epochs=job.epochs,
        callbacks=[Seeds()],
        verbose=0,
    ).history
    for metric, values in history.items():
        assert [epoch[metric] for epoch in outcome.curve] == pytest.approx(values, rel=1e-6), metric


@pytest.mark.parametrize("name", EVERY)
def test_every_kind_is_trained_and_resumed_from_its_weights(name: str, tmp_path: Path) -> None:
    dataset, found, job = loaded(name)
    trainer = Trainer(dataset, found, GOAL)
    assert trainer.preflight(job.values).reported == ("accuracy", "loss", "val_accuracy", "val_loss")
    first = trainer.run(replace(job, epochs=2, keep_as=str(tmp_path / "2.npz")))
    more = replace(job, initial_epoch=2, checkpoint=first.checkpoint, keep_as=str(tmp_path / "3.npz"))
    last = trainer.run(more)
    assert [len(first.curve), len(last.curve)] == [2, 1]
    assert last.curve[0]["loss"] < first.curve[0]["loss"]


def test_a_pydataset_is_shuffled_by_the_seed_and_the_epoch(tmp_path: Path) -> None:
    whole = trained("pydataset")
    weights = str(tmp_path / "1.npz")
    first = trained("pydataset", epochs=1, keep_as=weights)
    rest = trained("pydataset", initial_epoch=1, checkpoint=weights)
    assert [*first.curve, *rest.curve] == list(whole.curve)
    assert trained("pydataset", seed=8).curve != whole.curve


def test_a_generator_is_made_anew_for_each_training() -> None:
    dataset, found, job = loaded("generators")
    assert dataset.streams is not None
    sources = [dataset.streams.fresh().parts[0].source for _ in range(2)]  # type: ignore[union-attr]
    assert sources[0] is not sources[1]
    trainer = Trainer(dataset, found, GOAL)
    assert trainer.run(job).curve == trainer.run(job).curve


def test_a_stream_that_ends_too_early_ends_the_search_with_a_sentence() -> None:
    dataset, found, job = loaded("too_short")
    with pytest.raises(DataError, match="a stream ended before the steps that were given with it") as raised:
        Trainer(dataset, found, GOAL).run(job)
    assert "while True" in raised.value.hint


@pytest.mark.parametrize("name", ["tensorflow", "pydataset", "generators"])
def test_a_fit_of_ones_own_gets_the_streams(name: str) -> None:
    outcome = trained(name, "Own")
    assert len(outcome.curve) == 3
    dataset, found, job = loaded(name, "Own")
    assert "val_accuracy" in Trainer(dataset, found, GOAL).preflight(job.values).reported


def test_a_fit_that_can_not_be_told_where_an_epoch_ends_is_refused() -> None:
    with pytest.raises(ModelError, match="takes no steps_per_epoch and no validation_steps"):
        loaded("generators", "WithoutSteps")
    assert loaded("tensorflow", "WithoutSteps")


def test_structures_and_weights_reach_the_model() -> None:
    assert trained("dicts", "dicts").curve
    assert trained("weighted").curve[0]["loss"] != trained("tensorflow").curve[0]["loss"]


def test_batches_of_any_length() -> None:
    assert trained("any_length", "any_length").curve


def test_options_that_batches_have_no_use_for_are_refused() -> None:
    dataset, found, _ = loaded("tensorflow")
    with pytest.raises(InputError, match="class weights need the classes of all rows"):
        Trainer(dataset, found, GOAL, TrainerSettings(class_weight=ClassWeight.BALANCED))
    with pytest.raises(ModelError, match=r"--batch-size: data\.py:tensorflow gives batches"):
        load_model("model.py:build", dataset, batch_size=8)


def test_rows_beside_validation_batches_have_a_batch_size() -> None:
    dataset = load_dataset("data.py:trained_rows", as_given=True)
    found = load_model("model.py:build", dataset, batch_size=150)
    job = replace(JOB, values=found.space().defaults)
    steps = Trainer(dataset, found, GOAL).run(job)
    other = load_model("model.py:build", dataset, batch_size=8)
    assert steps.curve != Trainer(dataset, other, GOAL).run(replace(job, values=other.space().defaults)).curve


def test_accuracy_is_improved_where_it_is_reported() -> None:
    task = load_dataset("data.py:pydataset", as_given=True).task
    assert resolve_objective(None, ["loss", "val_loss", "val_accuracy"], task).name == "val_accuracy"
    assert resolve_objective(None, ["loss", "val_loss"], task).name == "val_loss"
