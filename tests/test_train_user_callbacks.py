"""Callbacks of the user's: how they are made, and that a training with them is Keras's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from hptune.errors import ModelError
from hptune.models.load import load_model
from hptune.study.trial import Job, Outcome, OutcomeState
from hptune.training import RepeatedTrainer, Trainer, TrainerSettings
from hptune.training.feeds import batches
from hptune.training.random_numbers import shuffled
from hptune.training.user_callbacks import UserCallbacks, noting_callbacks, with_callbacks, with_state
from tests.support.trainings import ACCURACY, DATA, LOSS

MODEL = """import keras


def build(hp):
    top = keras.layers.Dense(3, "softmax")
    model = keras.Sequential([keras.layers.Dense(hp.Int("units", 4, 16, default=8)), top])
    model.compile(keras.optimizers.Adam(0.05), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model
"""
CALLBACKS = """import keras

known = [keras.callbacks.EarlyStopping()]
seen = []


class Watch(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        seen.append((epoch, sorted(logs), float(self.model.optimizer.learning_rate)))


def nothing():
    pass


def none_at_all():
    return []


def number():
    return [1]


def same():
    return known


def raises():
    return known[3]


def needs(hp, model):
    return []


def backup():
    return keras.callbacks.BackupAndRestore("there")


def one():
    return keras.callbacks.EarlyStopping("loss")


def named(values, trial):
    return [keras.callbacks.CSVLogger(f"{trial}-{values['units']}.csv"), keras.callbacks.TensorBoard("logs")]


def stop():
    return [keras.callbacks.EarlyStopping("val_loss", min_delta=9, patience=2, restore_best_weights=True)]


def plateau():
    return [keras.callbacks.ReduceLROnPlateau("val_loss", min_delta=9, patience=1, factor=0.5), Watch()]


def patient():
    stop = keras.callbacks.EarlyStopping("val_loss", patience=2, min_delta=0.05, restore_best_weights=True)
    slower = keras.callbacks.ReduceLROnPlateau("val_loss", min_delta=9, patience=2, factor=0.5, cooldown=1)
    decay = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.9)
    return [slower, decay, keras.callbacks.TensorBoard("logs"), stop]


def schedule():
    return [keras.callbacks.LearningRateScheduler(lambda epoch, rate: 0.1 / (epoch + 1)), Watch()]


text = "no function"
"""


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("m.py").write_text(MODEL, encoding="utf-8")
    Path("c.py").write_text(CALLBACKS, encoding="utf-8")


def trainer(callbacks: str | None, objective: Any = ACCURACY, **more: Any) -> Trainer:
    settings = TrainerSettings(callbacks=callbacks, in_one_go=callbacks is not None, **more)
    return Trainer(DATA, load_model("m.py:build", DATA), objective, settings)


def job(**more: Any) -> Job:
    return Job(**{"id": 1, "trial_id": 7, "values": {}, "seed": 3, "initial_epoch": 0, "epochs": 6} | more)


def run(callbacks: str | None, **more: Any) -> Outcome:
    outcome = trainer(callbacks).run(job(**more))
    assert outcome.state is OutcomeState.DONE, outcome.traceback
    return outcome


def by_hand(callbacks: list[Any], epochs: int = 6) -> dict[str, list[float]]:
    """Train with keras.Model.fit, the rows in the order that the search's seed gives."""
    keras.utils.set_random_seed(3)
    model = load_model("m.py:build", DATA).build({}, 3)
    arrays = load_model("m.py:build", DATA).arrays(DATA, {})
    history = model.fit(
        batches(arrays, None, 32, lambda epoch: shuffled(3, epoch, arrays.rows)),
        steps_per_epoch=2,
        epochs=epochs,
        validation_data=(arrays.validation_x, arrays.validation_y),
        callbacks=callbacks,
        shuffle=False,
        verbose=0,
    )
    return dict(history.history)


@pytest.mark.parametrize(
    ("function", "said"),
    [
        ("nothing", "returned None where a callback of Keras was expected"),
        ("number", "returned builtins.int where"),
        ("same", "returned the same EarlyStopping object again"),
        ("raises", r"it raised IndexError: list index out of range \(c.py:\d+\)"),
        ("backup", "returned BackupAndRestore"),
        ("needs", "needs hp, model, which it is not given"),
        ("text", "is a str, not a function"),
        ("nope", "has no function 'nope'"),
    ],
)
def test_what_makes_no_fresh_callbacks_is_refused_before_a_trial(function: str, said: str) -> None:
    with pytest.raises(ModelError, match=said):
        trainer(f"c.py:{function}").preflight({})


def test_a_file_that_is_not_there_is_refused() -> None:
    with pytest.raises(ModelError, match="no such file"):
        trainer("d.py:make")
    with pytest.raises(ModelError, match="no such file"):
        with_callbacks(load_model("m.py:build", DATA), "d.py:make")


def test_a_recipe_refuses_them() -> None:
    with pytest.raises(ModelError, match="mlp is a recipe"):
        with_callbacks(load_model("mlp", DATA), "c.py:one")


def test_the_fingerprint_is_that_of_both_files() -> None:
    model = load_model("m.py:build", DATA)
    first, again, other = (
        with_callbacks(model, f"c.py:{name}").fingerprint for name in ("one", "one", "stop")
    )
    assert first == again
    assert len({first, other, model.fingerprint}) == 3
    Path("c.py").write_text(CALLBACKS + "\n# The same.\n", encoding="utf-8")
    assert first == with_callbacks(model, "c.py:one").fingerprint
    Path("c.py").write_text(CALLBACKS + "\nOTHER = 1\n", encoding="utf-8")
    assert first != with_callbacks(model, "c.py:one").fingerprint


def test_a_function_may_return_one_and_take_values_and_a_name() -> None:
    assert [type(c).__name__ for c in UserCallbacks("c.py:one").make({}, "trial-1")] == ["EarlyStopping"]
    assert UserCallbacks("c.py:none_at_all").make({}, "trial-1") == []
    log, board = UserCallbacks("c.py:named").make({"units": 4}, "trial-1")
    assert (log.filename, board.log_dir) == ("trial-1-4.csv", str(Path("logs/trial-1")))


def test_the_preflight_names_them_and_trains_in_one_go() -> None:
    found = trainer("c.py:plateau").preflight({})
    assert (found.callbacks, found.in_one_go) == (("ReduceLROnPlateau", "Watch"), True)
    assert not trainer(None).preflight({}).in_one_go


@pytest.mark.parametrize("function", ["stop", "plateau", "schedule"])
def test_a_training_with_them_is_that_of_kerass_fit(function: str) -> None:
    outcome = run(f"c.py:{function}")
    history = by_hand(UserCallbacks(f"c.py:{function}").make({}, "by hand"))
    assert len(outcome.curve) == len(history["loss"])
    for name, values in history.items():
        assert [epoch[name] for epoch in outcome.curve] == pytest.approx(values, rel=1e-5), name


@pytest.mark.parametrize("ends", [(1, 2, 3, 4, 5, 6, 7, 8), (3, 8), (5, 6, 8)], ids=str)
def test_what_callbacks_know_goes_along_from_job_to_job(tmp_path: Path, ends: tuple[int, ...]) -> None:
    on = Trainer(DATA, load_model("m.py:build", DATA), ACCURACY, TrainerSettings(callbacks="c.py:patient"))
    assert not on.preflight({}).in_one_go
    whole = on.run(job(epochs=8))
    curve: list[Any] = []
    begun, kept = 0, ""
    for end in ends:
        part = on.run(
            job(initial_epoch=begun, epochs=end, checkpoint=kept, keep_as=str(tmp_path / f"{end}.npz"))
        )
        assert part.state is OutcomeState.DONE, part.traceback
        curve += part.curve
        begun, kept = end, part.checkpoint
        if part.ended:
            break
    assert curve == list(whole.curve)
    assert part.ended is whole.ended is True
    assert len(curve) < 8


def test_one_callback_that_does_not_go_along_keeps_the_trial_whole() -> None:
    assert trainer("c.py:plateau").preflight({}).in_one_go
    assert trainer("c.py:named").preflight({"units": 4}).in_one_go


def test_early_stopping_ends_the_trial_with_the_weights_of_its_best_epoch(tmp_path: Path) -> None:
    kept = tmp_path / "kept.npz"
    outcome = run("c.py:stop", keep_as=str(kept))
    assert (len(outcome.curve), outcome.ended, outcome.checkpoint) == (3, True, str(kept))
    assert not run("c.py:one").ended


def test_logs_have_validation_and_the_rate_is_the_callbacks() -> None:
    outcome = run("c.py:schedule", epochs=3)
    assert [epoch["learning_rate"] for epoch in outcome.curve] == pytest.approx([0.1, 0.05, 0.1 / 3])
    halved = run("c.py:plateau", epochs=4)
    assert halved.curve[0].keys() >= {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert halved.curve[-1]["learning_rate"] < 0.05


def test_an_interrupted_training_leaves_nothing_and_starts_over(tmp_path: Path) -> None:
    on = trainer("c.py:plateau")
    whole = on.run(job())
    stopped = on.run(job(keep_as=str(tmp_path / "kept.npz")), lambda epoch, report: epoch == 3)
    assert (stopped.state, stopped.curve, stopped.checkpoint) == (OutcomeState.INTERRUPTED, (), "")
    assert on.run(job()).curve == whole.curve


def test_each_fold_and_seed_gets_fresh_ones_with_a_name_of_its_own(tmp_path: Path) -> None:
    members = [trainer("c.py:named", LOSS), trainer("c.py:named", LOSS)]
    on = RepeatedTrainer(members, executions=2, objective=LOSS)
    outcome = on.run(job(epochs=1, values={"units": 4}))
    assert outcome.state is OutcomeState.DONE, outcome.traceback
    names = {f"trial-7-fold-{fold}-run-{seed}" for fold in (1, 2) for seed in (1, 2)}
    assert {path.name for path in tmp_path.glob("*.csv")} == {f"{name}-4.csv" for name in names}
    assert {path.name for path in (tmp_path / "logs").iterdir()} == names


def test_a_function_that_fails_in_a_trial_fails_that_trial() -> None:
    Path("c.py").write_text("def make(values):\n    return [] if values['units'] < 9 else 1 / 0\n")
    outcome = trainer("c.py:make").run(job(values={"units": 9}))
    assert outcome.state is OutcomeState.FAILED
    assert outcome.reason == "c.py:make: it raised ZeroDivisionError: division by zero (c.py:2)"


def test_callbacks_with_a_state_are_told_from_those_without() -> None:
    class Own(keras.callbacks.LambdaCallback):
        pass

    stateless = [keras.callbacks.CSVLogger("x"), keras.callbacks.TerminateOnNaN(), keras.callbacks.History()]
    assert with_state([*stateless, keras.callbacks.LambdaCallback()]) == ()
    assert with_state([*stateless, keras.callbacks.EarlyStopping(), Own()]) == ("EarlyStopping", "Own")


def test_what_is_passed_to_a_fit_is_noted_only_meanwhile() -> None:
    model = load_model("m.py:build", DATA).build({}, 0)
    x, y = DATA.train.x, DATA.train.y
    stop = keras.callbacks.EarlyStopping("loss")
    before = keras.callbacks.CallbackList.__init__
    with noting_callbacks() as seen:
        model.fit(x, y, callbacks=[stop], verbose=0)
    assert any(one is stop for one in seen)
    assert keras.callbacks.CallbackList.__init__ is before
    model.fit(np.array(x), y, callbacks=[keras.callbacks.TerminateOnNaN()], verbose=0)
    assert not any(isinstance(one, keras.callbacks.TerminateOnNaN) for one in seen)
