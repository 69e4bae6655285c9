"""What models of one's own may do: each is trained as keras.Model.fit trains it, whole or in parts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from hptune.data import Dataset, load_dataset
from hptune.models.load import load_model
from hptune.study.trial import Direction, Job, Objective, Outcome, OutcomeState
from hptune.training import Trainer, TrainerSettings
from hptune.training.checkpoint import load_checkpoint
from hptune.training.epoch_rules import EpochRules
from hptune.training.feeds import batches
from hptune.training.random_numbers import shuffled
from tests.support.trainings import ACCURACY, DATA

SEED, EPOCHS = 5, 4
VAL_LOSS = Objective(name="val_loss", direction=Direction.MIN)

HEAD = """import keras
from keras import layers

LOSS = "sparse_categorical_crossentropy"


def network(hp):
    hidden = [layers.Dense(hp.Int("units", 4, 8), "relu"), layers.Dropout(0.2)]
    return keras.Sequential([*hidden, layers.Dense(3, "softmax", dtype="float32")])


class Own(keras.Model):
    def __init__(self, hp):
        super().__init__()
        self.inner = network(hp)

    def call(self, x, training=None):
        return self.inner(x, training=training)


class Doubled(Own):
    def compute_loss(self, *given, **named):
        return 2 * super().compute_loss(*given, **named)


class Stepping(Own):
    def train_step(self, *given):
        return super().train_step(*given)

    def test_step(self, *given):
        return super().test_step(*given)


"""
TWO_OPTIMIZERS = """

class Two(Own):
    def compile(self, first, second, **more):
        super().compile(**more)
        self.first, self.second = first, second

    def train_step(self, data):
        import tensorflow as tf

        x, y = data
        with tf.GradientTape() as tape:
            loss = self.compute_loss(x=x, y=y, y_pred=self(x, training=True))
        kernels = self.trainable_variables
        gradients = tape.gradient(loss, kernels)
        self.first.apply(gradients[:2], kernels[:2])
        self.second.apply(gradients[2:], kernels[2:])
        return {"mine": loss}


def build(hp):
    model = Two(hp)
    model.compile(keras.optimizers.Adam(0.05), keras.optimizers.RMSprop(0.02), loss=LOSS)
    return model
"""


TWO_OUTPUTS = """def build(hp):
    rows = keras.Input((5,))
    outputs = {"a": layers.Dense(3, "softmax", name="a")(rows), "b": layers.Dense(1, name="b")(rows)}
    model = keras.Model(rows, outputs)
    model.compile(
        "adam",
        {"a": LOSS, "b": "mse"},
        loss_weights={"a": 1.0, "b": hp.Float("w", 0, 2)},
        weighted_metrics={"a": ["accuracy"], "b": []},
    )
    return model
"""


def build(made: str, **compiled: str) -> str:
    """Return a file whose build makes this model and compiles it with more than the usual."""
    rate = compiled.pop("rate", "0.05")
    more = "".join(f", {name}={value}" for name, value in compiled.items())
    return (
        f"{HEAD}def build(hp):\n    model = {made}\n"
        f'    model.compile(keras.optimizers.Adam({rate}), LOSS, metrics=["accuracy"]{more})\n'
        "    return model\n"
    )


MODELS = [
    pytest.param(build("Doubled(hp)"), id="compute_loss"),
    pytest.param(build("Stepping(hp)"), id="train_step and test_step"),
    pytest.param(build("network(hp)", run_eagerly="True"), id="run_eagerly"),
    pytest.param(build("network(hp)", steps_per_execution="2"), id="steps_per_execution"),
    pytest.param(build("network(hp)", weighted_metrics='["accuracy"]'), id="weighted_metrics"),
    pytest.param(
        build("network(hp)", rate="keras.optimizers.schedules.CosineDecay(0.05, 8)"), id="a schedule"
    ),
    pytest.param(
        build("network(hp)").replace("\n\n\n", '\n\nkeras.config.set_dtype_policy("mixed_float16")\n\n', 1),
        id="mixed precision",
    ),
]


@pytest.fixture(autouse=True)
def precision_of_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Leave Keras as it was."""
    monkeypatch.chdir(tmp_path)
    before = keras.config.dtype_policy()
    yield
    keras.config.set_dtype_policy(before)


def trainer(text: str, data: Dataset = DATA, objective: Objective = ACCURACY, **settings: Any) -> Trainer:
    Path("m.py").write_text(text, encoding="utf-8")
    return Trainer(data, load_model("m.py:build", data), objective, TrainerSettings(**settings))


def run(on: Trainer, **more: Any) -> Outcome:
    first = {"id": 1, "trial_id": 1, "values": {"units": 6}, "seed": SEED, "initial_epoch": 0}
    outcome = on.run(Job(**{**first, "epochs": EPOCHS, **more}))
    assert outcome.state is OutcomeState.DONE, outcome.traceback or outcome.reason
    return outcome


def in_parts(on: Trainer) -> list[Any]:
    """Train half of the epochs, and the rest from their checkpoint."""
    first = run(on, epochs=2, keep_as="kept.npz")
    rest = run(on, initial_epoch=2, checkpoint=first.checkpoint)
    return [*first.curve, *rest.curve]


def by_hand() -> dict[str, list[float]]:
    """Train by keras.Model.fit, seeded as the search seeds each epoch."""
    loaded = load_model("m.py:build", DATA)
    arrays, training = loaded.arrays(DATA, {"units": 6}), loaded.training({"units": 6}, 45)
    model = loaded.build({"units": 6}, SEED)
    model(arrays.x[:1])
    model.steps_per_execution = 1
    history = model.fit(
        batches(arrays, None, 32, lambda epoch: shuffled(SEED, epoch, arrays.rows)),
        steps_per_epoch=2,
        epochs=EPOCHS,
        validation_data=(arrays.validation_x, arrays.validation_y),
        callbacks=[EpochRules(seed=SEED, training=training, objective=None)],
        shuffle=False,
        verbose=0,
    )
    return dict(history.history)


@pytest.mark.parametrize("text", MODELS)
def test_it_is_trained_as_by_keras_whole_and_in_parts(text: str) -> None:
    on = trainer(text)
    assert "val_accuracy" in on.preflight({"units": 6}).reported
    whole = run(on)
    for name, values in by_hand().items():
        assert [epoch[name] for epoch in whole.curve] == pytest.approx(values, rel=2e-3), name
    assert in_parts(on) == list(whole.curve)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="its train_step is TensorFlow's")
def test_the_state_of_all_its_optimizers_goes_along_in_a_checkpoint() -> None:
    on = trainer(HEAD + TWO_OPTIMIZERS, objective=VAL_LOSS)
    whole = run(on)
    assert in_parts(on) == list(whole.curve)
    assert whole.curve[0]["mine"] > whole.curve[-1]["mine"] > 0


def test_weights_of_losses_and_of_rows_reach_a_model_of_two_outputs() -> None:
    text = HEAD + TWO_OUTPUTS
    x = np.random.default_rng(0).normal(size=(40, 5)).astype("float32")
    np.savez("rows.npz", x=x, a=np.arange(40) % 3, b=np.ones(40, dtype="float32"))
    Path("d.py").write_text(
        "import numpy as np\n\n\ndef load():\n    held = np.load('rows.npz')\n"
        "    return held['x'], {'a': held['a'], 'b': held['b']}, np.where(held['a'] == 0, 2.0, 1.0)\n",
        encoding="utf-8",
    )
    data = load_dataset("d.py:load", validation=0.25, seed=0, as_given=True)
    on = trainer(text, data, VAL_LOSS)
    (held_x, held_y, weights) = (getattr(data.validation.as_given, name) for name in ("x", "y", "weights"))
    for w in (0.0, 2.0):
        outcome = run(on, values={"w": w}, epochs=1, keep_as="kept.npz")
        model = load_model("m.py:build", data).build({"w": w}, SEED)
        model.set_weights(load_checkpoint("kept.npz").weights)
        known = model.evaluate(held_x, held_y, sample_weight=weights, return_dict=True, verbose=0)
        for name, value in known.items():
            assert outcome.curve[0][f"val_{name}"] == pytest.approx(value, rel=1e-5), name
        # One batch holds all rows, so that means over rows and over batches are the same.
        assert known["loss"] == pytest.approx(known["a_loss"] + w * known["b_loss"], rel=1e-5)


def test_a_policy_that_a_build_sets_is_gone_in_the_next_trial() -> None:
    text = HEAD + (
        "def build(hp):\n"
        '    if hp.Boolean("half"):\n'
        '        keras.config.set_dtype_policy("mixed_float16")\n'
        '    model = network(hp)\n    model.compile("adam", LOSS, metrics=["accuracy"])\n    return model\n'
    )
    on = trainer(text)
    assert keras.config.floatx() == "float32"
    model = load_model("m.py:build", DATA)
    policies = [
        model.build({"units": 6, "half": half}, 0).layers[0].dtype_policy.name
        for half in (False, True, False)
    ]
    assert policies == ["float32", "mixed_float16", "float32"]
    alone = run(on, values={"units": 6, "half": False})
    run(on, values={"units": 6, "half": True})
    assert run(on, values={"units": 6, "half": False}).curve == alone.curve


def test_a_trial_builds_its_model_once(tmp_path: Path) -> None:
    counted = (
        build("network(hp)")
        + "\n\nplain = build\n\n\n"
        + (
            "def build(hp):\n"
            '    with open("builds.txt", "a") as file:\n'
            '        file.write("x")\n'
            "    return plain(hp)\n"
        )
    )

    def builds() -> int:
        """Return how often it was built since the last call."""
        count = len(Path("builds.txt").read_text())
        Path("builds.txt").write_text("")
        return count

    on = trainer(counted)
    # Its defaults, and both ends of its only whole number.
    assert builds() == 3
    on.preflight({"units": 6})
    assert builds() == 1
    first = run(on, epochs=2, keep_as="kept.npz")
    assert builds() == 1
    run(on, initial_epoch=2, checkpoint=first.checkpoint)
    assert builds() == 1


@pytest.mark.parametrize(
    ("raised", "reason"),
    [
        ("MemoryError()", "out of memory"),
        ('keras_tuner.errors.FailedTrialError("too deep")', "too deep"),
        ('type("ResourceExhaustedError", (Exception,), {})("OOM when allocating")', "out of memory"),
    ],
)
def test_a_model_that_is_too_large_is_infeasible(raised: str, reason: str) -> None:
    text = "import keras_tuner\n" + build("network(hp)").replace(
        "    model = network",
        f'    if hp.Int("units", 4, 8) > 7:\n        raise {raised}\n    model = network',
    )
    on = trainer(text)
    job = Job(id=1, trial_id=1, values={"units": 8}, seed=0, initial_epoch=0, epochs=1)
    outcome = on.run(job)
    assert (outcome.state, outcome.reason) == (OutcomeState.INFEASIBLE, reason)
    assert run(on, epochs=1).parameters == 57


def test_more_weights_than_allowed_are_infeasible_before_an_epoch() -> None:
    on = trainer(build("network(hp)"), max_parameters=57)
    run(on, epochs=1)
    outcome = on.run(Job(id=1, trial_id=1, values={"units": 7}, seed=0, initial_epoch=0, epochs=1))
    assert (outcome.state, outcome.curve) == (OutcomeState.INFEASIBLE, ())
    assert outcome.reason == "too large: 66 weights, 57 allowed"
