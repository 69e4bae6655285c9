"""What is wrong with a model is found and named, and a right one passes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hptune.__main__ import run
from hptune.check.autodiff import double_precision
from hptune.check.gradients import check_gradients, gradient_findings
from hptune.check.norms import check_norms
from hptune.check.overfit import check_overfit
from hptune.check.report import CheckSection, CheckVerdict
from hptune.check.start import chance_of, check_start
from hptune.check.throughput import check_throughput
from hptune.check.units import check_units
from hptune.data import Task
from hptune.models.backend import keras
from hptune.models.model import Arrays, Training

FEATURES, CLASSES = 8, 3
LAYERS = keras.layers


@keras.ops.custom_gradient
def square_with_wrong_gradient(x: Any) -> Any:
    def gradient(*args: Any, upstream: Any = None) -> Any:
        return (args[0] if upstream is None else upstream) * 2.1 * x

    return x * x, gradient


@keras.ops.custom_gradient
def square_with_right_gradient(x: Any) -> Any:
    def gradient(*args: Any, upstream: Any = None) -> Any:
        return (args[0] if upstream is None else upstream) * 2.0 * x

    return x * x, gradient


class WrongSquare(keras.layers.Layer):  # type: ignore[misc]
    def call(self, x: Any) -> Any:
        return square_with_wrong_gradient(x)


class RightSquare(keras.layers.Layer):  # type: ignore[misc]
    def call(self, x: Any) -> Any:
        return square_with_right_gradient(x)


@pytest.fixture(scope="module")
def rows() -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Inputs about 0 and classes that depend on them."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((120, FEATURES)).astype(np.float32)
    return x, np.argmax(x[:, :CLASSES], axis=1).astype(np.int32)


@pytest.fixture(autouse=True)
def seeded() -> Iterator[None]:
    keras.utils.set_random_seed(0)
    yield
    assert keras.config.floatx() == "float32"


def network(*hidden: Any, loss: Any = "sparse_categorical_crossentropy", **compiled: Any) -> Any:
    last = LAYERS.Dense(CLASSES, activation="softmax")
    model = keras.Sequential([keras.Input((FEATURES,)), *hidden, last])
    model.compile(**({"optimizer": "adam"} | compiled), loss=loss)
    return model


class Built:
    """A model as the checks see it, of a function that builds one."""

    name = "net.py:build"

    def __init__(self, build: Callable[[], Any]) -> None:
        self._build = build

    def build(self, values: Any, seed: int) -> Any:
        keras.utils.set_random_seed(seed)
        return self._build()

    def training(self, values: Any, rows: int) -> Training:
        return Training(batch_size=32)


def gradients(rows: Any, build: Callable[[], Any]) -> CheckSection:
    x, y = rows
    arrays = Arrays(x=x, y=y, validation_x=x, validation_y=y)
    return check_gradients(Built(build), {}, arrays, Task.MULTICLASS, seed=0)  # type: ignore[arg-type]


def texts(section: CheckSection) -> str:
    return "\n".join(finding.text for finding in section.findings)


def test_a_layer_with_a_wrong_gradient_is_found_and_named_with_its_place(rows: Any) -> None:
    section = gradients(rows, lambda: network(LAYERS.Dense(6, activation="tanh"), WrongSquare()))
    wrong = [finding for finding in section.findings if finding.verdict is CheckVerdict.WRONG]
    assert [finding.layer for finding in wrong] == ["wrong_square"]
    assert "WrongSquare" in wrong[0].text
    assert "spoils those by dense/kernel, dense/bias" in wrong[0].text
    lines = Path(__file__).read_text(encoding="utf-8").splitlines()
    line = next(n for n, text in enumerate(lines, 1) if text.startswith("class WrongSquare"))
    assert wrong[0].where.endswith(f"test_check_model.py:{line}")
    errors = {row["tensor"]: row["relative error"] for row in section.table}
    assert errors["dense/kernel"] == pytest.approx(0.1 / 2.1, rel=1e-3)
    assert errors["dense_1/kernel"] < 1e-6  # type: ignore[operator]


def test_a_layer_with_a_right_gradient_of_its_own_passes(rows: Any) -> None:
    section = gradients(rows, lambda: network(LAYERS.Dense(6, activation="tanh"), RightSquare()))
    assert section.verdict is CheckVerdict.FINE
    assert all(row["relative error"] < 1e-5 for row in section.table)  # type: ignore[operator]


def test_a_wrong_gradient_before_any_weights_is_found_too(rows: Any) -> None:
    section = gradients(rows, lambda: network(WrongSquare()))
    assert [f.layer for f in section.findings if f.verdict is CheckVerdict.WRONG] == ["wrong_square"]


def test_a_wrong_activation_function_is_named_with_its_layer(rows: Any) -> None:
    section = gradients(
        rows,
        lambda: network(LAYERS.Dense(4), LAYERS.Dense(4, activation=square_with_wrong_gradient, name="mine")),
    )
    assert [f.layer for f in section.findings if f.verdict is CheckVerdict.WRONG] == ["mine"]


def test_a_wrong_loss_is_named(rows: Any) -> None:
    def loss(y: Any, predicted: Any) -> Any:
        classes = keras.ops.cast(keras.ops.reshape(y, (-1,)), "int32")
        chosen = keras.ops.one_hot(classes, CLASSES, dtype=predicted.dtype)
        return keras.ops.sum(square_with_wrong_gradient(predicted - chosen), axis=-1)

    section = gradients(rows, lambda: network(LAYERS.Dense(4, activation="relu"), loss=loss))
    assert [f.layer for f in section.findings if f.verdict is CheckVerdict.WRONG] == ["the loss"]


def test_a_gradient_that_is_stopped_on_its_way_is_texts(rows: Any) -> None:
    section = gradients(
        rows,
        lambda: network(LAYERS.Dense(4, activation="relu"), LAYERS.Lambda(keras.ops.stop_gradient)),
    )
    assert section.verdict is CheckVerdict.WRONG
    assert "lambda" in texts(section)
    assert "gets lost" in texts(section)


def test_weights_that_the_loss_does_not_use_are_told_by_name(rows: Any) -> None:
    class Idle(keras.layers.Layer):  # type: ignore[misc]
        def build(self, shape: Any) -> None:
            self.forgotten = self.add_weight(shape=(3,), name="forgotten")

        def call(self, x: Any) -> Any:
            return x

    section = gradients(rows, lambda: network(Idle()))
    assert section.verdict is CheckVerdict.WARNING
    assert "does not depend on idle/forgotten" in texts(section)


def test_dropout_batch_statistics_penalties_and_kinks_are_held_still(rows: Any) -> None:
    def build() -> Any:
        return network(
            LAYERS.Dense(8, use_bias=False, kernel_initializer="zeros", kernel_regularizer="l1"),
            LAYERS.BatchNormalization(),
            LAYERS.Activation("relu"),
            LAYERS.Dropout(0.5),
        )

    section = gradients(rows, build)
    assert section.verdict is CheckVerdict.FINE, texts(section)


def test_a_check_leaves_weights_and_moving_averages_as_they_were(rows: Any) -> None:
    x, y = rows
    with double_precision():
        model = network(LAYERS.BatchNormalization(), LAYERS.Dropout(0.5))
        before = model.get_weights()
        gradient_findings(model, x[:8] + 3, y[:8], seed=0)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


class Narrow(keras.layers.Layer):  # type: ignore[misc]
    def call(self, x: Any) -> Any:
        return keras.ops.tanh(keras.ops.cast(x, "float32"))


class NarrowInside(keras.layers.Layer):  # type: ignore[misc]
    def call(self, x: Any) -> Any:
        return keras.ops.cast(keras.ops.tanh(keras.ops.cast(x, "float32")), x.dtype)


class Refuses(keras.layers.Layer):  # type: ignore[misc]
    def call(self, x: Any) -> Any:
        if keras.backend.standardize_dtype(x.dtype) != "float32":
            raise TypeError("float32 is wanted")
        return x


@pytest.mark.parametrize(
    ("hidden", "said"),
    [
        pytest.param(lambda: Narrow(), "narrow (float32)", id="float32 comes out"),
        pytest.param(lambda: NarrowInside(), "some step inside a layer", id="float32 is inside"),
        pytest.param(lambda: LAYERS.Dense(4, dtype="float32"), "dense_1 (float32)", id="float32 weights"),
        pytest.param(
            lambda: LAYERS.Dense(4, dtype="mixed_float16"), "dense_1 (float16)", id="Keras's mixed precision"
        ),
    ],
)
def test_a_model_that_mixes_precisions_is_not_checkable_and_neither_right_nor_wrong(
    hidden: Callable[[], Any], said: str, rows: Any
) -> None:
    section = gradients(rows, lambda: network(LAYERS.Dense(4), hidden()))
    (finding,) = section.findings
    assert finding.verdict is CheckVerdict.SKIPPED
    assert finding.text.startswith("not checkable here: ")
    assert said in finding.text
    assert "self.compute_dtype" in finding.hint


def test_float32_before_any_weights_leaves_the_gradients_checkable(rows: Any) -> None:
    for narrow in (Narrow, NarrowInside):
        section = gradients(rows, lambda narrow=narrow: network(narrow(), LAYERS.Dense(4)))
        assert section.verdict is CheckVerdict.FINE, texts(section)


def test_a_model_that_float64_breaks_is_not_checkable_and_the_error_is_shown(rows: Any) -> None:
    section = gradients(rows, lambda: network(LAYERS.Dense(4), Refuses()))
    (finding,) = section.findings
    assert finding.verdict is CheckVerdict.SKIPPED
    assert finding.text.startswith("not checkable here: in float64 the model fails: ")
    assert "refuses" in finding.text


# The start


def test_the_loss_at_the_start_is_compared_with_chance(rows: Any) -> None:
    section = check_start(network(LAYERS.Dense(4, activation="tanh")), *rows, seed=0)
    assert section.verdict is CheckVerdict.FINE
    assert f"chance loses {np.log(CLASSES):.4g} (ln 3)" in texts(section)
    loud = network(LAYERS.Dense(64, kernel_initializer=keras.initializers.RandomNormal(stddev=20.0)))
    assert check_start(loud, *rows, seed=0).verdict is CheckVerdict.WARNING


@pytest.mark.parametrize(
    ("loss", "y", "outputs", "chance", "constant"),
    [
        pytest.param("binary_crossentropy", [0, 0, 0, 1], 1, np.log(2), 0.5623, id="sigmoid"),
        pytest.param("mse", [1.0, 3.0], 1, 1.0, 1.0, id="squared error"),
        pytest.param("mean_absolute_error", [0.0, 0.0, 6.0], 1, 2.0, 2.0, id="absolute error"),
        pytest.param("sparse_categorical_crossentropy", [0, 0], 4, np.log(4), 0.0, id="softmax"),
    ],
)
def test_chance_of_each_loss(loss: str, y: Any, outputs: int, chance: float, constant: float) -> None:
    found = chance_of(type("Model", (), {"loss": loss}), np.array(y), outputs)
    assert found is not None
    assert found.loss == pytest.approx(chance)
    assert found.constant == pytest.approx(constant, abs=1e-4)


def test_outputs_that_do_not_fit_the_loss_are_wrong(rows: Any) -> None:
    x, y = rows
    logits = keras.Sequential([keras.Input((FEATURES,)), LAYERS.Dense(CLASSES)])
    logits.compile("adam", "sparse_categorical_crossentropy")
    assert "no probabilities" in texts(check_start(logits, x, y, seed=0))
    twice = network(loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    assert "probabilities already" in texts(check_start(twice, x, y, seed=0))
    assert "labels go up to 3" in texts(check_start(network(), x, y + 1, seed=0))


# Overfitting one batch


def test_a_model_that_can_learn_overfits_one_batch(rows: Any) -> None:
    model = network(LAYERS.Dense(32, activation="relu"), LAYERS.Dropout(0.9))
    before = model.get_weights()
    assert check_overfit(model, *rows, seed=0).verdict is CheckVerdict.FINE
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def test_a_model_that_does_not_look_at_its_input_can_not_learn(rows: Any) -> None:
    blind = network(LAYERS.Dense(8, activation="relu"), LAYERS.Rescaling(0.0))
    section = check_overfit(blind, *rows, seed=0)
    assert section.verdict is CheckVerdict.WRONG
    assert "does not look at the inputs" in texts(section)


def test_a_frozen_model_can_not_learn(rows: Any) -> None:
    model = network()
    model.trainable = False
    assert check_overfit(model, *rows, seed=0).verdict is CheckVerdict.WRONG
    assert gradient_findings(model, *rows, seed=0).verdict is CheckVerdict.WRONG


# Units


def test_dead_relus_are_counted(rows: Any) -> None:
    x, _ = rows
    dead = keras.initializers.Constant(-100.0)
    section = check_units(network(LAYERS.Dense(8, activation="relu", bias_initializer=dead)), x, seed=0)
    assert section.verdict is CheckVerdict.WRONG
    assert "all 8 units are dead" in texts(section)
    some = LAYERS.Dense(8, activation="relu")
    model = network(some)
    some.bias.assign(np.array([-100.0] * 4 + [1.0] * 4, dtype=np.float32))
    section = check_units(model, x, seed=0)
    assert section.verdict is CheckVerdict.WARNING
    assert section.table[0]["dead"] == 4


@pytest.mark.parametrize("activation", ["tanh", "sigmoid"])
def test_saturated_units_are_texts(rows: Any, activation: str) -> None:
    x, _ = rows
    loud = keras.initializers.RandomNormal(stddev=1000.0)
    section = check_units(network(LAYERS.Dense(8, activation=activation, kernel_initializer=loud)), x, seed=0)
    assert "saturated" in texts(section)
    assert (
        check_units(network(LAYERS.Dense(8, activation=activation)), x, seed=0).verdict is CheckVerdict.FINE
    )


@pytest.mark.parametrize("activation", ["relu", "tanh", "linear"])
def test_units_that_begin_alike_are_told_and_the_zeros_initialiser_named(rows: Any, activation: str) -> None:
    x, _ = rows
    layer = LAYERS.Dense(8, activation=activation, kernel_initializer="zeros")
    section = check_units(network(layer), x, seed=0)
    assert section.verdict is CheckVerdict.WRONG
    assert "all 8 units are alike" in texts(section)
    assert "zeros" in section.findings[0].hint


# Gradient norms


def test_ten_sigmoid_layers_vanish_and_the_first_layer_is_named(rows: Any) -> None:
    deep = network(*[LAYERS.Dense(8, activation="sigmoid") for _ in range(10)])
    section = check_norms(deep, *rows, batch_size=32, seed=0)
    assert section.verdict is not CheckVerdict.FINE
    assert section.findings[0].text.startswith("vanishing: dense gets")
    assert section.findings[0].layer == "dense"


def test_exploding_gradients_are_found(rows: Any) -> None:
    # A sine neither shrinks what goes back, as tanh may by luck, nor grows what goes on.
    loud = keras.initializers.RandomNormal(stddev=2.0)
    deep = network(*[LAYERS.Dense(16, activation=keras.ops.sin, kernel_initializer=loud) for _ in range(10)])
    section = check_norms(deep, *rows, batch_size=32, seed=0)
    assert section.verdict is not CheckVerdict.FINE
    assert "exploding" in texts(section)


def test_a_sound_models_norms_are_fine_and_propose_a_clipnorm(rows: Any) -> None:
    x, y = rows
    model = network(LAYERS.Dense(16, activation="relu"))
    before = model.get_weights()
    section = check_norms(model, x, y, batch_size=32, seed=0)
    assert section.verdict is CheckVerdict.FINE
    assert 0 < section.proposals["clipnorm"] <= section.proposals["global_clipnorm"]
    last = [key for key in section.table[0] if key.startswith("after")]
    squares = sum(float(row["gradient at the start"]) ** 2 for row in section.table)  # type: ignore[arg-type]
    assert 0.2 < section.proposals["global_clipnorm"] / np.sqrt(squares) < 5
    assert last == ["after 20 steps"]
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def test_training_that_changes_no_weight_is_wrong(rows: Any) -> None:
    idle = network(optimizer=keras.optimizers.SGD(0.0))
    section = check_norms(idle, *rows, batch_size=32, seed=0)
    assert section.verdict is CheckVerdict.WRONG
    assert "change no weight" in texts(section)


def test_training_that_diverges_is_wrong(rows: Any) -> None:
    x, _ = rows
    y = np.ones((len(x), CLASSES), dtype=np.float32)
    model = keras.Sequential([keras.Input((FEATURES,)), LAYERS.Dense(4), LAYERS.Dense(CLASSES)])
    model.compile(keras.optimizers.SGD(1e30), "mse")
    assert "no longer finite" in texts(check_norms(model, x, y, batch_size=32, seed=0))


# Batch sizes


def test_batch_sizes_double_up_to_all_rows(rows: Any) -> None:
    section = check_throughput(network(), *rows, batch_size=50)
    assert [row["batch size"] for row in section.table] == [32, 50, 64, 120]
    assert all(row["examples per second"] > 0 for row in section.table)  # type: ignore[operator]
    assert section.proposals == {"largest_batch": 120.0}


@pytest.mark.parametrize(("own", "verdict"), [(32, CheckVerdict.WARNING), (64, CheckVerdict.WRONG)])
def test_the_largest_batch_is_the_last_before_memory_runs_out(
    rows: Any, monkeypatch: pytest.MonkeyPatch, own: int, verdict: CheckVerdict
) -> None:
    model = network()

    def train(x: Any, y: Any) -> None:
        if len(x) >= 64:
            raise MemoryError

    monkeypatch.setattr(type(model), "train_on_batch", lambda self, x, y: train(x, y))
    section = check_throughput(model, *rows, batch_size=own)
    assert section.verdict is verdict
    assert section.proposals == {"largest_batch": 32.0}


# The command


def test_the_command_passes_the_built_in_recipe(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "iris", "--json"]) == 0
    check = json.loads(capsys.readouterr().out)["check"]
    assert check["verdict"] != "wrong"
    assert list(check["checks"]) == ["gradients", "start", "units", "overfit", "norms", "throughput"]
    assert check["checks"]["gradients"]["verdict"] == "fine"


FILE = """\
import keras


class Halved(keras.layers.Layer):
    def call(self, x):
        @keras.ops.custom_gradient
        def same(x):
            def gradient(*args, upstream=None):
                return (args[0] if upstream is None else upstream) * 0.5

            return x + 0.0, gradient

        return same(x)


def build(hp):
    hidden = keras.layers.Dense(8, activation="relu", name="hidden")
    last = keras.layers.Dense(3, activation="softmax", name="last")
    model = keras.Sequential([keras.Input((4,)), hidden, Halved(), last])
    model.compile("adam", "sparse_categorical_crossentropy")
    return model
"""


def test_the_command_names_a_wrong_layer_of_a_users_file_and_exits_with_3(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("net.py").write_text(FILE)
    assert run(["check", "iris", "--model", "net.py:build"]) == 3
    text = " ".join(capsys.readouterr().out.split())
    assert "halved (Halved): its gradient by its input" in text
    assert "spoils those by hidden/kernel, hidden/bias [net.py:4]" in text
