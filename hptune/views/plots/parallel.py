"""Parallel coordinates: one upright axis per hyperparameter, one line per trial."""

from __future__ import annotations

from collections.abc import Sequence

from hptune.views.plots.axis import Axis
from hptune.views.plots.svg import element, number, text

__all__ = ["AXIS_HEIGHT", "parallel_plot"]

AXIS_HEIGHT = 240
_TOP = 40
_GAP = 100
_LEFT = 62
_RIGHT = 56
_FEW = 80
"""So many lines or fewer are drawn stronger."""


def parallel_plot(
    axes: Sequence[Axis], lines: Sequence[tuple[int, float, Sequence[float | None]]], *, title: str
) -> str:
    """Return the drawing. Each line is a trial, its standing from 0 (worst) to 1, and its place on each axis.

    A place of None (an inactive hyperparameter) lies below its axis. The last axis is the objective.
    The page's script makes the axes brushable.
    """
    width = _LEFT + _GAP * (len(axes) - 1) + _RIGHT
    height = _TOP + AXIS_HEIGHT + 30
    drawn = "".join(_line(trial, rank, places) for trial, rank, places in lines)
    parts = [element("g", drawn, class_="lines"), *(_axis(i, axis) for i, axis in enumerate(axes))]
    foot = element("text", "inactive", x=6, y=_y(None) + 4, class_="tick")
    if any(place is None for _, _, places in lines for place in places):
        parts.append(foot)
    return element(
        "svg",
        *parts,
        viewBox=f"0 0 {width} {height}",
        style=f"min-width:{width}px",
        role="img",
        aria_label=title,
        class_="parallel few" if len(lines) <= _FEW else "parallel",
        data_top=_TOP,
        data_height=AXIS_HEIGHT,
    )


def _x(index: int) -> float:
    return _LEFT + _GAP * index


def _y(place: float | None) -> float:
    return _TOP + AXIS_HEIGHT + 18 if place is None else _TOP + (1 - min(max(place, 0), 1)) * AXIS_HEIGHT


def _line(trial: int, rank: float, places: Sequence[float | None]) -> str:
    data = "M" + "L".join(f"{number(_x(i))} {number(_y(place))}" for i, place in enumerate(places))
    return element("path", d=data, data_trial=trial, style=f"--r:{rank:.2f}")


def _axis(index: int, axis: Axis) -> str:
    x = _x(index)
    # Names of neighbours stand on two levels, so that long ones don't touch.
    name = element(
        "text", text(axis.label), x=x, y=14 + 14 * (index % 2), class_="label", text_anchor="middle"
    )
    parts = [name, element("line", x1=x, x2=x, y1=_TOP, y2=_TOP + AXIS_HEIGHT, class_="axis")]
    for unit, label in axis.ticks:
        if -0.001 <= unit <= 1.001:
            shown = label if len(label) <= 9 else label[:8] + "…"
            parts.append(
                element("text", text(shown), x=x - 6, y=_y(unit) + 3.5, class_="tick", text_anchor="end")
            )
            parts.append(element("line", x1=x - 4, x2=x, y1=_y(unit), y2=_y(unit), class_="axis"))
    parts.append(element("rect", x=x - 22, y=_TOP - 8, width=44, height=AXIS_HEIGHT + 16, class_="grip"))
    return element("g", *parts, class_="paxis", data_name=axis.label, data_x=x)
