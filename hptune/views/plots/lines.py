"""Lines over epochs or cost: learning curves, and the best score so far."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from hptune.views.plots.axis import Axis, linear_axis
from hptune.views.plots.frame import Frame
from hptune.views.plots.svg import element, path, text

__all__ = ["Line", "epoch_axis", "line_plot", "stairs"]

_MOST_POINTS = 120
"""More than a line of 300 units can show."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of a plot."""

    points: tuple[tuple[float, float], ...]
    """x upwards; gaps where y is not finite."""
    kind: str
    """Its class: curve, train, faint, p1 …"""
    name: str = ""
    """Shown at a pointer."""
    group: int = 0
    """Colour; 0 for the kind's own."""


def line_plot(
    lines: Sequence[Line],
    *,
    x: Axis,
    y: Axis,
    title: str,
    marks: Sequence[tuple[float, float, str]] = (),
    height: int = 200,
) -> str:
    """Return lines over x; `marks` are points with a name."""
    frame = Frame(x=x, y=y, height=height)
    drawn = [_window(frame, [_line(frame, line) for line in lines])]
    for at, score, name in marks:
        words = element("title", text(name))
        spot = _spot(frame, at, score)
        drawn.append(element("circle", words, cx=spot[0], cy=spot[1], r=4.5, class_="best"))
    return frame.draw(*drawn, title=title)


def _spot(frame: Frame, x: float, y: float) -> tuple[float, float]:
    assert frame.y is not None
    return _placed(frame, frame.x.at(x), frame.y.at(y))


def _placed(frame: Frame, right: float | None, up: float | None) -> tuple[float, float]:
    """Return where a place on both axes lies; far beyond the plot is far enough."""
    return frame.px(right or 0.0), frame.py(min(max(up or 0.0, -9.0), 9.0))


def _window(frame: Frame, drawn: Sequence[str]) -> str:
    """Cut lines off where the axes end; a little room is left for their width."""
    left, top = frame.px(0) - 2, frame.py(1) - 3
    width, height = frame.px(1) - left + 3, frame.py(0) - top + 1
    box = f"{left:g} {top:g} {width:g} {height:g}"
    return element("svg", *drawn, x=left, y=top, width=width, height=height, viewBox=box)


def _line(frame: Frame, line: Line) -> str:
    assert frame.y is not None
    points = [p for p in _thinned(line.points) if math.isfinite(p[1])]
    across, ups = frame.x.places([x for x, _ in points]), frame.y.places([y for _, y in points])
    spots = [_placed(frame, *units) for units in zip(across, ups, strict=True) if units[0] is not None]
    if not spots:
        return ""
    kind = f"line {line.kind}" + (f" p{line.group}" if line.group else "")
    data = path(spots) + ("h0.01" if len(spots) == 1 else "")
    if not line.name:
        return element("path", d=data, class_=kind)
    return element("path", element("title", text(line.name)), d=data, class_=kind)


def _thinned(points: Sequence[tuple[float, float]]) -> Sequence[tuple[float, float]]:
    """Return at most 120 of the points, the ends among them."""
    if len(points) <= _MOST_POINTS:
        return points
    step = (len(points) - 1) / (_MOST_POINTS - 1)
    return [points[round(i * step)] for i in range(_MOST_POINTS)]


def stairs(points: Sequence[tuple[float, float]], end: float) -> tuple[tuple[float, float], ...]:
    """Return the corners of steps: each value holds until the next one, the last until `end`."""
    corners: list[tuple[float, float]] = []
    for x, y in points:
        if corners:
            corners.append((x, corners[-1][1]))
        corners.append((x, y))
    if corners:
        corners.append((max(end, corners[-1][0]), corners[-1][1]))
    return tuple(corners)


def epoch_axis(most: int) -> Axis:
    """Return the axis for epochs from 1."""
    return linear_axis("epoch", 1, max(2, most), whole=True)
