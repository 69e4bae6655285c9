"""Real searches over folds, seeds and weighted classes, each of a few epochs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hptune.analysis.finalists import Finalist
from hptune.data import load_folds
from hptune.errors import InputError, SearchInterruptedError, StudyMismatchError
from hptune.export.script import script
from hptune.export.trained import save_model, trained_models
from hptune.models.backend import keras
from hptune.models.load import load_model
from hptune.search.events import Listener, Stop
from hptune.search.run import SearchOptions, search
from hptune.search.task import SearchTask, load_again, task_of
from hptune.space import Fixed, Float, Space
from hptune.space.scales import Scale
from hptune.study import Study
from hptune.study.trial import Direction, Job, Objective, Trial
from hptune.training import Trainer
from hptune.training.checkpoint import load_checkpoint
from hptune.training.folds_and_seeds import seed_of

SPACE = Space(
    name="small",
    hyperparameters=(
        Float(name="learning_rate", low=1e-3, high=0.1, scale=Scale.LOG, default=0.02),
        Fixed(name="layers", value=1),
        Fixed(name="units", value=4),
        Fixed(name="dropout", value=0.1),
        Fixed(name="batch_size", value=64),
    ),
)
ACCURACY = Objective(name="val_accuracy", direction=Direction.MAX)


def options(folder: Path, *, trials: int = 1, epochs: int = 2, **task: Any) -> SearchOptions:
    about: dict[str, Any] = {"data": "iris", "space": SPACE, "epochs": epochs} | task
    return SearchOptions(
        task=SearchTask(**about), study=folder, passes=1, trials=trials, oracle="coarse-to-fine"
    )


def searched(folder: Path, stop: Stop | None = None, **more: Any) -> list[Trial]:
    search(options(folder, **more), listener=Listener(), stop=stop or Stop())
    with Study.open(folder) as study:
        return list(study.trials())


def test_a_score_over_folds_is_the_mean_of_trainings_with_preprocessing_of_their_own(tmp_path: Path) -> None:
    trial = searched(tmp_path / "s", cv=2)[0]
    job = Job(id=1, trial_id=1, values=trial.values, seed=trial.seed, initial_epoch=0, epochs=2)
    curves, losses = [], []
    for fold in load_folds("iris", folds=2):
        model = load_model("mlp", fold, space=SPACE, epochs=2)
        curve = Trainer(fold, model, ACCURACY).run(job).curve
        curves.append([epoch["val_accuracy"] for epoch in curve])
        losses.append([epoch["val_loss"] for epoch in curve])
    kept = [[epoch[f"val_accuracy[fold {n}]"] for epoch in trial.curve] for n in (1, 2)]
    assert kept == curves
    assert len({tuple(curve) for curve in curves}) > 1
    assert trial.score == pytest.approx(max(np.mean(curves, axis=0)))
    # Accuracy hardly sees what the inputs were normalised by; the loss does.
    assert [epoch["val_loss"] for epoch in trial.curve] == pytest.approx(np.mean(losses, axis=0), rel=1e-9)


def test_a_score_over_seeds_is_the_mean_of_trainings_from_each(tmp_path: Path) -> None:
    trial = searched(tmp_path / "s", executions=2)[0]
    with Study.open(tmp_path / "s") as study:
        dataset, model = load_again(study, study.trials())
    for n in (1, 2):
        job = Job(
            id=1,
            trial_id=1,
            values=trial.values,
            seed=seed_of(trial.seed, n - 1),
            initial_epoch=0,
            epochs=2,
        )
        alone = Trainer(dataset, model, ACCURACY).run(job).curve
        kept = [epoch[f"val_accuracy[run {n}]"] for epoch in trial.curve]
        assert kept == [epoch["val_accuracy"] for epoch in alone]
    assert trial.curve[0]["val_loss"] != alone[0]["val_loss"]


class StopAfter(Listener):
    """Asks to stop after so many epochs of whichever fold."""

    def __init__(self, epochs: int, stop: Stop) -> None:
        self.left, self.stop = epochs, stop

    def on_epoch_end(self, job: Job, epoch: int, report: Mapping[str, float]) -> None:
        self.left -= 1
        self.stop.asked = self.left <= 0


def test_an_interrupted_search_over_folds_goes_on_exactly(tmp_path: Path) -> None:
    whole = searched(tmp_path / "whole", cv=2, epochs=3)
    stop, cut = Stop(), options(tmp_path / "cut", cv=2, epochs=3)
    with pytest.raises(SearchInterruptedError):
        search(cut, listener=StopAfter(4, stop), stop=stop)
    again = searched(tmp_path / "cut", cv=2, epochs=3)
    assert [(t.values, t.curve, t.score) for t in again] == [(t.values, t.curve, t.score) for t in whole]


@pytest.fixture(scope="module")
def folds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study over two folds with weighted classes."""
    folder = tmp_path_factory.mktemp("folds") / "s"
    searched(folder, **ABOUT)
    return folder


ABOUT: dict[str, Any] = {"cv": 2, "class_weight": "balanced", "epochs": 1}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        pytest.param({"cv": 3}, "its --cv is 2, not 3", id="other folds"),
        pytest.param({"cv": None}, "its --cv is 2, not left out", id="no folds"),
        pytest.param({"executions": 2}, "its --executions is left out, not 2", id="seeds"),
        pytest.param({"class_weight": "none"}, "its --class-weight is balanced, not left out", id="weights"),
    ],
)
def test_a_study_is_about_one_way_of_scoring(changed: dict[str, Any], said: str, folds: Path) -> None:
    with pytest.raises(StudyMismatchError, match=said) as refused:
        searched(folds, **(ABOUT | changed))
    assert refused.value.exit_code == 6
    with Study.open(folds) as study:
        assert task_of(study).cv == 2


def test_what_is_exported_of_a_mean_is_one_training_and_says_so(folds: Path) -> None:
    with Study.open(folds) as study:
        text = script(study, study.trial(1))
    assert "that is a mean over 2 folds, and this is one training" in text
    assert "balanced_weights(arrays.y, 3)" in text


def test_the_exported_model_of_a_mean_has_the_weights_of_the_means_best_epoch(tmp_path: Path) -> None:
    search(
        replace(options(tmp_path / "s", epochs=3, cv=2), objective="max:val_loss"),
        listener=Listener(),
        stop=Stop(),
    )
    with Study.open(tmp_path / "s") as study:
        # By its own split it would be the first one.
        trial = replace(study.trial(1), best_epoch=3)
        patched = pytest.MonkeyPatch()
        patched.setattr(study, "trial", lambda number: trial)
        try:
            (done,) = trained_models(study, [trial])
            finalist = Finalist(trial=trial, confirmations=())
            file, _ = save_model(study, finalist, done, tmp_path / "m.keras")
        finally:
            patched.undo()
        dataset, model = load_again(study, study.trials())
        job = Job(
            id=1,
            trial_id=1,
            values=trial.values,
            seed=trial.seed,
            initial_epoch=0,
            epochs=3,
            keep_as=str(tmp_path / "last.npz"),
        )
        Trainer(dataset, model, None).run(job)
    kernels = [w for w in keras.models.load_model(file).get_weights() if w.ndim == 2]
    expected = [w for w in load_checkpoint(tmp_path / "last.npz").weights if w.ndim == 2]
    assert len(kernels) == len(expected) == 2
    for mine, other in zip(kernels, expected, strict=True):
        assert mine == pytest.approx(other)


def test_balanced_classes_change_what_is_learned(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    codes = np.array([0] * 90 + [1] * 10)
    np.savez(tmp_path / "rare.npz", x=rng.normal(size=(100, 3)) + codes[:, None], y=codes)
    about: dict[str, Any] = {"data": str(tmp_path / "rare.npz"), "epochs": 1}
    plain = searched(tmp_path / "plain", **about)[0]
    balanced = searched(tmp_path / "balanced", class_weight="balanced", **about)[0]
    assert plain.values == balanced.values
    assert plain.curve[0]["loss"] != pytest.approx(balanced.curve[0]["loss"], rel=0.01)


def test_balanced_classes_need_classes(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="class weights need classes"):
        searched(tmp_path / "s", data="diabetes", class_weight="balanced")
    assert not (tmp_path / "s").exists()


FITS = """
import keras
import keras_tuner


class Fits(keras_tuner.HyperModel):
    def build(self, hp):
        model = keras.Sequential([keras.layers.Dense(3, "softmax")])
        model.compile(hp.Choice("optimizer", ["sgd", "adam"]), "sparse_categorical_crossentropy")
        return model

    def fit(self, hp, model, *args, **kwargs):
        return model.fit(*args, **kwargs)
"""


def test_a_fit_of_ones_own_that_takes_no_class_weight_is_refused(tmp_path: Path) -> None:
    takes = "x, y, validation_data, epochs, callbacks, verbose"
    text = FITS.replace("model, *args, **kwargs", f"model, {takes}").replace("*args, **kwargs", "x, y")
    (tmp_path / "fits.py").write_text(text)
    with pytest.raises(InputError, match="its own fit gets no class weights"):
        searched(tmp_path / "s", model=f"{tmp_path}/fits.py:Fits", space=None, class_weight="balanced")
