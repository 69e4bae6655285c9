"""Which metric is improved, and which way."""

from __future__ import annotations

import pytest

from hptune.data import Task
from hptune.errors import ObjectiveError
from hptune.study.trial import Direction, Objective
from hptune.training import resolve_objective

REPORTED = ("accuracy", "loss", "val_accuracy", "val_loss", "val_f1")


@pytest.mark.parametrize(
    ("reported", "task", "name"),
    [
        (REPORTED, Task.MULTICLASS, "val_accuracy"),
        (REPORTED, Task.BINARY, "val_accuracy"),
        (("loss", "val_loss"), Task.MULTICLASS, "val_loss"),
        (REPORTED, Task.REGRESSION, "val_loss"),
    ],
)
def test_without_a_name_it_is_what_the_task_suggests(
    reported: tuple[str, ...], task: Task, name: str
) -> None:
    assert resolve_objective(None, reported, task).name == name


@pytest.mark.parametrize(
    ("name", "direction"),
    [
        ("val_accuracy", "max"),
        ("loss", "min"),
        ("val_auc_2", "max"),
        ("val_r2", "max"),
        ("val_mean_absolute_error", "min"),
        ("val_mae", "min"),
        ("val_kl_divergence", "min"),
        ("val_head_accuracy", "max"),
        ("val_age_mae", "min"),
        ("val_head_loss", "min"),
        ("val_top_k_categorical_accuracy", "max"),
        ("val_false_negatives", "min"),
    ],
)
def test_the_direction_is_known_from_the_name(name: str, direction: str) -> None:
    assert resolve_objective(name, (name,), Task.OTHER) == Objective(
        name=name, direction=Direction(direction)
    )


@pytest.mark.parametrize("direction", list(Direction))
def test_a_name_may_say_its_direction(direction: Direction) -> None:
    found = resolve_objective(f"{direction}:val_f1", REPORTED, Task.MULTICLASS)
    assert found == Objective(name="val_f1", direction=direction)


def test_a_name_that_does_not_tell_the_direction_asks_for_it() -> None:
    with pytest.raises(ObjectiveError, match="does not tell") as refused:
        resolve_objective("val_f1", REPORTED, Task.MULTICLASS)
    assert refused.value.hint == "Write max:val_f1 or min:val_f1."


@pytest.mark.parametrize("name", ["val_acuracy", "max:val_acuracy"])
def test_a_wrong_name_lists_the_real_ones(name: str) -> None:
    with pytest.raises(ObjectiveError, match="objective val_acuracy: training reports no such") as refused:
        resolve_objective(name, REPORTED, Task.MULTICLASS)
    assert "Did you mean 'val_accuracy'?" in refused.value.hint
    assert ", ".join(sorted(REPORTED)) in refused.value.hint


def test_a_wrong_direction_is_refused() -> None:
    with pytest.raises(ObjectiveError, match="'most' is not a direction"):
        resolve_objective("most:val_loss", REPORTED, Task.MULTICLASS)


def test_a_number_without_a_name_is_less_is_better_unless_told_otherwise() -> None:
    assert resolve_objective(None, ("objective",), Task.BINARY).direction is Direction.MIN
    assert resolve_objective("val_accuracy", ("objective",), Task.BINARY).direction is Direction.MAX
    told = resolve_objective("max:score", ("objective",), Task.BINARY)
    assert told == Objective(name="score", direction=Direction.MAX)


def test_metrics_on_demand_are_told_beside_those_that_are_reported() -> None:
    with pytest.raises(ObjectiveError, match="no such metric") as refused:
        resolve_objective("cohens_kappa", ("loss", "val_loss"), Task.BINARY, on_demand=("auc", "f1_score"))
    assert refused.value.hint == "Known: loss, val_auc, val_f1_score, val_loss."


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("val_rmse", "val_root_mean_squared_error"),
        ("MAE", "val_mean_absolute_error"),
        ("val_AUROC", "val_auc"),
    ],
)
def test_what_people_call_a_metric_leads_to_its_name(asked: str, meant: str) -> None:
    reported = ("loss", "mean_absolute_error", "val_loss", "val_mean_absolute_error")
    with pytest.raises(ObjectiveError) as refused:
        resolve_objective(asked, reported, Task.REGRESSION, on_demand=("root_mean_squared_error", "auc"))
    assert refused.value.hint.startswith(f"Did you mean '{meant}'?")
