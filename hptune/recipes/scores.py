"""Scores of classes for targets that are class codes, which Keras has not. This file needs Keras alone.

Each adds up over batches: of an epoch it is what it is of all its rows at once.
"""

from typing import Any

import keras

__all__ = ["AUC", "BalancedAccuracy", "F1Score"]


class Confusion(keras.metrics.Metric):  # type: ignore[misc]
    """What follows from how many rows of each class were taken for each other."""

    def __init__(self, classes: int, **options: Any) -> None:
        """Count for so many classes, 2 or more."""
        super().__init__(**options)
        self.classes = classes
        shape = (classes, classes)
        self.counts = self.add_weight(shape=shape, initializer="zeros", name="counts")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add codes and what was told: (rows, classes), or (rows, 1) of the second of two."""
        y_pred = keras.ops.convert_to_tensor(y_pred)
        if y_pred.shape[-1] == 1:
            y_pred = keras.ops.concatenate([1 - y_pred, y_pred], axis=-1)
        # A half counts for the first of two, as in Keras.
        told = self._one_hot(keras.ops.argmax(y_pred, axis=-1))
        true = keras.ops.transpose(self._one_hot(keras.ops.reshape(y_true, (-1,))))
        self.counts.assign(self.counts + keras.ops.matmul(true, told))

    def get_config(self) -> dict[str, Any]:
        """Return what it is made of."""
        return {**super().get_config(), "classes": self.classes}

    def hits(self) -> Any:
        """Return the rows of each class that were told right, shape (classes,)."""
        return keras.ops.diagonal(self.counts)

    def _one_hot(self, codes: Any) -> Any:
        codes = keras.ops.cast(codes, "int32")
        return keras.ops.one_hot(codes, self.classes, dtype=self.dtype)


@keras.saving.register_keras_serializable("hptune")
class BalancedAccuracy(Confusion):
    """The share of a class that is told right, averaged over the classes that there are rows of."""

    def result(self) -> Any:
        """Return it, from 0 to 1; a guess alone scores 1 / classes."""
        rows = keras.ops.sum(self.counts, axis=1)
        shares = self.hits() / keras.ops.maximum(rows, 1)
        there = keras.ops.sum(keras.ops.cast(rows > 0, self.dtype))
        return keras.ops.sum(shares) / keras.ops.maximum(there, 1)


@keras.saving.register_keras_serializable("hptune")
class F1Score(Confusion):
    """2·hits / (rows of a class + rows taken for it): of two the second's, else the mean."""

    def result(self) -> Any:
        """Return it, from 0 to 1; a class that neither is there nor was told counts 0."""
        rows, taken = (keras.ops.sum(self.counts, axis=axis) for axis in (1, 0))
        scores = 2 * self.hits() / keras.ops.maximum(rows + taken, 1)
        return scores[1] if self.classes == 2 else keras.ops.mean(scores)


@keras.saving.register_keras_serializable("hptune")
class AUC(keras.metrics.AUC):  # type: ignore[misc]
    """The area under the curve of each class against the rest: the mean over classes."""

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add codes and probabilities, (rows, classes)."""
        codes = keras.ops.cast(keras.ops.reshape(y_true, (-1,)), "int32")
        shares = keras.ops.one_hot(codes, self.num_labels)
        super().update_state(shares, y_pred, sample_weight)
