"""Scores of classes for targets that are class codes, which Keras has not. This file needs Keras alone.

Each counts rows: of an epoch it is what it is of all its rows at once, however they come in batches.
"""

from typing import Any

import keras

__all__ = [
    "AUC",
    "AveragePrecision",
    "BalancedAccuracy",
    "Counted",
    "F1Score",
    "Precision",
    "Recall",
]


class Counted(keras.metrics.Metric):  # type: ignore[misc]
    """What follows from counts of rows, of two classes or more.

    A subclass says what they come to: of(counts, ops), where `ops` is keras.ops, or NumPy
    for NumPy's arrays.
    """

    def __init__(self, classes: int, positive: Any = None, **options: Any) -> None:
        """Count for so many classes.

        `positive` is the positive class of two where a single number is predicted, the
        probability of the second; None where each class has its own: all of them count.
        """
        super().__init__(**options)
        self.classes = classes
        self.positive = positive
        shape = self.shape()
        self.counts = self.add_weight(shape=shape, initializer="zeros", name="counts")

    def shape(self) -> tuple[int, ...]:
        """Return the shape of the counts."""
        return (self.classes, self.classes)

    def result(self) -> Any:
        """Return what the counts come to."""
        return self.of(self.counts, keras.ops)

    def get_config(self) -> dict[str, Any]:
        """Return what it is made of."""
        own = {"classes": self.classes, "positive": self.positive}
        return {**super().get_config(), **own}


class Confusion(Counted):
    """What follows from how many rows of each class were taken for each other.

    A subclass says what score(hits, rows, taken, ops) comes to, each of shape (classes,).
    """

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add codes and what was reported: (rows, classes), or (rows, 1) of the second of two."""
        y_pred = keras.ops.convert_to_tensor(y_pred)
        if y_pred.shape[-1] == 1:
            y_pred = keras.ops.concatenate([1 - y_pred, y_pred], axis=-1)
        # A half counts for the first of two, as in Keras.
        predicted = self.one_hot(keras.ops.argmax(y_pred, axis=-1))
        true = keras.ops.transpose(self.one_hot(keras.ops.reshape(y_true, (-1,))))
        self.counts.assign(self.counts + keras.ops.matmul(true, predicted))

    def one_hot(self, codes: Any) -> Any:
        """Return codes as (rows, classes)."""
        codes = keras.ops.cast(codes, "int32")
        return keras.ops.one_hot(codes, self.classes, dtype=self.dtype)

    def of(self, counts: Any, ops: Any) -> Any:
        """Return it of hits, rows and rows that were taken for it, of each class."""
        rows, taken = ops.sum(counts, axis=1), ops.sum(counts, axis=0)
        return self.score(ops.diagonal(counts), rows, taken, ops)

    def of_interest(self, scores: Any, ops: Any) -> Any:
        """Return the score of the class to be found, or the mean of all."""
        return ops.mean(scores) if self.positive is None else scores[self.positive]


@keras.saving.register_keras_serializable("hptune")
class BalancedAccuracy(Confusion):
    """The share of each class that is predicted right, averaged over the classes that have rows.

    From 0 to 1; a guess alone scores 1 / classes.
    """

    def score(self, hits: Any, rows: Any, taken: Any, ops: Any) -> Any:
        """Return it."""
        there = ops.sum(ops.minimum(rows, 1))
        return ops.sum(hits / ops.maximum(rows, 1)) / ops.maximum(there, 1)


@keras.saving.register_keras_serializable("hptune")
class Precision(Confusion):
    """Of the rows that were taken for a class, the share that is of it; 0 of no rows."""

    def score(self, hits: Any, rows: Any, taken: Any, ops: Any) -> Any:
        """Return it."""
        return self.of_interest(hits / ops.maximum(taken, 1), ops)


@keras.saving.register_keras_serializable("hptune")
class Recall(Confusion):
    """Of the rows of a class, the share that was reported right; 0 of no rows."""

    def score(self, hits: Any, rows: Any, taken: Any, ops: Any) -> Any:
        """Return it."""
        return self.of_interest(hits / ops.maximum(rows, 1), ops)


@keras.saving.register_keras_serializable("hptune")
class F1Score(Confusion):
    """The harmonic mean of precision and recall: 2·hits / (rows + rows taken for it)."""

    def score(self, hits: Any, rows: Any, taken: Any, ops: Any) -> Any:
        """Return it."""
        return self.of_interest(2 * hits / ops.maximum(rows + taken, 1), ops)


@keras.saving.register_keras_serializable("hptune")
class AUC(Counted):
    """How often a row of a class is predicted to be likelier of it than one of another class.

    It is the area under the curve of true over false positives, the mean over classes
    where each has its own probability. These are distinguished by their log-odds, in steps
    of a thousandth of them over all that float32 can say: networks are often sure, and
    steps of probability would take all that they are sure of for the same.
    """

    least = -7.6
    steps = 16384
    step = (6.0 + 7.6) / 16384

    def shape(self) -> tuple[int, ...]:
        """Return the shape of the counts: rows of others and of the class, by log-odds."""
        return (2, self.classes if self.positive is None else 1, self.steps)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add codes and probabilities: (rows, classes), or (rows, 1) of the second of two."""
        ops = keras.ops
        y_pred = ops.convert_to_tensor(y_pred)
        against = ops.log(ops.maximum(1 - y_pred, 2e-8))
        odds = ops.log(ops.maximum(y_pred, 1.2e-38)) - against
        # Even odds are distinguished by less: a network that has learnt little is near them.
        place = (ops.arcsinh(odds * 10) - self.least) / self.step
        place = ops.cast(place, "int32")
        place = ops.clip(place, 0, self.steps - 1)
        count = self.counts.shape[1]
        columns = ops.arange(count)
        codes = ops.cast(ops.reshape(y_true, (-1, 1)), "int32")
        first = 0 if self.positive is None else 1
        true = ops.cast(codes == columns + first, "int32")
        place += (true * count + columns) * self.steps
        place = ops.reshape(place, (-1,))
        ones = ops.ones_like(place, dtype=self.dtype)
        number = 2 * count * self.steps
        added = ops.segment_sum(ones, place, num_segments=number)
        self.counts.assign(self.counts + ops.reshape(added, self.counts.shape))

    def of(self, counts: Any, ops: Any) -> Any:
        """Return it, from 0 to 1; a guess alone scores 0.5. Only classes with rows count."""
        others, own = counts[0], counts[1]
        rest = ops.maximum(ops.sum(others, axis=1, keepdims=True), 1)
        below = (ops.cumsum(others, axis=1) - others / 2) / rest
        return self.averaged(own, others, below, ops)

    def averaged(self, own: Any, others: Any, values: Any, ops: Any) -> Any:
        """Return the mean over rows of a class, averaged over classes with rows and others."""
        rows, rest = ops.sum(own, axis=1), ops.sum(others, axis=1)
        means = ops.sum(own * values, axis=1) / ops.maximum(rows, 1)
        there = ops.minimum(ops.minimum(rows, rest), 1)
        return ops.sum(means * there) / ops.maximum(ops.sum(there), 1)


@keras.saving.register_keras_serializable("hptune")
class AveragePrecision(AUC):
    """The mean of the precisions at each row of a class: the area under precision and recall."""

    def of(self, counts: Any, ops: Any) -> Any:
        """Return it, from 0 to 1; a guess alone scores the share of rows of the class."""
        others, own = ops.flip(counts[0], axis=1), ops.flip(counts[1], axis=1)
        if self.positive == 0:
            others, own = counts[1], counts[0]
        found = ops.cumsum(own, axis=1)
        taken = ops.maximum(found + ops.cumsum(others, axis=1), 1)
        return self.averaged(own, others, found / taken, ops)
