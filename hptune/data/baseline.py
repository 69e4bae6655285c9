"""What a guess alone scores, the same for every row: a model that is no better has learned nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hptune.data.dataset import Dataset
from hptune.data.kinds import Task
from hptune.study.notes import Baseline
from hptune.study.trial import metric_of

__all__ = ["baseline_of"]


def baseline_of(dataset: Dataset, objective: str, *, recipe: bool) -> Baseline | None:
    """Return what the best guess that is the same for every row scores.

    `recipe` tells that a recipe is trained, whose metrics are known: its loss of a regression is the squared
    error in standard deviations of the training targets. None where the objective is one of which that is
    not known.
    """
    name = metric_of(objective)
    part = dataset.train if name == objective else dataset.validation
    if dataset.task in (Task.BINARY, Task.MULTICLASS):
        code = int(np.argmax(dataset.class_counts))
        if name == "accuracy":
            return Baseline(what=f"always {dataset.classes[code]}", score=float(np.mean(part.y == code)))
        return _of_classes(dataset, part.y, name) if recipe else None
    if dataset.task is Task.MULTILABEL and recipe:
        return _of_labels(dataset, part.y, name)
    if dataset.task is Task.REGRESSION and recipe:
        trained = dataset.train.y.astype(np.float64)
        score = _of_numbers(part.y.astype(np.float64), trained.mean(), trained.std() or 1.0, name)
        return None if score is None else Baseline(what="always the mean", score=score)
    return None


def _of_classes(dataset: Dataset, y: NDArray[Any], name: str) -> Baseline | None:
    """Return what is scored where classes are not reported apart; None of recall, which is 1 then."""
    alike = {"auc": 0.5, "balanced_accuracy": 1 / len(np.unique(y))}
    if name in alike:
        return Baseline(what="all classes alike", score=alike[name])
    if dataset.task is not Task.BINARY:
        return None
    share = float(np.mean(y == dataset.positive))
    always = {"pr_auc": share, "precision": share, "f1_score": 2 * share / (1 + share)}
    what = f"always {dataset.classes[dataset.positive]}"
    return Baseline(what=what, score=always[name]) if name in always else None


def _of_labels(dataset: Dataset, y: NDArray[Any], name: str) -> Baseline | None:
    """Return what each label's more frequent value scores."""
    often = dataset.train.y.mean(axis=0) > 0.5
    scores = {"binary_accuracy": float(np.mean(y == often)), "auc": 0.5}
    what = "all rows alike" if name == "auc" else "each label's more frequent value"
    return Baseline(what=what, score=scores[name]) if name in scores else None


def _of_numbers(y: NDArray[np.float64], mean: float, deviation: float, name: str) -> float | None:
    """Return what the mean of the training targets scores."""
    errors = y - mean
    squares = float(np.mean(errors**2))
    scores = {
        "loss": squares / deviation**2,
        "mean_absolute_error": float(np.mean(np.abs(errors))),
        "root_mean_squared_error": squares**0.5,
        "r2": 1 - squares / float(np.var(y)) if np.ptp(y) > 0 else None,
    }
    return scores.get(name)
