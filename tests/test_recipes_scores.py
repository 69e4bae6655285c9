"""Scores of class codes are what their formulas say, in one batch or in many."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hptune.data import Task
from hptune.models.backend import keras
from hptune.recipes import Facts, metrics_on_demand
from hptune.recipes.facts import LearnedStatistics
from hptune.recipes.scores import AUC, BalancedAccuracy, F1Score
from hptune.train.objective import direction_of
from hptune.trial import Direction, metric_of

RNG = np.random.default_rng(0)
FOUR = RNG.integers(0, 4, 300).astype(np.int32)
SHARES = RNG.random((300, 4)).astype(np.float32)
SHARES[np.arange(300), FOUR] += 0.4
SHARES /= SHARES.sum(axis=1, keepdims=True)
TWO = (RNG.random(300) < 0.2).astype(np.int32)
SIDES = np.clip(RNG.random((300, 1)) * 0.7 + 0.2 * TWO[:, None], 0, 1).astype(np.float32)


def told(metric: Any, y: NDArray[Any], predicted: NDArray[Any], batch: int) -> float:
    for first in range(0, len(y), batch):
        metric.update_state(y[first : first + batch], predicted[first : first + batch])
    return float(metric.result())


def recalls(true: NDArray[Any], told: NDArray[Any]) -> list[float]:
    return [float((told[true == code] == code).mean()) for code in np.unique(true)]


def f1(true: NDArray[Any], told: NDArray[Any], code: int) -> float:
    right = int(((true == code) & (told == code)).sum())
    return 2 * right / (int((true == code).sum()) + int((told == code).sum()))


def area(true: NDArray[Any], score: NDArray[Any]) -> float:
    """Return how often a row of the class has the higher score: Mann and Whitney's statistic."""
    above = score[true == 1][:, None] - score[true == 0][None, :]
    return float((above > 0).mean() + 0.5 * (above == 0).mean())


@pytest.mark.parametrize("batch", [300, 7])
def test_scores_of_many_classes(batch: int) -> None:
    codes = SHARES.argmax(axis=1)
    assert told(BalancedAccuracy(4), FOUR, SHARES, batch) == pytest.approx(np.mean(recalls(FOUR, codes)))
    expected = np.mean([f1(FOUR, codes, code) for code in range(4)])
    assert told(F1Score(4), FOUR, SHARES, batch) == pytest.approx(expected)
    areas = [area(code == FOUR, SHARES[:, code]) for code in range(4)]
    auc = AUC(num_thresholds=2000, multi_label=True, num_labels=4)
    assert told(auc, FOUR, SHARES, batch) == pytest.approx(np.mean(areas), abs=1e-3)


@pytest.mark.parametrize("batch", [300, 7])
@pytest.mark.parametrize("shape", [(-1,), (-1, 1)])
def test_scores_of_two_classes(batch: int, shape: tuple[int, ...]) -> None:
    codes, y = (SIDES[:, 0] > 0.5).astype(int), TWO.reshape(shape)
    assert told(BalancedAccuracy(2), y, SIDES, batch) == pytest.approx(np.mean(recalls(TWO, codes)))
    assert told(F1Score(2), y, SIDES, batch) == pytest.approx(f1(TWO, codes, 1))


def test_a_class_without_rows_counts_in_no_mean_of_recalls() -> None:
    assert told(BalancedAccuracy(4), np.array([0, 1]), np.eye(4, dtype=np.float32)[[0, 3]], 2) == 0.5


def test_before_the_first_row_a_score_is_nothing() -> None:
    assert float(BalancedAccuracy(3).result()) == float(F1Score(3).result()) == 0.0


@pytest.mark.parametrize(
    "metric", [BalancedAccuracy(3, name="a"), F1Score(2), AUC(multi_label=True, num_labels=3)]
)
def test_a_score_is_saved_and_loaded(metric: Any) -> None:
    config = keras.saving.serialize_keras_object(metric)
    again = keras.saving.deserialize_keras_object(config)
    assert type(again) is type(metric)
    assert again.get_config() == metric.get_config()


def facts(task: Task) -> Facts:
    outputs = 3 if task is Task.MULTICLASS else 1
    x = np.zeros((4, 2), np.float32)
    return Facts(input_shape=(2,), task=task, outputs=outputs, rows=4, statistics=LearnedStatistics(x))


@pytest.mark.parametrize("task", [Task.BINARY, Task.MULTICLASS, Task.REGRESSION])
def test_a_metric_on_demand_reports_under_its_name_which_tells_its_direction(task: Task) -> None:
    found = metrics_on_demand(facts(task))
    assert found
    for name, call in found.items():
        assert call.make().name == name
        way = Direction.MIN if name.endswith("error") else Direction.MAX
        assert direction_of(f"val_{name}") is way
        assert metric_of(f"{way}:val_{name}") == name


def test_an_area_is_told_where_a_class_is_rare() -> None:
    # With Keras's own 200 steps it is off by a tenth.
    rng = np.random.default_rng(1)
    y = (rng.random(20_000) < 0.005).astype(np.int32)
    score = 1 / (1 + np.exp(6.3 - rng.normal(size=20_000) - 1.5 * y))
    found = metrics_on_demand(facts(Task.BINARY))["auc"].make()
    found.update_state(y, score.astype(np.float32).reshape(-1, 1))
    assert float(found.result()) == pytest.approx(area(y, score), abs=2e-3)
