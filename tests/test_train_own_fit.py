"""A HyperModel's own fit: what it is called with and what its results mean."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hptune.data import Dataset, DataSplit, Task
from hptune.errors import ModelError
from hptune.models.load import load_model
from hptune.study.trial import Direction, Job, Objective, Outcome, OutcomeState
from hptune.training import Trainer, TrainerSettings, resolve_objective

ACCURACY = Objective(name="val_accuracy", direction=Direction.MAX)
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(30, 3)).astype(np.float32), (np.arange(30) % 2).astype(np.int32)
DATA = Dataset(
    name="made",
    task=Task.BINARY,
    classes=("no", "yes"),
    train=DataSplit(x=X[:20], y=Y[:20]),
    validation=DataSplit(x=X[20:], y=Y[20:]),
    fingerprint="own fit",
)

MODEL = """import keras
import keras_tuner


class Own(keras_tuner.HyperModel):
    def build(self, hp):
        model = keras.Sequential([keras.layers.Dense(1, activation="sigmoid")])
        model.compile(optimizer="sgd", loss="binary_crossentropy", metrics=["accuracy"])
        return model

    def fit(self, hp, model, {signature}):
        {body}
"""


def trainer(
    folder: Path, body: str, signature: str = "*args, **kwargs", objective: Objective | None = ACCURACY
) -> Trainer:
    path = folder / "own.py"
    path.write_text(MODEL.format(body=body, signature=signature), encoding="utf-8")
    return Trainer(DATA, load_model(f"{path}:Own", DATA), objective)


def run(on: Trainer, **more: Any) -> Outcome:
    job = Job(**{"id": 1, "trial_id": 1, "values": {}, "seed": 0, "initial_epoch": 0, "epochs": 3} | more)
    return on.run(job)


def test_a_history_is_a_curve(tmp_path: Path) -> None:
    seen: list[int] = []
    on = trainer(tmp_path, "return model.fit(*args, **kwargs)")
    job = Job(id=1, trial_id=1, values={}, seed=0, initial_epoch=0, epochs=3)
    outcome = on.run(job, lambda epoch, report: bool(seen.append(epoch)))
    assert outcome.state is OutcomeState.DONE, outcome.traceback
    assert not outcome.ended
    assert seen == [1, 2, 3]
    assert len(outcome.curve) == 3
    assert outcome.curve[0].keys() >= {"loss", "val_accuracy"}


def test_a_history_counts_where_the_callbacks_were_left_out(tmp_path: Path) -> None:
    body = "return model.fit(x, y, validation_data=validation_data, epochs=2, verbose=0)"
    outcome = run(trainer(tmp_path, body, "x, y, validation_data, **kwargs"))
    assert len(outcome.curve) == 2
    assert "val_accuracy" in outcome.curve[0]


@pytest.mark.parametrize(
    ("returned", "curve"),
    [
        pytest.param("0.25", [{"val_accuracy": 0.25}], id="a number is the objective"),
        pytest.param('{"val_accuracy": 0.5, "cost": 3}', [{"val_accuracy": 0.5, "cost": 3.0}], id="metrics"),
        pytest.param("[0.25, 0.75]", [{"val_accuracy": 0.5}], id="a list is averaged"),
        pytest.param(
            '[{"val_accuracy": 0.5}, {"val_accuracy": 1.0, "cost": 1}]',
            [{"val_accuracy": 0.75}],
            id="of metrics",
        ),
    ],
)
def test_anything_else_is_one_judgement_of_the_whole_training(
    tmp_path: Path, returned: str, curve: list[dict[str, float]]
) -> None:
    outcome = run(trainer(tmp_path, f"return {returned}"))
    assert outcome.ended
    assert list(outcome.curve) == curve


def test_a_list_of_histories_is_the_mean_of_their_best_epochs(tmp_path: Path) -> None:
    body = "return [model.fit(*args, **kwargs) for _ in range(2)]"
    outcome = run(trainer(tmp_path, body), epochs=2)
    assert outcome.ended
    assert len(outcome.curve) == 1
    assert "val_accuracy" in outcome.curve[0]


@pytest.mark.parametrize("returned", ["None", '"good"'])
def test_a_result_that_means_nothing_fails_the_trial(tmp_path: Path, returned: str) -> None:
    outcome = run(trainer(tmp_path, f"return {returned}"))
    assert outcome.state is OutcomeState.FAILED
    assert outcome.reason.startswith("fit returned ")


def test_a_number_without_a_named_objective_is_to_be_minimised(tmp_path: Path) -> None:
    on = trainer(tmp_path, "return 0.25", objective=None)
    reported = on.preflight({}).reported
    assert reported == ("objective",)
    assert resolve_objective(None, reported, DATA.task) == Objective(
        name="objective", direction=Direction.MIN
    )
    assert run(on).curve == ({"objective": 0.25},)


def test_a_number_that_is_none_is_infeasible(tmp_path: Path) -> None:
    outcome = run(trainer(tmp_path, 'return float("nan")'))
    assert outcome.state is OutcomeState.INFEASIBLE
    assert outcome.reason == "diverged at epoch 3 (val_accuracy nan)"


def test_a_model_that_is_not_compiled_may_be_fitted_by_its_own_loop(tmp_path: Path) -> None:
    path = tmp_path / "own.py"
    text = MODEL.format(body="return 0.5", signature="*args, **kwargs").replace("model.compile(", "dict(")
    path.write_text(text, encoding="utf-8")
    on = Trainer(DATA, load_model(f"{path}:Own", DATA), ACCURACY)
    assert run(on, keep_as=str(tmp_path / "kept.npz")).curve == ({"val_accuracy": 0.5},)


def test_a_fit_that_trains_twice_is_judged_by_what_it_returns(tmp_path: Path) -> None:
    outcome = run(
        trainer(tmp_path, "model.fit(*args, **kwargs); return model.fit(*args, **kwargs)"), epochs=2
    )
    assert len(outcome.curve) == 2


def test_it_is_called_with_data_epochs_and_callbacks(tmp_path: Path) -> None:
    body = (
        'return {"val_accuracy": 1, "x": len(x), "y": len(y), "held": len(validation_data[0]),'
        " **numbers(epochs, callbacks)}"
    )
    helper = (
        "\n\ndef numbers(epochs, callbacks):\n    return {'epochs': epochs, 'callbacks': len(callbacks)}\n"
    )
    on = trainer(tmp_path, body + helper, "x, y, validation_data, epochs, callbacks, **kwargs")
    given = {"x": 20.0, "y": 20.0, "held": 10.0, "epochs": 3.0, "callbacks": 1.0}
    assert run(on).curve == ({"val_accuracy": 1.0, **given},)


@pytest.mark.parametrize(
    ("signature", "body"),
    [
        pytest.param(
            "*args, **kwargs", "return model.fit(*args, epochs=2, verbose=0, **kwargs)", id="sets some"
        ),
        pytest.param(
            "x, y, validation_data",
            "return model.fit(x, y, validation_data=validation_data, epochs=2, verbose=0)",
            id="takes few",
        ),
    ],
)
def test_keywords_that_it_sets_or_does_not_take_are_left_out(
    tmp_path: Path, signature: str, body: str
) -> None:
    outcome = run(trainer(tmp_path, body, signature), epochs=5)
    assert outcome.state is OutcomeState.DONE, outcome.traceback
    assert len(outcome.curve) == 2


def test_an_own_fit_that_goes_on_gets_the_epoch_it_begins_at(tmp_path: Path) -> None:
    kept = str(tmp_path / "kept.npz")
    on = trainer(tmp_path, "return model.fit(*args, shuffle=False, **kwargs)")
    whole = run(on, epochs=4)
    first = run(on, epochs=2, keep_as=kept)
    rest = run(on, epochs=4, initial_epoch=2, checkpoint=kept)
    assert first.curve + rest.curve == whole.curve


def test_an_own_fit_that_cannot_go_on_begins_anew(tmp_path: Path) -> None:
    kept = str(tmp_path / "kept.npz")
    body = "return model.fit(x, y, validation_data=validation_data, epochs=epochs, callbacks=callbacks)"
    on = trainer(tmp_path, body, "x, y, validation_data, epochs, callbacks, verbose")
    whole = run(on, epochs=4)
    run(on, epochs=2, keep_as=kept)
    assert run(on, epochs=4, initial_epoch=2, checkpoint=kept).curve == whole.curve


def test_a_type_error_of_its_own_is_not_mistaken_for_a_keyword(tmp_path: Path) -> None:
    outcome = run(trainer(tmp_path, 'return 1 if kwargs["epochs"] == 1 else len(5)'))
    assert outcome.state is OutcomeState.FAILED
    assert "has no len()" in outcome.reason


SETS_EPOCHS = [
    pytest.param("return model.fit(*args, epochs=7, **kwargs)", id="a keyword of its own"),
    pytest.param('kwargs["epochs"] = 7; return model.fit(*args, **kwargs)', id="another value"),
    pytest.param(
        "return model.fit(*args, epochs=7, validation_data=kwargs['validation_data'], verbose=0)",
        id="without the callbacks",
    ),
]


@pytest.mark.parametrize("body", SETS_EPOCHS)
def test_epochs_of_its_own_are_one_judgement_of_the_whole_training(tmp_path: Path, body: str) -> None:
    on = trainer(tmp_path, body)
    assert on.preflight({}).own_epochs == 7
    outcome = run(on, epochs=1, keep_as=str(tmp_path / "kept.npz"))
    assert outcome.state is OutcomeState.DONE, outcome.traceback
    assert (len(outcome.curve), outcome.ended) == (7, True)


def test_epochs_of_its_own_count_where_they_happen_to_be_those_asked_for(tmp_path: Path) -> None:
    assert run(trainer(tmp_path, "return model.fit(*args, epochs=3, **kwargs)"), epochs=3).ended


def test_a_fit_that_ends_early_by_itself_is_not_gone_on_with(tmp_path: Path) -> None:
    body = (
        'stop = keras.callbacks.EarlyStopping("loss", min_delta=9, patience=1);'
        'return model.fit(*args, **kwargs | {"callbacks": [*kwargs["callbacks"], stop]})'
    )
    outcome = run(trainer(tmp_path, body), epochs=6)
    assert (len(outcome.curve), outcome.ended) == (2, True)


def test_a_fit_of_its_own_epochs_starts_over_once_it_was_interrupted(tmp_path: Path) -> None:
    kept = tmp_path / "kept.npz"
    on = trainer(tmp_path, "return model.fit(*args, epochs=7, **kwargs)")
    job = Job(id=1, trial_id=1, values={}, seed=0, initial_epoch=0, epochs=1, keep_as=str(kept))
    stopped = on.run(job, lambda epoch, report: epoch == 4)
    assert (stopped.state, stopped.curve, stopped.checkpoint) == (OutcomeState.INTERRUPTED, (), "")
    assert not stopped.ended
    whole = on.run(job)
    assert len(whole.curve) == 7
    assert whole.checkpoint == str(kept)


def test_an_interrupted_fit_that_keeps_to_its_epochs_is_resumed(tmp_path: Path) -> None:
    on = trainer(tmp_path, "return model.fit(*args, **kwargs)")
    job = Job(
        id=1, trial_id=1, values={}, seed=0, initial_epoch=0, epochs=5, keep_as=str(tmp_path / "kept.npz")
    )
    stopped = on.run(job, lambda epoch, report: epoch == 2)
    assert (stopped.state, len(stopped.curve)) == (OutcomeState.INTERRUPTED, 2)
    assert stopped.checkpoint


def test_weights_of_all_rows_are_no_failure_of_the_model(tmp_path: Path) -> None:
    body = "import numpy as np; return model.fit(*args, sample_weight=np.ones(20), **kwargs)"
    on = trainer(tmp_path, body)
    assert "val_accuracy" in on.preflight({}).reported
    assert len(run(on).curve) == 3


OWN_DATA = "import numpy as np; x, y = np.ones((8, 5)), np.arange(8) % 2; "


@pytest.mark.parametrize(
    ("signature", "call"),
    [
        pytest.param("*args, **kwargs", "x, y, *args, validation_data=(x, y), **kwargs", id="forwards all"),
        pytest.param("*args, **kwargs", "x, y, *args, validation_split=0.25, **kwargs", id="splits"),
        pytest.param("callbacks=None, **kwargs", "x, y, callbacks=callbacks, **kwargs", id="callbacks"),
        pytest.param("**kwargs", "x, y, **kwargs", id="keywords alone"),
    ],
)
def test_a_fit_that_brings_its_own_data_is_given_none(tmp_path: Path, signature: str, call: str) -> None:
    on = trainer(tmp_path, f"{OWN_DATA}return model.fit({call})", signature, objective=None)
    found = on.preflight({})
    assert "accuracy" in found.reported
    assert ("val_accuracy" in found.reported) == ("validation_" in call)
    assert found.in_one_go
    outcome = run(on, epochs=2)
    assert outcome.state is OutcomeState.DONE, outcome.traceback
    assert (len(outcome.curve), outcome.parameters) == (2, 6)


def test_a_type_error_of_a_fit_that_takes_the_data_stays_its_own(tmp_path: Path) -> None:
    body = "return int(*[1, 2, 3]) if len(x) else 0"
    with pytest.raises(ModelError, match="int\\(\\) takes at most 2 arguments"):
        trainer(tmp_path, body, "x, y, **kwargs")


def test_what_fails_on_all_rows_is_a_failure_of_the_model(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="KeyError: 'rows'"):
        trainer(tmp_path, 'return kwargs["rows"]')


@pytest.mark.parametrize(
    ("body", "signature", "one_go"),
    [
        pytest.param("return model.fit(*args, **kwargs)", "*args, **kwargs", False, id="resumed"),
        pytest.param("return 0.5", "*args, **kwargs", True, id="one number"),
        pytest.param(
            "return model.fit(x, y, epochs=epochs)", "x, y, epochs, **_", False, id="takes initial_epoch"
        ),
        pytest.param(
            "return model.fit(x, y, validation_data=validation_data, epochs=epochs, callbacks=callbacks)",
            "x, y, validation_data, epochs, callbacks, verbose",
            True,
            id="can't be resumed",
        ),
    ],
)
def test_what_can_not_be_resumed_is_trained_in_one_go(
    tmp_path: Path, body: str, signature: str, one_go: bool
) -> None:
    assert trainer(tmp_path, body, signature, objective=None).preflight({}).in_one_go is one_go


EARLY = (
    'stop = keras.callbacks.EarlyStopping("loss", min_delta=9, patience=2);'
    'kwargs["callbacks"] = [stop, *kwargs["callbacks"]]; return model.fit(*args, shuffle=False, **kwargs)'
)
QUIET = EARLY.replace('EarlyStopping("loss", min_delta=9, patience=2)', "TerminateOnNaN()")


def test_callbacks_with_a_state_are_trained_in_one_go(tmp_path: Path) -> None:
    found = trainer(tmp_path, EARLY).preflight({})
    assert (found.in_one_go, found.stateful) == (True, ("EarlyStopping",))
    found = trainer(tmp_path, QUIET).preflight({})
    assert (found.in_one_go, found.stateful) == (False, ())


def test_where_only_some_trials_pass_such_callbacks_these_start_over_at_each_rung(tmp_path: Path) -> None:
    on, kept = trainer(tmp_path, EARLY), str(tmp_path / "kept.npz")
    whole = run(on, epochs=6)
    first = run(on, epochs=2, keep_as=kept)
    assert (first.checkpoint, first.ended) == ("", False)
    assert first.curve == whole.curve[:2]
    # The engine begins anew where no weights are left.
    assert run(on, epochs=6).curve == whole.curve
    assert (len(whole.curve), whole.ended) == (3, True)


@pytest.mark.parametrize(
    ("signature", "body"),
    [
        pytest.param(
            "x, y, validation_data",
            "return model.fit(x, y, validation_data=validation_data)",
            id="does not take it",
        ),
        pytest.param("*args, **kwargs", "return model.fit(*args, batch_size=4, **kwargs)", id="sets its own"),
    ],
)
def test_a_batch_size_that_a_fit_leaves_out_is_refused(tmp_path: Path, signature: str, body: str) -> None:
    trainer(tmp_path, body, signature).preflight({})
    model = load_model(f"{tmp_path}/own.py:Own", DATA, batch_size=8)
    with pytest.raises(ModelError, match="does not take batch_size, or sets its own"):
        Trainer(DATA, model, None).preflight(model.space().defaults)


@pytest.mark.parametrize(
    ("signature", "body"),
    [
        pytest.param("*args, callbacks, **kwargs", "return model.fit(*args, **kwargs)", id="not passed on"),
        pytest.param("*args, verbose, epochs, validation_data", "return model.fit(*args)", id="not taken"),
    ],
)
def test_callbacks_that_a_fit_does_not_pass_on_are_refused(tmp_path: Path, signature: str, body: str) -> None:
    trainer(tmp_path, body, signature, objective=None).preflight({})
    (tmp_path / "c.py").write_text(
        "import keras\n\n\ndef make():\n    return keras.callbacks.EarlyStopping()\n"
    )
    on = Trainer(
        DATA,
        load_model(f"{tmp_path}/own.py:Own", DATA),
        None,
        TrainerSettings(callbacks=f"{tmp_path}/c.py:make"),
    )
    with pytest.raises(ModelError, match="does not pass on the callbacks of"):
        on.preflight({})


def test_metrics_of_each_class_count_by_their_mean_and_what_is_no_number_is_left_out(tmp_path: Path) -> None:
    body = (
        'import numpy as np; found = model.fit(*args, **kwargs | {"callbacks": []}); history = found.history;'
        'history["f1"] = [np.array([0.25, 0.75])] * 3; history["pair"] = [[1, 2]] * 3;'
        'history["note"] = ["good"] * 3; return found'
    )
    outcome = run(trainer(tmp_path, body))
    assert outcome.state is OutcomeState.DONE, outcome.traceback
    assert {(epoch["f1"], epoch["pair"]) for epoch in outcome.curve} == {(0.5, 1.5)}
    assert "note" not in outcome.curve[0]
    body = (
        'import numpy as np; return {"val_accuracy": 0.5, "f1": np.array([0.5, 1.0]), "cost": float("nan")}'
    )
    assert run(trainer(tmp_path, body)).curve == ({"val_accuracy": 0.5, "f1": 0.75},)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('return {"accuracy": 1}', "fit reported no val_accuracy, which is the objective, but accuracy"),
        ("return model.fit(*args, epochs=1)", "fit reported no val_accuracy"),
        ("return (0.5, 1)", "fit returned tuple"),
        ("return []", "fit returned list"),
    ],
)
def test_a_result_without_the_objective_fails_as_in_keras_tuner(tmp_path: Path, body: str, said: str) -> None:
    assert run(trainer(tmp_path, body if "model" in body else f"{body}")).reason.startswith(said)
