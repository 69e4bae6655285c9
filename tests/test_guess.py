"""A constant guess beside the best trial: who is no better has learned nothing."""

from __future__ import annotations

import json

import numpy as np
import pytest

from hptune.data import Dataset, Part, Task, guess_alone
from hptune.tables import guess_text
from hptune.trial import Direction, Objective

ACCURACY = Objective(name="val_accuracy", direction=Direction.MAX)
LOSS = Objective(name="val_loss", direction=Direction.MIN)


def dataset(task: Task, train: list[float], validation: list[float]) -> Dataset:
    kind = np.float32 if task is Task.REGRESSION else np.int32
    parts = [Part(x=np.zeros((len(y), 1), np.float32), y=np.array(y, kind)) for y in (train, validation)]
    classes = () if task is Task.REGRESSION else ("no", "yes")
    return Dataset(name="made", task=task, train=parts[0], validation=parts[1], classes=classes)


def test_the_most_frequent_class_of_the_training_rows_is_judged_on_the_rows_of_the_objective() -> None:
    rare = dataset(Task.BINARY, [0, 0, 0, 1], [0, 1, 1, 0, 0])
    guess = guess_alone(rare, "val_accuracy", z_scored=False)
    assert guess is not None
    assert (guess.what, guess.score) == ("always no", 0.6)
    trained = guess_alone(rare, "accuracy", z_scored=True)
    assert trained is not None
    assert trained.score == 0.75


def test_the_mean_is_judged_in_standard_deviations_of_the_training_targets() -> None:
    numbers = dataset(Task.REGRESSION, [1, 3], [2, 5])
    guess = guess_alone(numbers, "val_loss", z_scored=True)
    assert guess is not None
    assert (guess.what, guess.score) == ("always the mean", pytest.approx((0 + 9) / 2))


@pytest.mark.parametrize(
    ("task", "objective", "z_scored"),
    [
        pytest.param(Task.REGRESSION, "val_loss", False, id="a loss of one's own"),
        pytest.param(Task.REGRESSION, "val_r2", True, id="another metric"),
        pytest.param(Task.BINARY, "val_loss", True, id="the loss of classes"),
        pytest.param(Task.OTHER, "val_accuracy", False, id="targets of another shape"),
    ],
)
def test_nothing_is_said_where_it_is_not_known(task: Task, objective: str, z_scored: bool) -> None:
    assert guess_alone(dataset(task, [0, 1], [1]), objective, z_scored=z_scored) is None
    assert guess_text({"guess": "null"}, ACCURACY, 0.5) == guess_text({}, ACCURACY, 0.5) == ""


@pytest.mark.parametrize(
    ("goal", "best", "said"),
    [
        pytest.param(ACCURACY, 0.7, "A guess alone (always no) scores 0.6.", id="better"),
        pytest.param(ACCURACY, 0.6, "Nothing better than a guess alone was found: always no", id="equal"),
        pytest.param(LOSS, 0.5, "A guess alone (always no) scores 0.6.", id="a lower loss"),
        pytest.param(LOSS, 0.7, "Nothing better than a guess alone was found: always no", id="a higher loss"),
    ],
)
def test_it_stands_beside_the_best(goal: Objective, best: float, said: str) -> None:
    meta = {"guess": json.dumps({"what": "always no", "score": 0.6})}
    assert guess_text(meta, goal, best).startswith(said)
