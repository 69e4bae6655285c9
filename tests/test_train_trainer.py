"""Training jobs: what comes of them, and that it comes out the same however they are cut."""

from __future__ import annotations

import errno
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.trainings import ACCURACY, DATA, EVERYTHING, LOSS, VALUES, dataset, job, run, trainer, trial

from hptune.data import DataSplit, Task, load_dataset
from hptune.errors import InputError, ModelError, SpaceError, StudyError
from hptune.models.backend import keras
from hptune.models.load import load_model
from hptune.space import Fixed, Space, Value
from hptune.study.trial import Direction, Objective, OutcomeState, Trial, TrialState
from hptune.training import ClassWeight, Trainer, resolve_objective

# What a job tells


def test_a_job_tells_a_curve_and_where_its_seconds_went() -> None:
    reports: list[tuple[int, Mapping[str, float]]] = []
    outcome = trainer().run(job(), lambda epoch, report: bool(reports.append((epoch, dict(report)))))
    assert outcome.state is OutcomeState.DONE
    assert not outcome.ended
    assert [epoch for epoch, _ in reports] == [1, 2, 3]
    assert tuple(report for _, report in reports) == outcome.curve
    assert outcome.curve[0].keys() == {"accuracy", "loss", "val_accuracy", "val_loss", "learning_rate"}
    assert outcome.curve[-1]["loss"] < outcome.curve[0]["loss"]
    assert outcome.curve[0]["learning_rate"] == 0.02
    assert outcome.parameters == 5 * 4 + 4 + 4 * 3 + 3
    assert outcome.timings.keys() == {"build", "trace", "fit", "validation"}
    assert 0 < sum(outcome.timings.values()) <= outcome.seconds
    assert outcome.checkpoint == ""


def test_the_learning_rate_of_each_epoch_is_set_and_recorded() -> None:
    values = {**VALUES, "schedule": "list", "learning_rates": "0.02, 1e-12"}
    curve = run(values).curve
    assert [epoch["learning_rate"] for epoch in curve] == [0.02, 1e-12, 1e-12]
    assert curve[1]["val_loss"] == pytest.approx(curve[0]["val_loss"], abs=1e-6)


def test_all_rows_at_once_is_batch_gradient_descent() -> None:
    values = {**VALUES, "batch_size": "all", "optimizer": "sgd", "momentum": 0.0, "learning_rate": 0.5}
    made = load_model("mlp", DATA, space=Space(hyperparameters=(Fixed(name="batch_size", value="all"),)))
    model = made.build(values, seed=0)
    model.train_on_batch(DATA.train.x, DATA.train.y)
    stepped = trainer(values).best_model(trial(values, best_epoch=1))
    for ours, theirs in zip(stepped.get_weights(), model.get_weights(), strict=True):
        assert ours == pytest.approx(theirs, abs=1e-6)


def test_a_regression_reports_its_error_in_the_units_of_the_target() -> None:
    data = dataset(Task.REGRESSION)
    values = {**VALUES, "learning_rate": 1e-9}
    untrained = load_model("mlp", data, space=Space(hyperparameters=())).build(values, seed=0)
    outcome = trainer(values, data=data, objective=LOSS).run(job(values, epochs=1))
    report = outcome.curve[0]
    assert report.keys() >= {"val_loss", "val_mean_absolute_error", "val_r2", "mean_absolute_error", "r2"}
    deviation, mean = data.train.y.std(), data.train.y.mean()
    predicted = np.asarray(untrained(data.validation.x))[:, 0] * deviation + mean
    assert report["val_mean_absolute_error"] == pytest.approx(
        np.abs(predicted - data.validation.y).mean(), rel=1e-3
    )


def test_the_seed_decides_everything() -> None:
    shared = trainer({**VALUES, "dropout": 0.3})
    values = {**VALUES, "dropout": 0.3}
    first, again, other = (run(values, on=shared, seed=seed).curve for seed in (0, 0, 1))
    assert first == again
    assert first != other


# What goes wrong


def test_a_loss_that_is_no_number_any_more_is_infeasible() -> None:
    values = {**VALUES, "optimizer": "sgd", "learning_rate": 1e30, "layers": 3, "activation": "elu"}
    outcome = trainer(values).run(job(values, epochs=6))
    assert outcome.state is OutcomeState.INFEASIBLE
    assert outcome.reason.startswith(f"diverged at epoch {len(outcome.curve) + 1} (loss ")
    assert len(outcome.curve) < 6
    assert outcome.traceback == ""


def test_clipping_keeps_the_same_training_from_diverging() -> None:
    data = dataset(shift=1e18)
    values = {**VALUES, "optimizer": "sgd", "activation": "relu", "input_normalization": "none"}
    exploded = trainer(values, data=data).run(job(values, epochs=1))
    clipped = {**values, "clipping": "clipvalue", "clip_threshold": 1e-20}
    assert exploded.state is OutcomeState.INFEASIBLE
    assert trainer(clipped, data=data).run(job(clipped, epochs=1)).state is OutcomeState.DONE


def test_a_model_above_the_cap_is_infeasible() -> None:
    outcome = trainer(max_parameters=10).run(job())
    assert outcome.state is OutcomeState.INFEASIBLE
    assert outcome.reason == "too large: 39 weights, 10 allowed"


@pytest.mark.parametrize("error", ["MemoryError()", "ResourceExhaustedError('OOM when allocating')"])
def test_memory_that_runs_out_is_infeasible(tmp_path: Path, error: str) -> None:
    on = person(
        tmp_path,
        f"class ResourceExhaustedError(Exception): ...\n\n\ndef fails():\n    raise {error}\n",
        'if hp.get("kind") == "bad":\n        fails()',
    )
    outcome = on.run(job({"kind": "bad"}))
    assert (outcome.state, outcome.reason) == (OutcomeState.INFEASIBLE, "out of memory")


def test_an_exception_fails_the_trial_with_its_line_and_traceback(tmp_path: Path) -> None:
    on = person(tmp_path, "", 'if hp.get("kind") == "bad":\n        {}["units"]')
    outcome = on.run(job({"kind": "bad"}))
    assert outcome.state is OutcomeState.FAILED
    assert outcome.reason == f"KeyError: 'units' ({tmp_path / 'model.py'}:8)"
    assert "Traceback (most recent call last)" in outcome.traceback
    assert on.run(job({"kind": "good"}, epochs=1)).state is OutcomeState.DONE


def test_a_build_that_returns_no_model_fails_the_trial(tmp_path: Path) -> None:
    outcome = person(tmp_path, "", 'if hp.get("kind") == "bad":\n        return None').run(
        job({"kind": "bad"})
    )
    assert outcome.state is OutcomeState.FAILED
    assert "returned None" in outcome.reason


def test_an_option_that_is_none_is_not_the_trials_failure() -> None:
    with pytest.raises(SpaceError, match="unit"):
        trainer().run(job({"unit": 4}))


def test_ctrl_c_goes_through(tmp_path: Path) -> None:
    def pressed(epoch: int, report: Mapping[str, float]) -> bool:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trainer().run(job(), pressed)


# Stopping


def test_a_job_that_is_asked_to_stop_does_so_after_the_epoch_and_keeps_its_weights(tmp_path: Path) -> None:
    kept = str(tmp_path / "kept.npz")
    shared = trainer()
    outcome = shared.run(job(epochs=5, keep_as=kept, keep_if=2.0), lambda epoch, report: epoch == 2)
    assert outcome.state is OutcomeState.INTERRUPTED
    assert len(outcome.curve) == 2
    assert outcome.checkpoint == kept
    rest = run(on=shared, epochs=5, initial_epoch=2, checkpoint=kept)
    assert outcome.curve + rest.curve == run(on=shared, epochs=5).curve


def test_a_stop_at_the_last_epoch_is_no_interruption() -> None:
    assert trainer().run(job(epochs=1), lambda epoch, report: True).state is OutcomeState.DONE


def test_early_stopping_ends_a_training_and_later_jobs_add_nothing(tmp_path: Path) -> None:
    values = {**VALUES, "learning_rate": 1e-12, "early_stopping_patience": 2}
    kept = str(tmp_path / "kept.npz")
    shared = trainer(values)
    outcome = run(values, on=shared, epochs=9, keep_as=kept)
    assert outcome.ended
    assert outcome.state is OutcomeState.DONE
    assert len(outcome.curve) == 3
    again = str(tmp_path / "again.npz")
    later = run(values, on=shared, epochs=12, initial_epoch=3, checkpoint=kept, keep_as=again)
    assert later.ended
    assert later.curve == ()
    assert same_files(kept, again)


def test_an_improvement_must_exceed_min_delta_to_count() -> None:
    patient = {**VALUES, "early_stopping_patience": 2}
    assert len(run(patient, on=trainer(patient, objective=LOSS), epochs=6).curve) == 6
    strict = {**patient, "early_stopping_min_delta": 1000.0}
    assert len(run(strict, on=trainer(strict, objective=LOSS), epochs=6).curve) == 3


def test_min_delta_counts_alike_whatever_units_the_target_has() -> None:
    values = {**VALUES, "early_stopping_patience": 1, "early_stopping_min_delta": 0.05}
    error = Objective(name="val_mean_absolute_error", direction=Direction.MIN)
    epochs = []
    for unit in (1e-6, 1.0, 1e6):
        whole = dataset(Task.REGRESSION)
        parts = {
            n: DataSplit(x=p.x, y=p.y * unit)
            for n, p in (("train", whole.train), ("validation", whole.validation))
        }
        data = replace(whole, **parts)
        epochs.append(len(run(values, on=trainer(values, data=data, objective=error), epochs=20).curve))
    assert 1 < epochs[0] < 20
    assert len(set(epochs)) == 1


# Checkpoints


@pytest.mark.parametrize(
    ("keep_if", "kept"),
    [pytest.param(None, True, id="always"), pytest.param(0.0, True, id="good enough"), (1.1, False)],
)
def test_weights_are_kept_where_the_score_reaches_the_bar(
    tmp_path: Path, keep_if: float | None, kept: bool
) -> None:
    path = tmp_path / "kept.npz"
    outcome = run(epochs=1, keep_as=str(path), keep_if=keep_if)
    assert path.exists() is kept
    assert outcome.checkpoint == (str(path) if kept else "")
    assert list(tmp_path.iterdir()) == ([path] if kept else [])


@pytest.mark.parametrize(
    "values", [pytest.param(VALUES, id="plain"), pytest.param(EVERYTHING, id="everything that is random")]
)
def test_a_training_in_two_jobs_is_the_same_as_in_one(tmp_path: Path, values: dict[str, Value]) -> None:
    whole, first, second = (str(tmp_path / f"{name}.npz") for name in ("whole", "first", "second"))
    expected = run(values, epochs=5, keep_as=whole)
    begun = run(values, epochs=2, keep_as=first)
    ended = run(values, epochs=5, initial_epoch=2, checkpoint=first, keep_as=second)
    assert begun.curve + ended.curve == expected.curve
    assert same_files(whole, second)


def test_weights_ahead_of_the_record_start_over_to_the_same_curve(tmp_path: Path) -> None:
    """A process that was killed between writing weights and recording them left six epochs for three."""
    ahead, again = str(tmp_path / "ahead.npz"), str(tmp_path / "again.npz")
    expected = run(VALUES, epochs=6, keep_as=ahead)
    resumed = run(VALUES, epochs=6, initial_epoch=3, checkpoint=ahead, keep_as=again)
    assert resumed.curve == expected.curve
    assert same_files(ahead, again)


def same_files(one: str, two: str) -> bool:
    with np.load(one) as a, np.load(two) as b:
        return a.files == b.files and all(np.array_equal(a[name], b[name]) for name in a.files)


def test_another_process_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    first, second = str(tmp_path / "first.npz"), str(tmp_path / "second.npz")
    whole = str(tmp_path / "whole.npz")
    run(EVERYTHING, epochs=2, keep_as=first)
    run(EVERYTHING, epochs=4, keep_as=whole)
    script = (
        "from support.trainings import EVERYTHING, run\n"
        f"run(EVERYTHING, epochs=4, initial_epoch=2, checkpoint={first!r}, keep_as={second!r})\n"
    )
    here = Path(__file__).parent
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=here,
        env={"PYTHONPATH": f"{here.parent}:{here}", "PATH": "", "KERAS_BACKEND": keras.backend.backend()},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert same_files(whole, second)
    assert done.stderr == ""


def test_a_graph_used_again_trains_as_a_new_one() -> None:
    shared = trainer()
    run(on=shared, seed=7)
    reused = run({**VALUES, "learning_rate": 0.01}, on=shared, seed=1)
    assert "trace" not in reused.timings
    assert reused.curve == run({**VALUES, "learning_rate": 0.01}, seed=1).curve


def test_a_job_that_fails_leaves_no_graph_behind() -> None:
    shared = trainer()

    def fails(epoch: int, report: Mapping[str, float]) -> bool:
        raise RuntimeError("by the listener")

    with pytest.raises(RuntimeError, match="by the listener"):
        shared.run(job(), fails)
    assert run(on=shared).curve == run().curve


# The best model


@pytest.mark.parametrize("values", [VALUES, EVERYTHING], ids=["plain", "averaged"])
def test_the_best_model_is_that_of_the_best_epoch(tmp_path: Path, values: dict[str, Value]) -> None:
    kept = tmp_path / "kept.npz"
    shared = trainer(values, objective=LOSS)
    # A learning rate that suddenly is far too large: the best epoch is not the last.
    wild = {**values, "schedule": "list", "learning_rates": "0.02, 0.02, 5, 5"}
    outcome = run(wild, on=shared, epochs=4, keep_as=str(kept))
    best = min(range(4), key=lambda i: outcome.curve[i]["val_loss"])
    assert best < 3
    told = trial(wild, best_epoch=best + 1)
    from_disk, trained_again = shared.best_model(told, kept), shared.best_model(told)
    for a, b in zip(from_disk.get_weights(), trained_again.get_weights(), strict=True):
        assert (a == b).all()
    with pytest.raises(ModelError, match="trial 1 than the one trained: its weights do not fit"):
        shared.best_model(replace(told, values={**wild, "units": 5}), kept)
    judged = from_disk.evaluate(DATA.validation.x, DATA.validation.y, verbose=0, return_dict=True)
    assert judged["loss"] == pytest.approx(outcome.curve[best]["val_loss"], abs=1e-6)


# Averages


def test_averaged_weights_are_what_is_judged() -> None:
    values = {**VALUES, "ema": True, "ema_momentum": 0.999, "ema_bias_correction": False}
    # Without correction the average stays near the first weights: the loss hardly moves.
    slow, plain = run(values).curve, run().curve
    assert [e["loss"] for e in slow] == [e["loss"] for e in plain]
    assert slow[-1]["val_loss"] > plain[-1]["val_loss"]
    corrected = run({**values, "ema_bias_correction": True}).curve
    assert corrected[-1]["val_loss"] < slow[-1]["val_loss"]


# Class weights


def test_balanced_class_weights_weigh_rare_classes_more() -> None:
    y = np.array([0] * 40 + [1] * 4 + [2], dtype=np.int32)
    data = replace(DATA, train=DataSplit(x=DATA.train.x, y=y), fingerprint="skewed")
    frozen = {**VALUES, "learning_rate": 1e-12, "batch_size": "all"}
    weighted = trainer(frozen, data=data, class_weight=ClassWeight.BALANCED).run(job(frozen, epochs=1))
    model = load_model("mlp", data, space=Space(hyperparameters=())).build(frozen, seed=0)
    chances = np.asarray(model(data.train.x))[np.arange(45), y]
    weights = 45 / (3 * np.array([40, 4, 1]))[y]
    assert weighted.curve[0]["loss"] == pytest.approx(float((-np.log(chances) * weights).mean()), rel=1e-4)


def test_class_weights_need_classes() -> None:
    with pytest.raises(InputError, match="class weights need classes"):
        trainer(data=dataset(Task.REGRESSION), class_weight=ClassWeight.BALANCED)


# Preflight


def test_preflight_tells_what_training_reports() -> None:
    assert set(trainer().preflight(VALUES).reported) == {"accuracy", "loss", "val_accuracy", "val_loss"}
    assert resolve_objective(None, trainer().preflight(VALUES).reported, DATA.task) == ACCURACY


# A person's own

MODEL = """import keras

{above}

def build(hp):
    hp.Choice("kind", ["good", "bad"])
    {line}
    model = {model}([keras.layers.Flatten(), keras.layers.Dense(3, activation="softmax")])
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model
"""


def person(folder: Path, above: str = "", line: str = "pass", model: str = "keras.Sequential") -> Trainer:
    path = folder / "model.py"
    path.write_text(MODEL.format(above=above, line=line, model=model), encoding="utf-8")
    return Trainer(DATA, load_model(f"{path}:build", DATA), ACCURACY)


def test_data_of_the_wrong_shape_are_refused_before_anything_is_trained(tmp_path: Path) -> None:
    path = tmp_path / "wide.py"
    path.write_text(
        "import keras\n\n\ndef build(hp):\n"
        "    model = keras.Sequential([keras.Input((9,)), keras.layers.Dense(3)])\n"
        '    model.compile(loss="mse")\n    return model\n'
    )
    wrong = Trainer(DATA, load_model(f"{path}:build", DATA), None)
    with pytest.raises(ModelError, match="one batch can't be trained") as refused:
        wrong.preflight({})
    assert refused.value.hint == "The data: x of shape (rows, 5), float32; y of shape (rows,), int32."


STEPPING = """class Stepping(keras.Sequential):
    def train_step(self, data):
        return {**super().train_step(data), "steps": keras.ops.convert_to_tensor(1.0)}
"""


def test_a_model_with_a_step_of_its_own_trains_by_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hptune.training.choose_feed.choose_dense_feed", lambda *given: None)
    plain = person(tmp_path).run(job({"kind": "good"}))
    own = person(tmp_path, STEPPING, model="Stepping").run(job({"kind": "good"}))
    assert [epoch.pop("steps") for epoch in map(dict, own.curve)] == [1.0, 1.0, 1.0]
    assert [epoch["val_loss"] for epoch in own.curve] == [epoch["val_loss"] for epoch in plain.curve]


TUTORIAL = """import keras
from keras import layers


def build_model(hp):
    model = keras.Sequential()
    model.add(layers.Flatten())
    model.add(
        layers.Dense(
            # Define the hyperparameter.
            units=hp.Int("units", min_value=32, max_value=512, step=32),
            activation=hp.Choice("activation", ["relu", "tanh"]),
        )
    )
    # Tune whether to use dropout.
    if hp.Boolean("dropout"):
        model.add(layers.Dropout(rate=0.25))
    model.add(layers.Dense(10, activation="softmax"))
    # Define the optimizer learning rate as a hyperparameter.
    learning_rate = hp.Float("lr", min_value=1e-4, max_value=1e-2, sampling="log")
    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate=learning_rate),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model
"""


def test_keras_tuners_getting_started_example_runs_unchanged(tmp_path: Path) -> None:
    path = tmp_path / "tutorial.py"
    path.write_text(TUTORIAL, encoding="utf-8")
    digits = load_dataset("digits")
    model = load_model(f"{path}:build_model", digits)
    space = model.space()
    assert [hp.name for hp in space] == ["units", "activation", "dropout", "lr"]
    reported = Trainer(digits, model, None).preflight(space.defaults).reported
    objective = resolve_objective(None, reported, digits.task)
    outcome = Trainer(digits, model, objective).run(job({**space.defaults, "dropout": True}, epochs=4))
    assert outcome.state is OutcomeState.DONE, outcome.traceback
    assert outcome.curve[-1]["val_accuracy"] > 0.9


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 and no more", b"no archive"])
def test_a_damaged_checkpoint_is_trained_again_for_export(tmp_path: Path, content: bytes) -> None:
    checkpoint = tmp_path / "trial.npz"
    checkpoint.write_bytes(content)
    trial = Trial(
        id=1, pass_number=1, values=VALUES, seed=5, state=TrialState.COMPLETE, epochs=2, best_epoch=2
    )
    whole, again = trainer().best_model(trial), trainer().best_model(trial, checkpoint)
    for one, other in zip(whole.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_full_disk_is_no_failure_of_the_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "checkpoints/trial.npz")

    monkeypatch.setattr("hptune.training.session.save_checkpoint", full)
    with pytest.raises(StudyError, match=r"checkpoints/trial\.npz: No space left on device") as raised:
        trainer().run(replace(job(), keep_as="checkpoints/trial.npz"))
    assert "the same command resumes" in raised.value.hint
