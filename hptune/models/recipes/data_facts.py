"""What a recipe has to know of the data, and nothing more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hptune.data import Dataset, Task
from hptune.data.normalisation import Normalisation, statistics

__all__ = ["DataFacts", "LearnedStatistics"]

OffsetScale = tuple[NDArray[np.float32], NDArray[np.float32]]
Statistics = Callable[[Normalisation, tuple[int, ...]], OffsetScale]
"""Kind of normalisation and shape of a row → offset and scale, learned from training rows."""


class LearnedStatistics:
    """Offset and scale of training rows, worked out when first asked for."""

    def __init__(self, x: NDArray[Any]) -> None:
        self._x = x
        self._known: dict[tuple[Normalisation, tuple[int, ...]], OffsetScale] = {}

    def __call__(self, kind: Normalisation, shape: tuple[int, ...]) -> OffsetScale:
        """Return offset and scale such that (x − offset) / scale is normalised.

        `shape` is that of a row as the model sees it: pixels of an image, (height, width,
        channels), are normalised alike though the data may have them in a line.
        """
        key = (kind, shape)
        if key not in self._known:
            self._known[key] = statistics(kind, self._x.reshape(-1, *shape))
        return self._known[key]


@dataclass(frozen=True, kw_only=True, eq=False)
class DataFacts:
    """A data set as a recipe sees it."""

    input_shape: tuple[int, ...]
    """Shape of one row."""
    task: Task
    outputs: int
    """Numbers that a model gives per row."""
    rows: int
    """Training rows."""
    statistics: Statistics
    """How inputs are normalised, learned from training rows alone."""
    target_mean: float = 0.0
    """Regression: mean of the training targets."""
    target_deviation: float = 1.0
    """Regression: standard deviation of the training targets; 1 where they are all the same."""
    epochs: int = 0
    """Epochs of a full training, which the cosine schedule spans; 0 where not known."""
    metric: str = ""
    """What is to be reported, whether it is always or on demand; "" for nothing in particular."""
    positive: int = 1
    """Of two classes the code of the one to be found."""
    positive_label: str = ""
    """Its name; "" where there are not two."""

    @classmethod
    def of(cls, dataset: Dataset, *, epochs: int = 0, metric: str = "") -> DataFacts:
        """Return what a recipe has to know of `dataset`."""
        mean, deviation = 0.0, 1.0
        if dataset.task is Task.REGRESSION:
            targets = dataset.train.y.astype(np.float64)
            mean, deviation = float(targets.mean()), float(targets.std())
        return cls(
            input_shape=dataset.input_shape,
            task=dataset.task,
            outputs=dataset.outputs,
            rows=dataset.train.rows,
            statistics=LearnedStatistics(dataset.train.x),
            target_mean=mean,
            target_deviation=deviation if deviation > 0 else 1.0,
            epochs=epochs,
            metric=metric,
            positive=dataset.positive,
            positive_label=str(dataset.classes[dataset.positive]) if dataset.task is Task.BINARY else "",
        )
