"""How the best trial stands beside a guess that is the same for every row."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from hptune.study.trial import Objective, metric_of
from hptune.views.tables.text import format_value

__all__ = ["baseline_dict", "baseline_text"]


def baseline_dict(meta: Mapping[str, str]) -> dict[str, Any] | None:
    """Return what a search noted of a guess alone, `what` and `score`; None where it can't be told."""
    noted: dict[str, Any] | None = json.loads(meta.get("guess", "null"))
    return noted


def baseline_text(meta: Mapping[str, str], goal: Objective, best: float | None) -> str:
    """Say what a guess alone scores, and where the best trial is no better; "" where it can't be told."""
    noted = baseline_dict(meta)
    if noted is None or best is None:
        return ""
    score = format_value(noted["score"])
    if goal.sign * (best - noted["score"]) > 0:
        return f"A guess alone ({noted['what']}) scores {score}."
    said = f"Nothing better than a guess alone was found: {noted['what']} scores {score}."
    if metric_of(goal.name) == "accuracy":
        said += " --class-weight balanced makes rare classes count."
    return said
