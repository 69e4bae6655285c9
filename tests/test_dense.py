"""Small dense networks are trained by NumPy as Keras's own loop would, to rounding."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from hptune.data import Task
from hptune.models.backend import keras, set_up
from hptune.models.model import Arrays, Training
from hptune.models.recipes import DataFacts, make_recipe
from hptune.models.recipes.data_facts import LearnedStatistics
from hptune.space import Value
from hptune.study.trial import Direction, Job, Objective
from hptune.training import numpy_feed as dense_feed
from hptune.training.choose_feed import choose_feed
from hptune.training.epoch_callback import EpochCallback
from hptune.training.feeds import Feed, GeneratorFeed
from hptune.training.numpy_feed import DenseFeed, choose_dense_feed, operations_per_epoch
from hptune.training.progress import TrainingState
from hptune.training.session import make_ready

layers = keras.layers
RNG = np.random.default_rng(0)
X = RNG.normal(size=(57, 5)).astype(np.float32)
CODES = (X[:, 0] > 0).astype(np.int32) + (X[:, 1] > 0)
TARGETS = {
    Task.MULTICLASS: CODES,
    Task.BINARY: (X[:, 0] > 0).astype(np.int32),
    Task.REGRESSION: (X[:, :1] + 0.1 * X[:, 1:2] ** 2).astype(np.float32),
}
WEIGHTS = RNG.uniform(0.5, 2, 45).astype(np.float32)
BATCH = 8
EPOCHS = 3
SEED = 9


@pytest.fixture(autouse=True)
def deterministic() -> None:
    set_up((5,))


def arrays(y: Any, x: Any = X) -> Arrays:
    return Arrays(x=x[:45], y=y[:45], validation_x=x[45:], validation_y=y[45:])


def epoch_callback(training: Training | None = None, epochs: int = EPOCHS) -> EpochCallback:
    job = Job(id=1, trial_id=1, values={}, seed=SEED, initial_epoch=0, epochs=epochs, keep_as="somewhere")
    return EpochCallback(
        job=job,
        training=training or Training(batch_size=BATCH),
        objective=Objective(name="val_loss", direction=Direction.MIN),
        on_epoch=lambda epoch, report: False,
        progress=TrainingState(),
        keep_best=True,
    )


def trained(
    make: Any, data: Arrays, weights: Any = None, *, plainly: bool, training: Training | None = None
) -> EpochCallback:
    """Train a model by Keras's own loop, or as it is chosen, and return all that is left of it."""
    keras.utils.set_random_seed(3)
    model = make()
    make_ready(model, data)
    feed: Feed = (
        GeneratorFeed(model, data, weights, BATCH) if plainly else choose_feed(model, data, weights, BATCH)
    )
    assert plainly or isinstance(feed, DenseFeed)
    feed.trace()
    watching = epoch_callback(training)
    feed.fit(watching, SEED, 0, EPOCHS)
    return watching


def same(make: Any, data: Arrays, weights: Any = None, training: Training | None = None) -> EpochCallback:
    """Train both ways and compare curves, weights, the optimiser's state and the best weights."""
    slow = trained(make, data, weights, plainly=True, training=training)
    fast = trained(make, data, weights, plainly=False, training=training)
    assert [set(epoch) for epoch in fast.curve] == [set(epoch) for epoch in slow.curve]
    for ours, theirs in zip(fast.curve, slow.curve, strict=True):
        assert ours == pytest.approx(dict(theirs), rel=2e-4, abs=2e-5)
    assert fast.checkpoint is not None
    assert slow.checkpoint is not None
    assert fast.checkpoint.progress.best_epoch == slow.checkpoint.progress.best_epoch
    for part in ("weights", "optimizer", "best_weights"):
        pairs = list(zip(getattr(fast.checkpoint, part), getattr(slow.checkpoint, part), strict=True))
        assert pairs
        for mine, other in pairs:
            assert mine.dtype == other.dtype
            assert mine == pytest.approx(other, rel=1e-3, abs=3e-5)
    for mine, other in zip(fast.model.get_weights(), slow.model.get_weights(), strict=True):
        assert mine == pytest.approx(other, rel=1e-3, abs=3e-5)
    return fast


def recipe(values: Mapping[str, Value], task: Task, metric: str = "") -> tuple[Any, Training]:
    """Return a recipe's model and how it is trained."""
    facts = DataFacts(
        metric=metric,
        input_shape=(5,),
        task=task,
        outputs={Task.MULTICLASS: 3}.get(task, 1),
        rows=45,
        statistics=LearnedStatistics(X[:45]),
    )
    filled: dict[str, Value] = {"units": 6, "learning_rate": 0.01, "batch_size": BATCH, **values}
    made = make_recipe("mlp", filled, facts)
    training = Training(
        batch_size=BATCH,
        learning_rate=made.schedule,
        averaged=made.averaged,
        patience=made.patience,
        min_delta=made.min_delta,
    )
    return made.build, training


# Every option of the recipe


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({}, id="adam"),
        pytest.param({"beta_1": 0.5, "beta_2": 0.9, "epsilon": 1e-3}, id="adam's own"),
        pytest.param({"optimizer": "sgd", "momentum": 0.0}, id="sgd"),
        pytest.param({"optimizer": "sgd", "momentum": 0.9}, id="momentum"),
        pytest.param({"optimizer": "sgd", "momentum": 0.8, "nesterov": True}, id="nesterov"),
        pytest.param({"optimizer": "rmsprop", "rho": 0.5, "epsilon": 0.01}, id="rmsprop"),
        pytest.param({"dropout": 0.4}, id="dropout"),
        pytest.param({"batch_normalization": True}, id="normalised before"),
        pytest.param(
            # Adam makes steps of rounding where a gradient is next to nothing.
            {
                "batch_normalization": True,
                "batch_normalization_position": "after",
                "dropout": 0.2,
                "epsilon": 1e-3,
            },
            id="normalised after",
        ),
        pytest.param({"l1": 0.01}, id="l1"),
        pytest.param({"l2": 0.02}, id="l2"),
        pytest.param({"l1": 0.01, "l2": 0.01, "dropout": 0.1}, id="both penalties"),
        pytest.param({"clipping": "clipnorm", "clip_threshold": 0.05}, id="clipnorm"),
        pytest.param({"clipping": "clipvalue", "clip_threshold": 0.01}, id="clipvalue"),
        pytest.param({"clipping": "global_clipnorm", "clip_threshold": 0.05}, id="global_clipnorm"),
        pytest.param({"ema": True, "ema_momentum": 0.8}, id="average"),
        pytest.param(
            {"ema": True, "ema_momentum": 0.8, "ema_bias_correction": False, "optimizer": "sgd"},
            id="average as Keras has it",
        ),
        pytest.param({"layers": 0}, id="no hidden layer"),
        pytest.param({"layers": 4, "units": 3, "units_2": 9}, id="four layers"),
        pytest.param({"schedule": "exponential", "decay_rate": 0.5}, id="decay"),
        pytest.param({"early_stopping_patience": 1, "learning_rate": 0.3}, id="early stopping"),
        pytest.param({"input_normalization": "none"}, id="inputs as they are"),
    ],
)
def test_every_option_trains_as_by_kerass_own_loop(values: dict[str, Value]) -> None:
    build, training = recipe(values, Task.MULTICLASS)
    same(build, arrays(CODES), training=training)


@pytest.mark.parametrize("task", [Task.BINARY, Task.REGRESSION])
@pytest.mark.parametrize(
    "values", [{"dropout": 0.1, "l2": 0.01, "batch_normalization": True}, {"optimizer": "sgd", "ema": True}]
)
def test_every_task_trains_as_by_kerass_own_loop(values: dict[str, Value], task: Task) -> None:
    build, training = recipe(values, task)
    same(build, arrays(TARGETS[task]), training=training)


@pytest.mark.parametrize(
    "activation", ["relu", "leaky_relu", "elu", "selu", "gelu", "swish", "tanh", "sigmoid"]
)
def test_every_activation_trains_as_by_kerass_own_loop(activation: str) -> None:
    build, training = recipe({"activation": activation, "dropout": 0.2}, Task.MULTICLASS)
    same(build, arrays(CODES), training=training)


@pytest.mark.parametrize(
    ("task", "metric"),
    [
        *((Task.MULTICLASS, name) for name in ("auc", "pr_auc", "balanced_accuracy", "f1_score")),
        *((Task.BINARY, name) for name in ("auc", "pr_auc", "precision", "recall", "balanced_accuracy")),
        (Task.REGRESSION, "root_mean_squared_error"),
    ],
)
def test_metrics_on_demand_are_told_as_by_kerass_own_loop(task: Task, metric: str) -> None:
    build, training = recipe({}, task, metric)
    assert f"val_{metric}" in same(build, arrays(TARGETS[task]), training=training).curve[-1]


@pytest.mark.parametrize("task", [Task.MULTICLASS, Task.BINARY])
def test_rows_count_as_their_weights_say(task: Task) -> None:
    build, training = recipe({"l2": 0.01}, task)
    same(build, arrays(TARGETS[task]), WEIGHTS, training)


# A person's own model


def sequential(*made: Any, loss: Any = "sparse_categorical_crossentropy", **how: Any) -> Any:
    """Return what builds and compiles a model of these layers, made anew each time."""

    def make() -> Any:
        model = keras.Sequential([keras.Input((5,)), *(layer() for layer in made)])
        given = {"optimizer": keras.optimizers.Adam(0.01), "metrics": ["accuracy"]} | how
        given |= {name: given[name]() for name in ("optimizer", "metrics") if callable(given[name])}
        model.compile(**given, loss=loss)
        return model

    return make


def hidden() -> Any:
    return layers.Dense(6, activation="relu")


def softmax() -> Any:
    return layers.Dense(3, activation="softmax")


ONE_HOT = np.eye(3, dtype=np.float32)[CODES]


@pytest.mark.parametrize(
    ("make", "y"),
    [
        pytest.param(sequential(hidden, softmax, loss="categorical_crossentropy"), ONE_HOT, id="shares"),
        pytest.param(
            sequential(
                hidden,
                lambda: layers.Dense(3),
                loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            ),
            CODES,
            id="from logits",
        ),
        pytest.param(
            sequential(
                hidden,
                lambda: layers.Dense(3),
                loss=keras.losses.CategoricalCrossentropy(from_logits=True),
            ),
            ONE_HOT,
            id="shares from logits",
        ),
        pytest.param(
            sequential(
                lambda: layers.Dense(1), loss=keras.losses.BinaryCrossentropy(from_logits=True), metrics=None
            ),
            CODES > 0,
            id="two classes from logits",
        ),
        pytest.param(
            sequential(hidden, lambda: layers.Dense(3, activation="sigmoid"), loss="binary_crossentropy"),
            ONE_HOT,
            id="several classes at once",
        ),
        pytest.param(
            sequential(hidden, lambda: layers.Dense(5), loss="mae", metrics=["mse", "mae", "r2_score"]),
            X,
            id="several numbers",
        ),
        pytest.param(
            sequential(
                lambda: layers.Dense(6, use_bias=False),
                lambda: layers.BatchNormalization(center=False, momentum=0.8, epsilon=0.1),
                lambda: layers.ReLU(),
                lambda: layers.Dropout(0),
                lambda: layers.Dense(3),
                lambda: layers.Activation("softmax"),
                metrics=["accuracy", keras.metrics.SparseTopKCategoricalAccuracy(2, name="top2")],
            ),
            CODES,
            id="layer by layer",
        ),
        pytest.param(
            sequential(lambda: layers.Rescaling(0.5), lambda: layers.Flatten(), hidden, softmax),
            CODES.astype(np.int64)[:, None],
            id="what comes before",
        ),
        pytest.param(
            sequential(
                lambda: layers.Dense(6, kernel_regularizer=keras.regularizers.L1L2(0.01, 0.02)),
                lambda: layers.BatchNormalization(scale=False),
                softmax,
                optimizer="rmsprop",
            ),
            CODES,
            id="penalties of a person's own",
        ),
        pytest.param(
            sequential(hidden, softmax, optimizer=lambda: keras.optimizers.Adam(0.01, use_ema=True)),
            CODES,
            id="an average that Keras's fit only takes at its end",
        ),
        pytest.param(
            sequential(
                hidden,
                lambda: layers.Dense(3, activation="sigmoid"),
                loss="binary_crossentropy",
                metrics=lambda: [keras.metrics.AUC(name="auc"), keras.metrics.F1Score("macro")],
            ),
            ONE_HOT,
            id="metrics of counts",
        ),
    ],
)
def test_a_persons_own_dense_model_trains_as_by_kerass_own_loop(make: Any, y: Any) -> None:
    same(make, arrays(y))


def functional() -> Any:
    inputs = keras.Input((5,))
    outputs = softmax()(layers.Dropout(0.3)(hidden()(inputs)))
    model = keras.Model(inputs, outputs)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def test_a_functional_chain_trains_as_by_kerass_own_loop() -> None:
    same(functional, arrays(CODES))


# What is left to Keras


def skipping() -> Any:
    inputs = keras.Input((5,))
    h = hidden()(inputs)
    model = keras.Model(inputs, softmax()(layers.add([h, layers.Dense(6)(inputs)])))
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


def twice() -> Any:
    dense = layers.Dense(5, activation="relu")
    model = keras.Sequential([keras.Input((5,)), dense, dense, softmax()])
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


def frozen() -> Any:
    model = sequential(hidden, softmax)()
    model.layers[0].trainable = False
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


def changed(change: Any) -> Any:
    """Return what makes a model and then changes it."""

    def make() -> Any:
        model = sequential(hidden, lambda: layers.Dropout(0.3), softmax)()
        change(model)
        return model

    return make


class Scaled:
    """An activation that can't be a key of a dictionary."""

    __hash__ = None  # type: ignore[assignment]

    def __call__(self, z: Any) -> Any:
        return keras.ops.relu(z) * 2


def rmse(y: Any, predicted: Any) -> Any:
    return keras.ops.sqrt(keras.ops.mean(keras.ops.square(predicted - y)))


def drawing() -> Any:
    layer = hidden()
    layer.generator = keras.random.SeedGenerator(1)
    return layer


def built_for_others(model: Any) -> None:
    weights = [*model.trainable_variables, keras.Variable(np.zeros(3, np.float32))]
    model.optimizer.build(weights)


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(sequential(softmax, metrics=[rmse]), id="a metric of one's own"),
        pytest.param(
            sequential(softmax, metrics=lambda: [keras.losses.SparseCategoricalCrossentropy()]),
            id="a loss as a metric",
        ),
        pytest.param(sequential(softmax, metrics=["sparse_categorical_crossentropy"]), id="its crossentropy"),
        pytest.param(sequential(softmax, metrics=["accuracy", "accuracy"]), id="two of a name"),
        pytest.param(sequential(softmax, metrics=["categorical_accuracy"]), id="shares right, but codes"),
        pytest.param(
            sequential(
                softmax, metrics=lambda: [keras.metrics.SparseCategoricalAccuracy("accuracy", "float16")]
            ),
            id="a metric in 16 bits",
        ),
        pytest.param(
            sequential(hidden, lambda: layers.Dropout(0.0, activity_regularizer="l2"), softmax),
            id="dropped, but penalised",
        ),
        pytest.param(
            sequential(lambda: layers.Rescaling(2.0, activity_regularizer="l2"), softmax),
            id="penalised before",
        ),
        pytest.param(
            changed(lambda model: setattr(model, "activity_regularizer", keras.regularizers.L2(0.1))),
            id="a model whose outputs are penalised",
        ),
        pytest.param(
            sequential(lambda: layers.Dense(6, activation=Scaled()), softmax), id="another function"
        ),
        pytest.param(
            changed(lambda model: setattr(model.layers[0].kernel, "constraint", keras.constraints.NonNeg())),
            id="a constraint on a variable",
        ),
        pytest.param(
            changed(lambda model: setattr(model.layers[0].bias, "regularizer", keras.regularizers.L2(0.1))),
            id="a penalty on a bias",
        ),
        pytest.param(
            sequential(softmax, loss=keras.losses.SparseCategoricalCrossentropy(dtype="bfloat16")),
            id="a loss in 16 bits",
        ),
        pytest.param(sequential(drawing, softmax), id="something else that draws"),
        pytest.param(changed(built_for_others), id="an optimiser of other weights"),
        pytest.param(
            sequential(lambda: layers.Dense(6), lambda: layers.ReLU(max_value=0.0), softmax),
            id="cut off above",
        ),
        pytest.param(
            changed(lambda model: vars(model).update(compute_loss=lambda **given: 0.0)),
            id="a method put in the place of another",
        ),
        pytest.param(skipping, id="a layer skipped"),
        pytest.param(twice, id="a layer twice"),
        pytest.param(frozen, id="a layer that is not trained"),
        pytest.param(sequential(lambda: layers.LayerNormalization(), softmax), id="another layer"),
        pytest.param(sequential(lambda: layers.GaussianNoise(0.1), hidden, softmax), id="noise"),
        pytest.param(sequential(lambda: layers.Dense(6, activation="softplus"), softmax), id="an activation"),
        pytest.param(
            sequential(
                lambda: layers.Dense(6, activation="sigmoid"), lambda: layers.Activation("tanh"), softmax
            ),
            id="one activation after another",
        ),
        pytest.param(sequential(lambda: layers.Dense(3, activation="sigmoid")), id="sigmoid, but classes"),
        pytest.param(sequential(hidden, lambda: layers.Dense(3)), id="no softmax"),
        pytest.param(
            sequential(lambda: layers.Dense(6, activity_regularizer="l2"), softmax), id="activity penalised"
        ),
        pytest.param(
            sequential(lambda: layers.Dense(6, kernel_constraint="max_norm"), softmax), id="a constraint"
        ),
        pytest.param(
            sequential(lambda: layers.Dense(6, kernel_regularizer="orthogonal_regularizer"), softmax),
            id="another penalty",
        ),
        pytest.param(sequential(hidden, lambda: layers.Dropout(0.5, seed=1), softmax), id="a seed"),
        pytest.param(
            sequential(hidden, lambda: layers.Dropout(0.5, noise_shape=(None, 1)), softmax), id="shared noise"
        ),
        pytest.param(sequential(lambda: layers.Dense(6, dtype="mixed_bfloat16"), softmax), id="16 bits"),
        pytest.param(sequential(softmax, loss=lambda y, q: keras.ops.mean(q)), id="a loss of one's own"),
        pytest.param(
            sequential(softmax, loss=keras.losses.CategoricalCrossentropy(label_smoothing=0.1)), id="smoothed"
        ),
        pytest.param(
            sequential(softmax, loss=keras.losses.SparseCategoricalCrossentropy(reduction="sum")), id="a sum"
        ),
        pytest.param(sequential(softmax, loss_weights=[2.0]), id="a weighted loss"),
        pytest.param(sequential(softmax, optimizer="adagrad"), id="another optimiser"),
        pytest.param(sequential(softmax, optimizer=keras.optimizers.AdamW(0.01)), id="weight decay"),
        pytest.param(sequential(softmax, optimizer=keras.optimizers.Adam(amsgrad=True)), id="amsgrad"),
        pytest.param(
            sequential(softmax, optimizer=keras.optimizers.RMSprop(momentum=0.5)), id="rmsprop with momentum"
        ),
        pytest.param(
            sequential(
                softmax,
                optimizer=keras.optimizers.SGD(keras.optimizers.schedules.ExponentialDecay(0.1, 9, 0.5)),
            ),
            id="a schedule of one's own",
        ),
        pytest.param(
            sequential(softmax, optimizer=keras.optimizers.SGD(gradient_accumulation_steps=2)),
            id="accumulated",
        ),
        pytest.param(
            sequential(softmax, optimizer=keras.optimizers.SGD(use_ema=True, ema_overwrite_frequency=2)),
            id="overwritten by the average",
        ),
        pytest.param(sequential(softmax, weighted_metrics=["accuracy"]), id="weighted metrics"),
        pytest.param(sequential(softmax, run_eagerly=True), id="eagerly"),
    ],
)
def test_what_is_not_known_is_left_to_keras(make: Any) -> None:
    model = make()
    make_ready(model, arrays(CODES))
    assert choose_dense_feed(model, arrays(CODES), None, BATCH) is None


class OwnStep(keras.Sequential):  # type: ignore[misc]
    def train_step(self, *args: Any) -> Any:
        return super().train_step(*args)


def test_a_class_of_ones_own_is_left_to_keras() -> None:
    model = OwnStep([keras.Input((5,)), softmax()])
    model.compile("adam", "sparse_categorical_crossentropy")
    make_ready(model, arrays(CODES))
    assert choose_dense_feed(model, arrays(CODES), None, BATCH) is None


@pytest.mark.parametrize(
    ("make", "y"),
    [
        pytest.param(sequential(softmax), CODES + 1, id="a class too many"),
        pytest.param(sequential(softmax), CODES - 1, id="a negative class"),
        pytest.param(sequential(softmax), CODES.astype(np.float32), id="classes as floats"),
        pytest.param(sequential(softmax, loss="categorical_crossentropy"), CODES, id="codes for shares"),
        pytest.param(sequential(lambda: layers.Dense(1), loss="mse"), X, id="five numbers for one"),
        pytest.param(
            sequential(lambda: layers.Dense(3), loss="mse"), ONE_HOT[:, None], id="three dimensions"
        ),
        pytest.param(
            sequential(softmax, loss="categorical_crossentropy"),
            np.maximum(ONE_HOT, [1, 0, 0]),
            id="shares that are more than a whole",
        ),
    ],
)
def test_targets_of_another_shape_are_left_to_keras(make: Any, y: Any) -> None:
    model = make()
    make_ready(model, arrays(CODES))
    assert choose_dense_feed(model, arrays(y), None, BATCH) is None


def test_a_penalty_set_after_a_layer_was_built_counts_as_little_as_for_keras() -> None:
    def make() -> Any:
        model = sequential(hidden, softmax)()
        model.layers[0].kernel_regularizer = keras.regularizers.L2(0.1)
        return model

    same(make, arrays(CODES))


def test_inputs_of_whole_numbers_are_left_to_keras() -> None:
    model = keras.Sequential([keras.Input((5,), dtype="int32"), softmax()])
    model.compile("adam", "sparse_categorical_crossentropy")
    make_ready(model, arrays(CODES))
    assert choose_dense_feed(model, arrays(CODES), None, BATCH) is None


def test_rows_that_are_no_lines_are_left_to_keras() -> None:
    x = X.reshape(57, 1, 5)
    model = keras.Sequential([keras.Input((1, 5)), softmax()])
    model.compile("adam", "sparse_categorical_crossentropy")
    data = arrays(CODES[:, None], x)
    make_ready(model, data)
    assert choose_dense_feed(model, data, None, BATCH) is None


def test_images_that_are_made_flat_train_as_by_kerass_own_loop() -> None:
    def make() -> Any:
        model = keras.Sequential([layers.Flatten(), hidden(), softmax()])
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        return model

    same(make, arrays(CODES, X.reshape(57, 5, 1)))


def test_what_keras_does_faster_is_left_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    model = sequential(hidden, softmax)()
    make_ready(model, arrays(CODES))
    assert choose_dense_feed(model, arrays(CODES), None, BATCH) is not None
    operations = operations_per_epoch(model, 45)
    assert operations == 6 * 45 * (5 * 6 + 6 + 6 * 3 + 3)
    for name, value in {"has_accelerator": lambda: True, "SMALL_ROW": 4}.items():
        with monkeypatch.context() as patch:
            patch.setattr(dense_feed, "_MOST_OPERATIONS", operations - 1)
            assert choose_dense_feed(model, arrays(CODES), None, BATCH) is not None
            patch.setattr(dense_feed, name, value)
            assert choose_dense_feed(model, arrays(CODES), None, BATCH) is None
            patch.setattr(dense_feed, "_MOST_OPERATIONS", operations)
            assert choose_dense_feed(model, arrays(CODES), None, BATCH) is not None
    monkeypatch.setattr(dense_feed, "_MOST_BYTES", 100)
    assert choose_dense_feed(model, arrays(CODES), None, BATCH) is None


# From one epoch to the next


def test_going_on_from_the_keras_model_gives_the_bits_of_a_training_that_was_not_stopped() -> None:
    build, training = recipe({"dropout": 0.2, "batch_normalization": True}, Task.MULTICLASS)
    whole = trained(build, arrays(CODES), plainly=False, training=training)
    keras.utils.set_random_seed(3)
    model = build()
    make_ready(model, arrays(CODES))
    for first in range(EPOCHS):
        feed = choose_dense_feed(model, arrays(CODES), None, BATCH)
        assert feed is not None
        feed.fit(epoch_callback(training, first + 1), SEED, first, first + 1)
    for mine, other in zip(model.get_weights(), whole.model.get_weights(), strict=True):
        assert (mine == other).all()


def test_a_training_that_is_asked_to_stop_stops_after_the_epoch() -> None:
    build, training = recipe({}, Task.MULTICLASS)
    model = build()
    make_ready(model, arrays(CODES))
    watching = epoch_callback(training, epochs=50)
    watching._on_epoch = lambda epoch, report: epoch == 2
    feed = choose_dense_feed(model, arrays(CODES), None, BATCH)
    assert feed is not None
    feed.fit(watching, SEED, 0, 50)
    assert watching.stopped
    assert len(watching.curve) == 2


def test_an_exploding_training_is_told_as_one_that_diverged() -> None:
    from hptune.training.failures import Diverged

    build, training = recipe({"optimizer": "sgd", "learning_rate": 1e30}, Task.REGRESSION)
    with pytest.raises(Diverged, match="diverged at epoch"):
        trained(build, arrays(TARGETS[Task.REGRESSION]), plainly=False, training=training)
