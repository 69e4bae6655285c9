"""What the page's script knows: the trials as columns, and the axes that it turns into a command."""

from __future__ import annotations

import json
import shlex
from typing import Any

from hptune.space import Hyperparameter, Value
from hptune.space.range_text import exact_text
from hptune.views.plots.axis import Axis
from hptune.views.report.trials import order
from hptune.views.snapshot import Snapshot
from hptune.views.tables import format_value

__all__ = ["page_data"]

PLACES = 10_000
"""Positions on an axis go to the page as whole numbers up to this."""


def page_data(snapshot: Snapshot) -> str:
    """Return JSON that is safe inside a script element; trials in the order of the table."""
    trials = order(snapshot)
    content: dict[str, Any] = {
        "command": f"hptune narrow {shlex.quote(snapshot.folder)}",
        "objective": snapshot.identity.objective,
        "sign": snapshot.goal.sign,
        "score_axis": [snapshot.score_axis.low, snapshot.score_axis.high],
        "trial": [t.id for t in trials],
        "pass": [t.pass_number for t in trials],
        "state": [t.state.value for t in trials],
        "score": [_rounded(t.score) for t in trials],
        "epochs": [t.epochs for t in trials],
        "seconds": [round(t.seconds, 1) for t in trials],
        "reason": {t.id: t.reason for t in trials if t.reason},
        "axes": [_axis(snapshot.axes[hp.name], hp) for hp in snapshot.hyperparameters],
        "places": [[_place(snapshot.place(hp.name, t)) for t in trials] for hp in snapshot.hyperparameters],
        "values": [[_value(t.values.get(hp.name)) for t in trials] for hp in snapshot.hyperparameters],
    }
    return json.dumps(content, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def _axis(axis: Axis, hp: Hyperparameter) -> dict[str, Any]:
    """Return what turns a position into the text of --set."""
    content: dict[str, Any] = {"name": axis.label, "spread": round(axis.spread, 5)}
    if axis.options is not None:
        return content | {"options": [exact_text(option) for option in axis.options]}
    ends = (axis.few[0], axis.few[-1]) if axis.few else (axis.low, axis.high)
    limits = getattr(hp, "limits", None) or ends
    return content | {
        "scale": axis.scale.value,
        "low": axis.low,
        "high": axis.high,
        "limits": list(limits),
        "whole": axis.whole,
        "few": list(axis.few),
    }


def _place(place: float | None) -> int | None:
    return None if place is None else round(place * PLACES)


def _value(value: Value | None) -> Value | None:
    """Return a value as the table shows it; numbers stay numbers, so that they sort."""
    if isinstance(value, float):
        return float(format_value(value)) if abs(value) < float("inf") else str(value)
    return value


def _rounded(score: float | None) -> float | None:
    return None if score is None or score != score or abs(score) == float("inf") else float(f"{score:.6g}")
