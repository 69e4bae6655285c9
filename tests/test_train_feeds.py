"""However rows are fed, the weights come out the same bits as by Keras's own loop."""

from __future__ import annotations

import gc
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
from hptune.study.trial import Job
from hptune.training import tensorflow_feeds
from hptune.training.choose_feed import choose_feed
from hptune.training.epoch_callback import EpochCallback
from hptune.training.feeds import Feed, GeneratorFeed, batches, rows_at_once
from hptune.training.progress import TrainingState
from hptune.training.random_numbers import shuffled
from hptune.training.session import make_ready
from hptune.training.tensorflow_feeds import EpochGraph, RowsFeed

RNG = np.random.default_rng(0)
X = RNG.normal(size=(37, 5)).astype(np.float32)
Y = (X[:, 0] > 0).astype(np.int32) + (X[:, 1] > 0)
ARRAYS = Arrays(x=X[:25], y=Y[:25], validation_x=X[25:], validation_y=Y[25:])
WEIGHTS = RNG.uniform(0.5, 2, 25).astype(np.float32)
BATCH = 8
FACTS = DataFacts(
    input_shape=(5,), task=Task.MULTICLASS, outputs=3, rows=25, statistics=LearnedStatistics(ARRAYS.x)
)
VALUES: dict[str, Value] = {
    "layers": 1,
    "units": 6,
    "batch_normalization": True,
    "dropout": 0.2,
    "l2": 1e-3,
    "clipping": "global_clipnorm",
}


@pytest.fixture(autouse=True)
def deterministic() -> None:
    set_up((5,))


def built(values: Mapping[str, Value]) -> Any:
    keras.utils.set_random_seed(3)
    model = make_recipe("mlp", values, FACTS).build()
    make_ready(model, ARRAYS)
    return model


def epoch_callback(epochs: int) -> EpochCallback:
    job = Job(id=1, trial_id=1, values={}, seed=9, initial_epoch=0, epochs=epochs)
    return EpochCallback(
        job=job,
        training=Training(batch_size=BATCH),
        objective=None,
        on_epoch=lambda epoch, report: False,
        progress=TrainingState(),
    )


def trained(
    kind: Any, weights: Any = None, epochs: int = 3, values: Mapping[str, Value] = VALUES
) -> tuple[Any, list[dict[str, float]]]:
    model = built(values)
    feed: Feed = kind(model, ARRAYS, weights, BATCH)
    feed.trace()
    watching = epoch_callback(epochs)
    feed.fit(watching, 9, 0, epochs)
    return model, watching.curve


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["rows alike", "rows weighted"])
def test_the_fast_paths_give_the_bits_of_kerass_own_loop(weights: Any) -> None:
    slow, slow_curve = trained(GeneratorFeed, weights)
    for kind in (EpochGraph, RowsFeed):
        fast, fast_curve = trained(kind, weights)
        assert fast_curve == slow_curve, kind
        for a, b in zip(fast.weights, slow.weights, strict=True):
            assert (a.numpy() == b.numpy()).all(), (kind, a.path)


def test_how_an_epoch_is_divided_into_calls_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    whole, _ = trained(EpochGraph)
    monkeypatch.setattr(tensorflow_feeds, "_SECONDS_A_CALL", 0.0)
    steps: list[int] = []
    run = tensorflow_feeds._Calls.run

    def counted(self: Any, train: Any) -> Any:
        def step(first: Any, end: Any) -> Any:
            steps.append(int(end - first))
            return train(first, end)

        return run(self, step)

    monkeypatch.setattr(tensorflow_feeds._Calls, "run", counted)
    divided, _ = trained(EpochGraph)
    assert steps == [4, 1, 1, 1, 1, 1, 1, 1, 1]
    assert all((a.numpy() == b.numpy()).all() for a, b in zip(whole.weights, divided.weights, strict=True))


def test_validation_in_several_batches_gives_the_same_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    _, whole = trained(EpochGraph, epochs=1)
    monkeypatch.setattr(tensorflow_feeds, "rows_at_once", lambda x, size: 5)
    _, parted = trained(EpochGraph, epochs=1)
    assert parted[0] == pytest.approx(whole[0], rel=1e-5)


def test_a_compiled_step_trains_nearly_the_same() -> None:
    def compiled(*arguments: Any) -> EpochGraph:
        feed = EpochGraph(*arguments)
        feed._compiled = True
        return feed

    # XLA draws other random numbers: no dropout.
    bare: dict[str, Value] = {"layers": 1, "units": 4}
    _, plain = trained(EpochGraph, epochs=1, values=bare)
    _, jitted = trained(compiled, epochs=1, values=bare)
    assert jitted[0] == pytest.approx(plain[0], rel=1e-3)


# What a person's own model may do at each call


class Counting(keras.layers.Layer):  # type: ignore[misc]
    """Grows with every call, in which it is not alone: normalisation that always takes its rows' own."""

    def build(self, shape: Any) -> None:
        self.calls = self.add_weight(shape=(), initializer="zeros", trainable=False)
        self.normalise = keras.layers.BatchNormalization()
        self.normalise.build(shape)

    def call(self, x: Any) -> Any:
        self.calls.assign_add(1.0)
        return self.normalise(x, training=True) * keras.ops.minimum(1.0, self.calls / 10)


def noisy(x: Any) -> Any:
    return x + keras.random.normal(keras.ops.shape(x))


def largest(y: Any, predicted: Any) -> Any:
    """Need a batch of four rows at least, as Keras itself feeds them."""
    return keras.ops.mean(keras.ops.top_k(keras.ops.reshape(predicted, (-1,)), 4)[0])


def own(*layers: Any, loss: Any = "sparse_categorical_crossentropy", **how: Any) -> Any:
    def make() -> Any:
        keras.utils.set_random_seed(3)
        model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(6), *(made() for made in layers)])
        model.add(keras.layers.Dense(3, activation="softmax"))
        model.compile(how["optimizer"]() if "optimizer" in how else "adam", loss, metrics=["accuracy"])
        make_ready(model, ARRAYS)
        return model

    return make


SOME = Arrays(x=X[:24], y=Y[:24], validation_x=X[24:], validation_y=Y[24:])


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(own(Counting), id="counts its calls"),
        pytest.param(own(lambda: keras.layers.Lambda(noisy)), id="draws from Keras's own generator"),
        pytest.param(own(loss=largest), id="needs whole batches"),
        pytest.param(
            own(optimizer=lambda: keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam())),
            id="scales its loss",
        ),
    ],
)
def test_nothing_but_training_calls_a_persons_model(make: Any) -> None:
    def trained_by(kind: Any) -> tuple[Any, Any]:
        model, watching = make(), epoch_callback(2)
        feed: Feed = kind(model, SOME, None, BATCH)
        feed.trace()
        feed.fit(watching, 9, 0, 2)
        return model, watching.curve

    slow, slow_curve = trained_by(GeneratorFeed)
    for kind in (EpochGraph, RowsFeed):
        fast, fast_curve = trained_by(kind)
        for ours, theirs in zip(fast_curve, slow_curve, strict=True):
            assert ours == pytest.approx(theirs, rel=1e-5), kind
        for a, b in zip(fast.weights, slow.weights, strict=True):
            assert a.numpy() == pytest.approx(b.numpy(), rel=1e-5, abs=1e-7), (kind, a.path)
        assert len(fast.optimizer.variables) == len(make().optimizer.variables), kind


@pytest.mark.parametrize("kind", [EpochGraph, RowsFeed, GeneratorFeed])
def test_several_steps_at_once_are_as_many_steps(kind: Any) -> None:
    model, watching = own()(), epoch_callback(3)
    model.compile("sgd", "sparse_categorical_crossentropy", steps_per_execution=3)
    feed: Feed = kind(model, ARRAYS, None, BATCH)
    feed.trace()
    feed.fit(watching, 9, 0, 3)
    assert int(model.optimizer.iterations) == 3 * 4
    assert all(epoch["loss"] > 0 for epoch in watching.curve)


def chosen(model: Any, arrays: Arrays = ARRAYS) -> str:
    return type(choose_feed(model, arrays, None, BATCH)).__name__


class OwnStep(keras.Sequential):  # type: ignore[misc]
    def train_step(self, data: Any) -> Any:
        return super().train_step(data)


class OwnMetric(keras.Sequential):  # type: ignore[misc]
    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        return super().compute_metrics(x, y, y_pred, sample_weight) | {"mine": keras.ops.mean(y_pred)}


class OwnFit(keras.Sequential):  # type: ignore[misc]
    def fit(self, *args: Any, **kwargs: Any) -> Any:
        return super().fit(*args, **kwargs)


def test_the_feed_that_is_chosen_keeps_what_is_a_persons_own(monkeypatch: pytest.MonkeyPatch) -> None:
    def compiled(kind: Any, **how: Any) -> Any:
        model = kind([keras.Input((5,)), keras.layers.Dense(3, activation="softplus")])
        model.compile("sgd", "mse", **how)
        return model

    assert chosen(compiled(keras.Sequential)) == "EpochGraph"
    assert chosen(compiled(keras.Sequential, run_eagerly=True)) == "RowsFeed"
    assert chosen(compiled(OwnStep)) == "RowsFeed"
    assert chosen(compiled(OwnMetric)) == "RowsFeed"
    patched = compiled(keras.Sequential)
    patched.train_step = lambda data: {"loss": 0.0}
    assert chosen(patched) == "RowsFeed"
    assert chosen(compiled(OwnFit)) == "GeneratorFeed"
    monkeypatch.setattr(tensorflow_feeds, "_MOST_BYTES", 100)
    assert chosen(compiled(keras.Sequential)) == "RowsFeed"


def test_batches_take_every_row_once_an_epoch_in_the_epochs_order() -> None:
    fed = batches(ARRAYS, None, BATCH, lambda epoch: shuffled(9, epoch, 25))
    for epoch in range(2):
        taken = [next(fed) for _ in range(4)]
        assert [len(x) for x, _ in taken] == [8, 8, 8, 1]
        assert (np.concatenate([x for x, _ in taken]) == ARRAYS.x[shuffled(9, epoch, 25)]).all()
        assert (np.concatenate([y for _, y in taken]) == ARRAYS.y[shuffled(9, epoch, 25)]).all()


@pytest.mark.parametrize(
    ("shape", "rows"), [((300, 64), 300), ((100_000, 64), 65_536), ((100, 3_000_000), 8), ((0, 4), 1)]
)
def test_validation_takes_as_many_rows_at_once_as_memory_allows(shape: tuple[int, ...], rows: int) -> None:
    class Wide:
        def __init__(self) -> None:
            self.shape = shape

    x: Any = Wide()
    assert rows_at_once(x, BATCH) == rows


def graphs_alive() -> int:
    gc.collect()
    return sum(type(found).__name__ in ("FuncGraph", "WhileBodyFuncGraph") for found in gc.get_objects())


@pytest.mark.parametrize("kind", [EpochGraph, RowsFeed])
def test_a_graph_that_is_let_go_is_freed(kind: Any) -> None:
    trained(kind, epochs=1)
    before = graphs_alive()
    trained(kind, epochs=1)
    assert graphs_alive() <= before
