"""What a guess alone scores, the same for every row: a model that is no better has learned nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hptune.data.dataset import Dataset, Task

__all__ = ["Guess", "guess_alone"]


@dataclass(frozen=True, kw_only=True)
class Guess:
    """The best constant by the training rows, judged as a trial is."""

    what: str
    """always setosa, always the mean."""
    score: float


def guess_alone(dataset: Dataset, objective: str, *, z_scored: bool) -> Guess | None:
    """Return what the most frequent class, or the mean of the training targets, scores.

    `z_scored` tells that the loss of a regression is the squared error in standard deviations of the
    training targets, as in a recipe. None where the objective is one of which that is not known.
    """
    name = objective.removeprefix("val_")
    part = dataset.train if name == objective else dataset.validation
    if dataset.task in (Task.BINARY, Task.MULTICLASS) and name == "accuracy":
        code = int(np.argmax(dataset.class_counts))
        return Guess(what=f"always {dataset.classes[code]}", score=float(np.mean(part.y == code)))
    if dataset.task is Task.REGRESSION and name == "loss" and z_scored:
        trained = dataset.train.y.astype(np.float64)
        errors = (part.y.astype(np.float64) - trained.mean()) / (trained.std() or 1.0)
        return Guess(what="always the mean", score=float(np.mean(errors**2)))
    return None
