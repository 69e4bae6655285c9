"""Objective against cost, with the Pareto front: what nothing cheaper beats."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hptune._text import significant
from hptune.views.plots.axis import Axis
from hptune.views.plots.frame import Frame
from hptune.views.plots.lines import stairs
from hptune.views.plots.svg import element, number, path, text

__all__ = ["Priced", "front", "front_plot"]

_CROWD = 600
"""More points than this are drawn smaller and fainter."""


@dataclass(frozen=True, kw_only=True)
class Priced:
    """One trial with what it costs."""

    trial: int
    group: int
    cost: float
    score: float


def front(points: Iterable[Priced], sign: int) -> list[Priced]:
    """Return the points that no other beats at the same or a smaller cost, cheapest first."""
    found: list[Priced] = []
    for point in sorted(points, key=lambda p: (p.cost, -sign * p.score, p.trial)):
        if not found or sign * point.score > sign * found[-1].score:
            found.append(point)
    return found


def front_plot(x: Axis, y: Axis, points: Sequence[Priced], *, sign: int, title: str) -> str:
    """Return a scatter with the front drawn through it; `sign` is +1 where more is better."""
    frame = Frame(x=x, y=y)
    spots = _spots(frame, points)
    marks = []
    for group in sorted({p.group for p in points}):
        mine = (spots[p.trial] for p in points if p.group == group)
        dots = "".join(f"M{number(across)} {number(up)}h0" for across, up in mine)
        marks.append(element("path", d=dots, class_=f"dots p{group}"))
    shown = [p for p in front(points, sign) if y.low <= p.score <= y.high]
    corners = [spots[p.trial] for p in shown]
    if corners:
        # What a front reaches it reaches for every higher cost, too: steps, to the edge.
        marks.append(element("path", d=path(stairs(corners, frame.px(1))), class_="front"))
    for point, (at, up) in zip(shown, corners, strict=True):
        words = element(
            "title",
            text(f"trial {point.trial}: {significant(point.score, 5)} at {significant(point.cost, 4)}"),
        )
        marks.append(element("circle", words, cx=at, cy=up, r=4.0, class_="mark"))
    return frame.draw(*marks, title=title, kind="plot crowd" if len(points) > _CROWD else "plot")


def _spots(frame: Frame, points: Sequence[Priced]) -> dict[int, tuple[float, float]]:
    """Return where each trial lies; what the y axis does not reach lies on its border."""
    assert frame.y is not None
    across = frame.x.places([p.cost for p in points])
    ups = frame.y.places([p.score for p in points])
    return {
        p.trial: (frame.px(right or 0.0), frame.py(min(max(up or 0.0, 0.0), 1.0)))
        for p, right, up in zip(points, across, ups, strict=True)
    }
