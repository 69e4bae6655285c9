"""Which metric a search improves, and which way it gets better."""

from __future__ import annotations

from collections.abc import Sequence

from hptune.data import Task
from hptune.errors import ObjectiveError, did_you_mean
from hptune.study.trial import Direction, Objective

__all__ = ["UNNAMED", "direction_of", "resolve_objective"]

UNNAMED = "objective"
"""What a user's own fit reports when it returns a number; less is better, as in Keras Tuner."""

_MORE_IS_BETTER = frozenset(
    {
        "acc",
        "accuracy",
        "auc",
        "binary_accuracy",
        "binary_io_u",
        "categorical_accuracy",
        "concordance_correlation",
        "cosine_similarity",
        "f1_score",
        "fbeta_score",
        "io_u",
        "mean_io_u",
        "one_hot_io_u",
        "one_hot_mean_io_u",
        "pearson_correlation",
        "precision",
        "precision_at_recall",
        "r2",
        "r2_score",
        "recall",
        "recall_at_precision",
        "sensitivity_at_specificity",
        "sparse_categorical_accuracy",
        "sparse_top_k_categorical_accuracy",
        "specificity_at_sensitivity",
        "top_k_categorical_accuracy",
        "true_negatives",
        "true_positives",
    }
)
_LESS_IS_BETTER = frozenset(
    {"ce", "false_negatives", "false_positives", "loss", "mae", "mape", "mse", "msle", "rmse"}
)
_MEASURES_OF_ERROR = (
    "error",
    "loss",
    "crossentropy",
    "hinge",
    "logcosh",
    "log_cosh",
    "divergence",
    "poisson",
)
"""Endings of the metrics of Keras of which less is better."""

_ALSO_CALLED = {
    "acc": "accuracy",
    "ap": "pr_auc",
    "auprc": "pr_auc",
    "auroc": "auc",
    "average_precision": "pr_auc",
    "f1": "f1_score",
    "mae": "mean_absolute_error",
    "mse": "loss",
    "r2_score": "r2",
    "rmse": "root_mean_squared_error",
    "roc_auc": "auc",
}
"""What people call the metrics of the recipes."""


def resolve_objective(
    name: str | None, reported: Sequence[str], task: Task, *, on_demand: Sequence[str] = ()
) -> Objective:
    """Return the objective that `name` means among the metrics that training reports.

    `on_demand` would be reported, too, where one of them was asked for.

    None is val_accuracy where it is reported for classes, or for targets of which nothing is known,
    val_binary_accuracy where it is for several labels, else val_loss. A name may say its
    direction: max:val_f1, min:val_cost; otherwise it is known from the name, as in Keras
    Tuner. Raises ObjectiveError where it is not reported or its direction is unknown.
    """
    if name is None:
        classes = task in (Task.BINARY, Task.MULTICLASS, Task.UNKNOWN)
        name = "val_accuracy" if classes and "val_accuracy" in reported else "val_loss"
        if task is Task.MULTILABEL and "val_binary_accuracy" in reported:
            name = "val_binary_accuracy"
        if tuple(reported) == (UNNAMED,):
            name = UNNAMED
    prefix, colon, metric = name.rpartition(":")
    if colon and prefix not in ("max", "min"):
        raise ObjectiveError(
            f"objective {name}: {prefix!r} is not a direction", hint="Write max: or min: before it."
        )
    if tuple(reported) == (UNNAMED,):
        # A fit that returns a number: it is whatever the person says it is.
        prefix = prefix or str(direction_of(metric) or Direction.MIN)
        return Objective(name=metric, direction=Direction(prefix))
    if metric not in reported:
        names = [*reported, *(f"val_{other}" for other in on_demand)]
        asked = metric.casefold().removeprefix("val_")
        raise ObjectiveError(
            f"objective {metric}: training reports no such metric",
            hint=did_you_mean(f"val_{_ALSO_CALLED.get(asked, asked)}", names, and_known=True),
        )
    if colon:
        return Objective(name=metric, direction=Direction(prefix))
    direction = direction_of(metric)
    if direction is None:
        raise ObjectiveError(
            f"objective {metric}: the name does not tell whether more or less is better",
            hint=f"Write max:{metric} or min:{metric}.",
        )
    return Objective(name=metric, direction=direction)


def direction_of(metric: str) -> Direction | None:
    """Return which way a metric gets better by its name, or None where that does not tell."""
    base = metric.removeprefix("val_").removeprefix("weighted_")
    stem, _, number = base.rpartition("_")
    if number.isdigit():
        # The second model of a process has auc_1 where the first had auc.
        base = stem
    if base in _MORE_IS_BETTER:
        return Direction.MAX
    if base in _LESS_IS_BETTER or base.endswith(_MEASURES_OF_ERROR):
        return Direction.MIN
    # Of a model with several outputs: head_accuracy, head_loss.
    for known in sorted(_MORE_IS_BETTER, key=len, reverse=True):
        if base.endswith(f"_{known}"):
            return Direction.MAX
    if base.endswith(tuple(f"_{known}" for known in _LESS_IS_BETTER)):
        return Direction.MIN
    return None
