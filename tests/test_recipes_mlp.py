"""The recipe mlp: what its layers, its optimiser and its first weights are."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from hptune.data import Dataset, DataSplit, Task
from hptune.data.normalisation import Normalisation, statistics
from hptune.errors import ModelError
from hptune.models.backend import keras
from hptune.models.recipes import DataFacts, Recipe, make_recipe
from hptune.models.recipes.calls import Array, Call
from hptune.models.recipes.data_facts import LearnedStatistics

X = np.random.default_rng(0).normal(3, 2, size=(50, 6)).astype(np.float32)
X[:, 4] = 7.0
FACTS = DataFacts(
    input_shape=(6,), task=Task.MULTICLASS, outputs=4, rows=50, statistics=LearnedStatistics(X), epochs=20
)
BARE = {"input_normalization": "none"}


def mlp(facts: DataFacts = FACTS, **values: Any) -> Recipe:
    return make_recipe("mlp", {**BARE, **values}, facts)


def names(recipe: Recipe) -> list[str]:
    return [call.name.removeprefix("layers.") for call in recipe.layers]


def only(recipe: Recipe, name: str) -> Mapping[str, Any]:
    (found,) = [call.arguments for call in recipe.layers if call.name == f"layers.{name}"]
    return found


def test_a_hidden_layer_is_dense_with_its_activation() -> None:
    recipe = mlp(layers=1, units=9, activation="elu")
    assert names(recipe) == ["Input", "Dense", "Dense"]
    assert recipe.layers[1].arguments["units"] == 9
    assert recipe.layers[1].arguments["activation"] == "elu"


@pytest.mark.parametrize("layers", [0, 1, 3])
def test_layers_are_hidden_layers(layers: int) -> None:
    assert names(mlp(layers=layers)) == ["Input", *["Dense"] * layers, "Dense"]


def test_a_layer_may_have_units_of_its_own() -> None:
    recipe = mlp(layers=3, units=9, units_2=5)
    assert [call.arguments["units"] for call in recipe.layers[1:]] == [9, 5, 9, 4]


@pytest.mark.parametrize(
    ("task", "outputs", "activation", "loss"),
    [
        (Task.MULTICLASS, 4, "softmax", "sparse_categorical_crossentropy"),
        (Task.BINARY, 1, "sigmoid", "binary_crossentropy"),
        (Task.MULTILABEL, 3, "sigmoid", "binary_crossentropy"),
        (Task.REGRESSION, 1, "linear", "mean_squared_error"),
    ],
)
def test_the_output_fits_the_task(task: Task, outputs: int, activation: str, loss: str) -> None:
    recipe = mlp(replace(FACTS, task=task, outputs=outputs))
    assert recipe.layers[-1].arguments == {"units": outputs, "activation": activation}
    assert recipe.loss == loss


def test_a_regression_reports_its_error_and_r2_and_learns_z_scores() -> None:
    facts = replace(FACTS, task=Task.REGRESSION, outputs=1, target_mean=5.0, target_deviation=2.0)
    recipe = mlp(facts)
    assert recipe.metrics[0] == "mean_absolute_error"
    assert isinstance(recipe.metrics[1], Call)
    assert recipe.metrics[1].name == "metrics.R2Score"
    assert recipe.target is not None
    assert (recipe.target.mean, recipe.target.deviation) == (5.0, 2.0)
    assert recipe.units == {"mean_absolute_error": 2.0, "root_mean_squared_error": 2.0}


def test_targets_of_another_shape_need_a_model_of_ones_own() -> None:
    with pytest.raises(ModelError, match="learns classes, labels of 0 and 1 or one number"):
        mlp(replace(FACTS, task=Task.OTHER))


def test_inputs_of_any_shape_are_made_flat() -> None:
    facts = replace(FACTS, input_shape=(2, 3), statistics=LearnedStatistics(X.reshape(-1, 2, 3)))
    recipe = make_recipe("mlp", {}, facts)
    assert names(recipe)[:3] == ["Input", "Flatten", "Normalization"]
    assert recipe.build().output_shape == (None, 4)


# Input normalisation


@pytest.mark.parametrize("kind", [k for k in Normalisation if k is not Normalisation.NONE])
def test_inputs_are_normalised_by_what_training_rows_taught(kind: Normalisation) -> None:
    recipe = make_recipe("mlp", {"input_normalization": kind.value, "layers": 0}, FACTS)
    layer = recipe.layers[1].make()
    offset, scale = statistics(kind, X)
    assert np.asarray(layer(X)) == pytest.approx((X - offset) / scale, rel=1e-5, abs=1e-5)
    assert np.isfinite(np.asarray(layer(X))).all()


def test_validation_rows_teach_the_normalisation_nothing() -> None:
    far = DataSplit(x=X + 100, y=np.zeros(len(X), dtype=np.int32))
    near = DataSplit(x=X, y=np.zeros(len(X), dtype=np.int32))
    dataset = Dataset(
        name="made",
        task=Task.MULTICLASS,
        classes=("a", "b", "c", "d"),
        train=near,
        validation=far,
        fingerprint="far validation",
    )
    recipe = make_recipe("mlp", {"input_normalization": "z-score"}, DataFacts.of(dataset))
    assert recipe.layers[1].arguments["mean"].numbers == pytest.approx(X.mean(axis=0), rel=1e-5, abs=1e-5)


def test_without_normalisation_inputs_stay_as_they_are() -> None:
    assert names(mlp(layers=0)) == ["Input", "Dense"]


# Batch normalisation, dropout, regularisation


def test_batch_normalisation_comes_before_the_activation_and_drops_the_bias() -> None:
    recipe = mlp(layers=1, batch_normalization=True, activation="tanh")
    assert names(recipe) == ["Input", "Dense", "BatchNormalization", "Activation", "Dense"]
    hidden = recipe.layers[1].arguments
    assert hidden["use_bias"] is False
    assert "activation" not in hidden
    assert only(recipe, "Activation") == {"activation": "tanh"}


def test_batch_normalisation_may_come_after_the_activation() -> None:
    recipe = mlp(layers=1, batch_normalization=True, batch_normalization_position="after")
    assert names(recipe) == ["Input", "Dense", "BatchNormalization", "Dense"]
    assert recipe.layers[1].arguments["activation"] == "relu"
    assert "use_bias" not in recipe.layers[1].arguments


def test_dropout_follows_each_hidden_layer() -> None:
    recipe = mlp(layers=2, dropout=0.25, batch_normalization=True)
    block = ["Dense", "BatchNormalization", "Activation", "Dropout"]
    assert names(recipe) == ["Input", *block, *block, "Dense"]
    assert recipe.layers[4].arguments == {"rate": 0.25}


@pytest.mark.parametrize(
    ("values", "penalty"),
    [
        pytest.param({}, None, id="none by default"),
        pytest.param({"l2": 0.0}, None, id="of strength 0"),
        pytest.param({"l1": 0.1}, "L1(l1=0.1)", id="l1 alone"),
        pytest.param({"l2": 0.2}, "L2(l2=0.2)", id="l2 alone"),
        pytest.param({"l1": 0.1, "l2": 0.2}, "L1L2(l1=0.1, l2=0.2)", id="both"),
        pytest.param({"regularizer": "l1", "l1": 0.1, "l2": 0.2}, "L1(l1=0.1)", id="l1 chosen"),
        pytest.param({"regularizer": "l2", "l1": 0.1, "l2": 0.2}, "L2(l2=0.2)", id="l2 chosen"),
        pytest.param({"regularizer": "l1_l2", "l2": 0.2}, "L1L2(l1=0.0001, l2=0.2)", id="both chosen"),
        pytest.param({"regularizer": "none", "l2": 0.2}, None, id="none chosen"),
    ],
)
def test_penalties_are_on_hidden_kernels(values: dict[str, Any], penalty: str | None) -> None:
    recipe = mlp(layers=2, **values)
    found = [call.arguments.get("kernel_regularizer") for call in recipe.layers[1:]]
    source = None if penalty is None else f"keras.regularizers.{penalty}"
    assert [None if f is None else f.source() for f in found] == [source, source, None]


def test_a_penalty_adds_to_the_loss() -> None:
    model = mlp(layers=1, l1=0.5, l2=0.25).build()
    kernel = model.layers[0].get_weights()[0]
    expected = 0.5 * np.abs(kernel).sum() + 0.25 * (kernel**2).sum()
    assert float(sum(model.losses)) == pytest.approx(expected, rel=1e-5)


# First weights


@pytest.mark.parametrize(
    ("initializer", "bound", "deviation"),
    [
        # fan-in 200, fan-out 300
        ("random_uniform", 0.05, 0.05 / math.sqrt(3)),
        ("glorot_uniform", math.sqrt(6 / 500), math.sqrt(2 / 500)),
        ("glorot_normal", None, math.sqrt(2 / 500)),
        ("he_uniform", math.sqrt(6 / 200), math.sqrt(2 / 200)),
        ("he_normal", None, math.sqrt(2 / 200)),
    ],
)
def test_first_weights_follow_their_formula(initializer: str, bound: float | None, deviation: float) -> None:
    keras.utils.set_random_seed(1)
    facts = replace(FACTS, input_shape=(200,))
    kernel = (
        mlp(facts, layers=1, units=300, kernel_initializer=initializer).build().layers[0].get_weights()[0]
    )
    assert kernel.std() == pytest.approx(deviation, rel=0.02)
    assert abs(kernel.mean()) < 3 * deviation / math.sqrt(kernel.size)
    if bound is not None:
        assert 0.99 * bound < np.abs(kernel).max() <= bound
    else:
        # Cut at two deviations of the normal before it was cut, which is wider by 1 / 0.8796.
        cut = 2 * deviation / 0.8796
        assert 0.99 * cut < np.abs(kernel).max() <= 1.001 * cut


def test_zeros_are_zeros_and_the_output_still_breaks_the_tie() -> None:
    model = mlp(layers=2, kernel_initializer="zeros").build()
    hidden, second, output = (layer.get_weights()[0] for layer in model.layers)
    assert not hidden.any()
    assert not second.any()
    assert output.any()


@pytest.mark.parametrize(
    ("activation", "initializer"),
    [
        *((name, "he_normal") for name in ("relu", "leaky_relu", "elu", "gelu", "swish")),
        ("selu", "lecun_normal"),
        ("tanh", "glorot_uniform"),
        ("sigmoid", "glorot_uniform"),
    ],
)
def test_auto_fits_the_activation(activation: str, initializer: str) -> None:
    recipe = mlp(layers=1, activation=activation)
    assert recipe.layers[1].arguments["kernel_initializer"] == initializer


@pytest.mark.parametrize(
    ("activation", "at_minus_one"),
    [
        ("relu", 0.0),
        ("leaky_relu", -0.2),
        ("elu", math.expm1(-1)),
        ("selu", 1.7580993 * math.expm1(-1)),
        ("gelu", -0.158655),
        ("swish", -1 / (1 + math.e)),
        ("tanh", math.tanh(-1)),
        ("sigmoid", 1 / (1 + math.e)),
    ],
)
def test_every_activation_is_the_function_of_its_name(activation: str, at_minus_one: float) -> None:
    layer = mlp(layers=1, activation=activation).build().layers[0]
    assert float(layer.activation(np.float32(-1))) == pytest.approx(at_minus_one, abs=1e-5)


# Optimisers


def optimizer_config(**values: Any) -> dict[str, Any]:
    config: dict[str, Any] = mlp(**values).build().optimizer.get_config()
    return config


def test_sgd_has_its_own_hyperparameters() -> None:
    config = optimizer_config(optimizer="sgd", learning_rate=0.5, momentum=0.25, nesterov=True)
    assert (config["learning_rate"], config["momentum"], config["nesterov"]) == (0.5, 0.25, True)


def test_rmsprop_has_its_own_hyperparameters() -> None:
    config = optimizer_config(optimizer="rmsprop", learning_rate=0.5, rho=0.25, epsilon=0.125)
    assert (config["learning_rate"], config["rho"], config["epsilon"]) == (0.5, 0.25, 0.125)


def test_adam_has_its_own_hyperparameters() -> None:
    config = optimizer_config(learning_rate=0.5, beta_1=0.25, beta_2=0.75, epsilon=0.125)
    found = [config[key] for key in ("learning_rate", "beta_1", "beta_2", "epsilon")]
    assert found == [0.5, 0.25, 0.75, 0.125]


@pytest.mark.parametrize("clipping", ["clipnorm", "clipvalue", "global_clipnorm"])
def test_clipping_is_one_at_a_time(clipping: str) -> None:
    config = optimizer_config(clipping=clipping, clip_threshold=0.25)
    kinds = ("clipnorm", "clipvalue", "global_clipnorm")
    assert {kind: config[kind] for kind in kinds} == {
        kind: 0.25 if kind == clipping else None for kind in kinds
    }


def test_a_threshold_without_clipping_clips_nothing() -> None:
    config = optimizer_config(clip_threshold=0.25)
    assert [config[kind] for kind in ("clipnorm", "clipvalue", "global_clipnorm")] == [None] * 3


EXPLODING = np.array([[3e4, 4e4], [1e-3, 0.0]], dtype=np.float32)
"""A gradient of two rows, one of which has exploded."""


@pytest.mark.parametrize(
    ("clipping", "expected"),
    [
        # Two variables with this gradient each: their own norm is 5e4, the common one √2 · 5e4.
        pytest.param("none", EXPLODING, id="none"),
        pytest.param("clipvalue", np.array([[2, 2], [1e-3, 0]]), id="clipvalue cuts each value"),
        pytest.param("clipnorm", EXPLODING * 2 / 5e4, id="clipnorm scales each variable"),
        pytest.param(
            "global_clipnorm", EXPLODING * 2 / (5e4 * math.sqrt(2)), id="global_clipnorm scales all"
        ),
    ],
)
def test_an_exploding_gradient_is_clipped(clipping: str, expected: Any) -> None:
    recipe = mlp(optimizer="sgd", momentum=0.0, learning_rate=1.0, clipping=clipping, clip_threshold=2.0)
    optimizer = recipe.optimizer.make()
    variables = [keras.Variable(np.zeros((2, 2), dtype=np.float32)) for _ in range(2)]
    optimizer.apply([keras.ops.convert_to_tensor(EXPLODING)] * 2, variables)
    for variable in variables:
        assert -variable.numpy() == pytest.approx(expected, rel=1e-4)


# The rest


def test_the_learning_rate_decays_from_that_of_the_optimizer() -> None:
    recipe = mlp(learning_rate=0.5, schedule="time", decay_rate=1.0)
    assert [recipe.schedule(epoch) for epoch in range(3)] == pytest.approx([0.5, 0.25, 0.5 / 3])
    assert recipe.optimizer.arguments["learning_rate"] == 0.5


def test_a_list_of_rates_replaces_the_learning_rate() -> None:
    recipe = mlp(learning_rate=0.5, schedule="list", learning_rates="0.2*2, 0.1")
    assert [recipe.schedule(epoch) for epoch in range(4)] == [0.2, 0.2, 0.1, 0.1]
    assert recipe.optimizer.arguments["learning_rate"] == 0.2


@pytest.mark.parametrize(("values", "span"), [({}, 20), ({"decay_epochs": 7}, 7)])
def test_cosine_spans_a_full_training_unless_told_otherwise(values: dict[str, Any], span: int) -> None:
    schedule = mlp(schedule="cosine", learning_rate=1.0, **values).schedule
    assert schedule(span) == pytest.approx(0)
    assert schedule(span // 2) > 0.4


def test_early_stopping_is_part_of_the_recipe() -> None:
    recipe = mlp(early_stopping_patience=3, early_stopping_min_delta=0.01)
    assert (recipe.patience, recipe.min_delta) == (3, 0.01)


def test_the_printed_model_is_the_built_model() -> None:
    recipe = make_recipe(
        "mlp",
        {"optimizer": "sgd", "l2": 1e-3, "batch_normalization": True, "dropout": 0.2, "clipping": "clipnorm"},
        FACTS,
    )
    printed: dict[str, Any] = {"keras": keras, "np": np}
    keras.utils.set_random_seed(3)
    exec(recipe.source(), printed)
    keras.utils.set_random_seed(3)
    built = recipe.build()
    for ours, theirs in zip(built.get_weights(), printed["model"].get_weights(), strict=True):
        assert (ours == theirs).all()
    config = built.optimizer.get_config() | {"name": ""}
    assert printed["model"].optimizer.get_config() | {"name": ""} == config
    assert np.asarray(built(X[:3])) == pytest.approx(np.asarray(printed["model"](X[:3])))


def test_modules_that_a_script_needs_are_named() -> None:
    assert mlp().homes == ()
    assert mlp(ema=True, ema_bias_correction=False).homes == ()
    assert mlp(ema=True).homes == ("hptune.models.recipes.averaging",)
    assert mlp(replace(FACTS, metric="f1_score")).homes == ("hptune.models.recipes.metrics",)


def test_statistics_are_arguments_of_the_call() -> None:
    arguments = only(make_recipe("mlp", {}, FACTS), "Normalization")
    assert isinstance(arguments["mean"], Array)
    assert np.asarray(arguments["mean"].make()) == pytest.approx(X.mean(axis=0), rel=1e-5)
