"""A constant guess beside the best trial: who is no better has learned nothing."""

from __future__ import annotations

import numpy as np
import pytest

from hptune.data import Dataset, DataSplit, Task, baseline_of
from hptune.study.notes import Baseline
from hptune.study.trial import Direction, Objective
from hptune.views.tables import baseline_text

ACCURACY = Objective(name="val_accuracy", direction=Direction.MAX)
LOSS = Objective(name="val_loss", direction=Direction.MIN)


def dataset(task: Task, train: list[float], validation: list[float]) -> Dataset:
    kind = np.float32 if task is Task.REGRESSION else np.int32
    parts = [DataSplit(x=np.zeros((len(y), 1), np.float32), y=np.array(y, kind)) for y in (train, validation)]
    classes = () if task is Task.REGRESSION else ("no", "yes")
    return Dataset(name="made", task=task, train=parts[0], validation=parts[1], classes=classes)


def test_the_most_frequent_class_of_the_training_rows_is_judged_on_the_rows_of_the_objective() -> None:
    rare = dataset(Task.BINARY, [0, 0, 0, 1], [0, 1, 1, 0, 0])
    guess = baseline_of(rare, "val_accuracy", recipe=False)
    assert guess is not None
    assert (guess.what, guess.score) == ("always no", 0.6)
    trained = baseline_of(rare, "accuracy", recipe=True)
    assert trained is not None
    assert trained.score == 0.75


def test_the_mean_is_judged_in_standard_deviations_of_the_training_targets() -> None:
    numbers = dataset(Task.REGRESSION, [1, 3], [2, 5])
    guess = baseline_of(numbers, "val_loss", recipe=True)
    assert guess is not None
    assert (guess.what, guess.score) == ("always the mean", pytest.approx((0 + 9) / 2))


@pytest.mark.parametrize(
    ("objective", "score"),
    [("mean_absolute_error", 2.5), ("root_mean_squared_error", 8.5**0.5), ("r2", 1 - 8.5 / 6.25)],
)
def test_the_mean_is_judged_in_the_units_of_the_target(objective: str, score: float) -> None:
    guess = baseline_of(dataset(Task.REGRESSION, [1, 3], [1, 6]), f"val_{objective}", recipe=True)
    assert guess is not None
    assert guess.score == pytest.approx(score)


def test_r2_of_targets_that_are_all_the_same_is_not_known() -> None:
    assert baseline_of(dataset(Task.REGRESSION, [1, 3], [2, 2]), "val_r2", recipe=True) is None


@pytest.mark.parametrize(
    ("objective", "what", "score"),
    [
        ("auc", "all classes alike", 0.5),
        ("balanced_accuracy", "all classes alike", 0.5),
        ("pr_auc", "always yes", 0.25),
        ("precision", "always yes", 0.25),
        ("f1_score", "always yes", 0.4),
    ],
)
def test_the_best_guess_of_a_metric_on_demand(objective: str, what: str, score: float) -> None:
    guess = baseline_of(dataset(Task.BINARY, [0, 1], [0, 0, 1, 0]), f"val_{objective}", recipe=True)
    assert guess is not None
    assert (guess.what, guess.score) == (what, pytest.approx(score))


@pytest.mark.parametrize(
    ("task", "objective", "recipe"),
    [
        pytest.param(Task.REGRESSION, "val_loss", False, id="a loss of one's own"),
        pytest.param(Task.REGRESSION, "val_mape", True, id="another metric"),
        pytest.param(Task.MULTICLASS, "val_f1_score", True, id="the mean over classes of one guess"),
        pytest.param(Task.BINARY, "val_recall", True, id="all without effort"),
        pytest.param(Task.BINARY, "val_auc", False, id="a metric of one's own"),
        pytest.param(Task.BINARY, "val_loss", True, id="the loss of classes"),
        pytest.param(Task.OTHER, "val_accuracy", False, id="targets of another shape"),
    ],
)
def test_nothing_is_said_where_it_is_not_known(task: Task, objective: str, recipe: bool) -> None:
    assert baseline_of(dataset(task, [0, 1], [1]), objective, recipe=recipe) is None
    assert baseline_text(None, ACCURACY, 0.5) == ""


@pytest.mark.parametrize(
    ("goal", "best", "said"),
    [
        pytest.param(ACCURACY, 0.7, "Baseline (always no): 0.6.", id="better"),
        pytest.param(ACCURACY, 0.6, "No trial beats the baseline: always no scores 0.6.", id="equal"),
        pytest.param(LOSS, 0.5, "Baseline (always no): 0.6.", id="a lower loss"),
        pytest.param(LOSS, 0.7, "No trial beats the baseline: always no scores 0.6.", id="a higher loss"),
    ],
)
def test_it_stands_beside_the_best(goal: Objective, best: float, said: str) -> None:
    baseline = Baseline(what="always no", score=0.6)
    assert baseline_text(baseline, goal, best).startswith(said)
