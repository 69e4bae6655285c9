"""How the best trial stands beside the baseline: one prediction for every row."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from hptune.study.notes import Baseline
from hptune.study.trial import Objective, metric_of
from hptune.views.tables.text import format_value

__all__ = ["baseline_dict", "baseline_text"]


_MAJORITY = 0.6
"""Share of rows of one class from which the others are rare."""


def baseline_dict(baseline: Baseline | None) -> dict[str, Any] | None:
    """Return a baseline as plain data, `what` and `score`."""
    return None if baseline is None else asdict(baseline)


def baseline_text(baseline: Baseline | None, goal: Objective, best: float | None) -> str:
    """Return the baseline's score in a sentence, which says where the best trial is no better."""
    if baseline is None or best is None:
        return ""
    score = format_value(baseline.score)
    if goal.sign * (best - baseline.score) > 0:
        return f"Baseline ({baseline.what}): {score}."
    text = f"No trial beats the baseline: {baseline.what} scores {score}."
    if metric_of(goal.name) == "accuracy" and baseline.score >= _MAJORITY:
        text += " --class-weight balanced makes rare classes count."
    return text
