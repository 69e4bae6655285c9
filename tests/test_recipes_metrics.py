"""Scores of class codes are what scikit-learn says, in one batch or in many."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import (
    average_precision_score,
    balanced_accuracy_score,
    f1_score,
    precision_score,
    recall_score,
    roc_auc_score,
)

from hptune.data import Task
from hptune.models.backend import keras
from hptune.models.recipes import DataFacts, metrics_on_demand
from hptune.models.recipes.data_facts import LearnedStatistics
from hptune.models.recipes.metrics import AUC, AveragePrecision, BalancedAccuracy, F1Score, Precision, Recall
from hptune.study.trial import Direction, metric_of
from hptune.training.objective import direction_of

RNG = np.random.default_rng(0)
FOUR = RNG.integers(0, 4, 300).astype(np.int32)
ODDS = RNG.normal(size=(300, 4)) + 1.5 * np.eye(4)[FOUR]
SHARES = (np.exp(ODDS) / np.exp(ODDS).sum(axis=1, keepdims=True)).astype(np.float32)
TWO = (RNG.random(300) < 0.2).astype(np.int32)
SIDES = (1 / (1 + np.exp(0.5 - RNG.normal(size=(300, 1)) - TWO[:, None]))).astype(np.float32)
OF_CODES = {F1Score: f1_score, Precision: precision_score, Recall: recall_score}


def told(metric: Any, y: NDArray[Any], predicted: NDArray[Any], batch: int = 77) -> float:
    for first in range(0, len(y), batch):
        metric.update_state(y[first : first + batch], predicted[first : first + batch])
    return float(metric.result())


@pytest.mark.parametrize("batch", [300, 7])
def test_scores_of_many_classes(batch: int) -> None:
    codes = SHARES.argmax(axis=1)
    for ours, theirs in OF_CODES.items():
        expected = theirs(FOUR, codes, average="macro")
        assert told(ours(4), FOUR, SHARES, batch) == pytest.approx(expected)
    assert told(BalancedAccuracy(4), FOUR, SHARES, batch) == pytest.approx(
        balanced_accuracy_score(FOUR, codes)
    )
    each = [(code == FOUR, SHARES[:, code]) for code in range(4)]
    expected = np.mean([roc_auc_score(*pair) for pair in each])
    assert told(AUC(4), FOUR, SHARES, batch) == pytest.approx(expected, abs=2e-4)
    expected = np.mean([average_precision_score(*pair) for pair in each])
    assert told(AveragePrecision(4), FOUR, SHARES, batch) == pytest.approx(expected, abs=2e-3)


@pytest.mark.parametrize("batch", [300, 7])
@pytest.mark.parametrize("shape", [(-1,), (-1, 1)])
@pytest.mark.parametrize("positive", [0, 1])
def test_scores_of_two_classes(batch: int, shape: tuple[int, ...], positive: int) -> None:
    codes, y = (SIDES[:, 0] > 0.5).astype(int), TWO.reshape(shape)
    for ours, theirs in OF_CODES.items():
        expected = theirs(TWO, codes, pos_label=positive)
        assert told(ours(2, positive), y, SIDES, batch) == pytest.approx(expected)
    assert told(BalancedAccuracy(2), y, SIDES, batch) == pytest.approx(balanced_accuracy_score(TWO, codes))
    assert told(AUC(2, positive), y, SIDES, batch) == pytest.approx(roc_auc_score(TWO, SIDES[:, 0]), abs=2e-4)
    score = SIDES[:, 0] if positive else 1 - SIDES[:, 0].astype(float)
    expected = average_precision_score(positive == TWO, score)
    assert told(AveragePrecision(2, positive), y, SIDES, batch) == pytest.approx(expected, abs=2e-3)


@pytest.mark.parametrize("sure", [0.02, 1, 10, 40])
@pytest.mark.parametrize("share", [0.5, 0.005])
def test_areas_are_told_where_a_network_is_sure_and_a_class_rare(sure: float, share: float) -> None:
    rng = np.random.default_rng(1)
    y = (rng.random(20_000) < share).astype(np.int32)
    odds = np.clip(sure * (rng.normal(size=20_000) + 1.5 * y - 1), -80, 80)
    score = (1 / (1 + np.exp(-odds))).astype(np.float32)
    assert told(AUC(2, 1), y, score[:, None], 5000) == pytest.approx(roc_auc_score(y, score), abs=5e-4)
    expected = average_precision_score(y, score)
    assert told(AveragePrecision(2, 1), y, score[:, None], 5000) == pytest.approx(expected, abs=2e-3)


def test_two_classes_with_a_probability_each_count_both() -> None:
    both = np.concatenate([1 - SIDES, SIDES], axis=1)
    codes = both.argmax(axis=1)
    for ours, theirs in OF_CODES.items():
        assert told(ours(2), TWO, both) == pytest.approx(theirs(TWO, codes, average="macro"))
    assert told(AUC(2), TWO, both) == pytest.approx(roc_auc_score(TWO, SIDES[:, 0]), abs=2e-4)


def test_a_class_without_rows_counts_in_no_mean() -> None:
    y, predicted = np.array([0, 1, 1]), np.eye(4, dtype=np.float32)[[0, 3, 1]]
    assert told(BalancedAccuracy(4), y, predicted) == 0.75
    assert told(AUC(4), y, predicted) == (1 + 0.75) / 2
    assert told(AveragePrecision(4), y, np.eye(4, dtype=np.float32)[y]) == 1.0


def test_rows_that_are_told_alike_are_no_better_than_a_guess() -> None:
    alike = np.full((300, 1), 0.3, np.float32)
    assert told(AUC(2, 1), TWO, alike) == pytest.approx(0.5)
    assert told(AveragePrecision(2, 1), TWO, alike) == pytest.approx(TWO.mean())


@pytest.mark.parametrize("of", [AUC, AveragePrecision, BalancedAccuracy, F1Score, Precision, Recall])
def test_a_score_is_nothing_before_the_first_row_and_is_saved_and_loaded(of: Any) -> None:
    metric = of(2, positive=0, name="a")
    assert float(metric.result()) == 0.0
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(metric))
    assert type(again) is of
    assert again.get_config() == metric.get_config()
    assert (again.classes, again.positive, again.name) == (2, 0, "a")


def facts(task: Task) -> DataFacts:
    outputs = 3 if task is Task.MULTICLASS else 1
    x = np.zeros((4, 2), np.float32)
    return DataFacts(input_shape=(2,), task=task, outputs=outputs, rows=4, statistics=LearnedStatistics(x))


@pytest.mark.parametrize("task", [Task.BINARY, Task.MULTICLASS, Task.REGRESSION])
def test_a_metric_on_demand_reports_under_its_name_which_tells_its_direction(task: Task) -> None:
    found = metrics_on_demand(facts(task))
    assert found
    for name, call in found.items():
        assert call.make().name == name
        way = Direction.MIN if name.endswith("error") else Direction.MAX
        assert direction_of(f"val_{name}") is way
        assert metric_of(f"{way}:val_{name}") == name
