"""Trains one batch before a search begins, and compares NumPy with Keras where NumPy would train.

Keras and NumPy take the same steps from the same weights. What NumPy does must differ by rounding
alone, or the search is left to Keras: a newer Keras, another platform or a mistake of ours may
have changed something that no test has seen.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hptune.models.backend import keras
from hptune.models.model import Arrays
from hptune.strategy.threads import one_thread
from hptune.training.epoch_rules import flattened
from hptune.training.numpy_feed import choose_dense_feed
from hptune.training.numpy_path import DenseModel
from hptune.training.random_numbers import layer_seed, reseed, reseed_generator, seed_states

__all__ = ["Preflight", "try_one_batch"]

STEPS = 3
"""Steps on the batch: a wrong gradient shows in the loss of the second, a wrong state in the third."""
LOSS_TOLERANCE = 1e-4
"""Largest relative difference of losses that is rounding.

float32 has 6e-8. The largest that was measured is 5e-6, over the bundled data sets, the recipe's
space, and models of Dense, BatchNormalization and Dropout with Adam, RMSprop and SGD
(docs/benchmarks.md). A formula that differs changes a loss by far more.
"""
WEIGHT_TOLERANCE = 0.01
"""Largest distance between weights that is rounding, as a share of how far the steps moved them.

The largest that was measured is 0.001. It is larger than for losses because Adam divides a gradient
by its own size: of a weight whose gradient is 0 but for rounding, a bias before BatchNormalization
for example, Adam makes whole steps in a direction that rounding decides, which changes no loss.
"""
_SEED, _EPOCH = 0, 0


@dataclass(frozen=True, kw_only=True)
class Preflight:
    """What training one batch found."""

    reported: tuple[str, ...]
    """Names of the metrics that training reports, those of validation included."""
    numpy_difference: str = ""
    """How NumPy differs from Keras by more than rounding; "" where it does not, or has nothing to train."""
    own_epochs: int = 0
    """Epochs that a user's own fit trained where one was asked for; 0 where it keeps to that."""
    in_one_go: bool = False
    """Whether a trial must be trained to its end at once: asked again, its fit would train the same again."""
    stateful: tuple[str, ...] = ()
    """Callbacks that a user's own fit adds and whose state would not go along from one job to the next."""
    callbacks: tuple[str, ...] = ()
    """What --callbacks makes."""


def try_one_batch(model: Any, arrays: Arrays) -> Preflight:
    """Train a built, compiled model on all rows of `arrays` as one batch, and evaluate it.

    Raises whatever Keras does. What NumPy raises is a difference.
    """
    by_numpy, failure = None, ""
    try:
        by_numpy = _steps_by_numpy(model, arrays)
    except Exception as error:
        failure = f"NumPy fails with {type(error).__name__}: {error}"
    reseed(seed_states(model), _SEED, _EPOCH)
    steps = [
        model.train_on_batch(arrays.x, arrays.y, arrays.weights, return_dict=True)
        for _ in range(1 if by_numpy is None else STEPS)
    ]
    model.reset_metrics()
    held = model.test_on_batch(
        arrays.validation_x, arrays.validation_y, arrays.validation_weights, return_dict=True
    )
    difference = failure if by_numpy is None else _difference(by_numpy, steps, held)
    reported = (*flattened(steps[0]), *(f"val_{name}" for name in flattened(held)))
    return Preflight(reported=reported, numpy_difference=difference)


@dataclass(frozen=True, kw_only=True)
class _NumPySteps:
    """What NumPy made of the batch."""

    dense: DenseModel
    """The network as the steps left it."""
    start: NDArray[np.float32]
    """Trained weights before the steps, (weights,)."""
    loss: float
    """Mean over the steps."""
    validation_loss: float


def _steps_by_numpy(model: Any, arrays: Arrays) -> _NumPySteps | None:
    """Take the steps, leaving the Keras model as it is; None where NumPy does not train such a model."""
    feed = choose_dense_feed(model, arrays, None, arrays.rows)
    if feed is None:
        return None
    dense, network = feed.dense, feed.dense.network
    dense.take()
    start = network.weights.copy()
    x, y = dense.prepare(arrays.x), dense.targets(arrays.y)
    held = dense.prepare(arrays.validation_x), dense.targets(arrays.validation_y)
    reseed_generator(_SEED, _EPOCH)
    with one_thread(), np.errstate(all="ignore"):
        trained = network.train(
            np.concatenate([x] * STEPS),
            np.concatenate([y] * STEPS),
            None,
            batch_size=len(x),
            rate=float(keras.ops.convert_to_numpy(model.optimizer.learning_rate)),
            seeds=[layer_seed(_SEED, _EPOCH, number) for number in range(len(network.dropouts))],
        )
        judged = network.judge(*held, at_once=len(held[0]), averaged=False)
    return _NumPySteps(dense=dense, start=start, loss=trained.loss, validation_loss=judged.loss)


def _difference(numpy: _NumPySteps, steps: Sequence[Mapping[str, float]], held: Mapping[str, float]) -> str:
    """Return how NumPy's steps differ from Keras's by more than rounding, or ""."""
    after = f"after {STEPS} steps on one batch"
    for name, ours, theirs in (
        ("loss", numpy.loss, math.fsum(step["loss"] for step in steps) / len(steps)),
        ("validation loss", numpy.validation_loss, float(held["loss"])),
    ):
        if not math.isfinite(theirs):
            # Weights that diverge have no digits to compare.
            return ""
        if not math.isclose(ours, theirs, rel_tol=LOSS_TOLERANCE, abs_tol=1e-6):
            return f"{after} the {name} is {ours:.7g} by NumPy and {theirs:.7g} by Keras"
    share = numpy.dense.distance(numpy.start)
    if not share <= WEIGHT_TOLERANCE:
        return f"{after} weights are {share:.0%} of their way from where Keras moves them"
    return ""
