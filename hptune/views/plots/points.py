"""Value against objective: every trial as a point, or the best of each region."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hptune._text import significant
from hptune.space import Hyperparameter
from hptune.views.plots.axis import Axis
from hptune.views.plots.frame import Frame
from hptune.views.plots.svg import element, number, path, text

__all__ = ["Point", "Region", "axis_plot", "isolation_plot", "regions_of"]

_BINS = 12
_STRIP = 18
_CROWD = 600
"""More points than this are drawn smaller and fainter."""
_GOLDEN = 0.618033988749895


@dataclass(frozen=True, kw_only=True)
class Point:
    """One trial in a plot."""

    trial: int
    group: int
    """From 1: the pass."""
    place: float
    """Where its value lies on the x axis."""
    score: float | None
    """None where it could not be trained."""


@dataclass(frozen=True, kw_only=True)
class Region:
    """A part of an axis with the best trial in it."""

    place: float
    """Its middle, on [0, 1]."""
    best: Point
    trials: int


def axis_plot(
    x: Axis,
    y: Axis,
    points: Sequence[Point],
    ranges: Sequence[Hyperparameter],
    *,
    best: int | None,
    title: str,
) -> str:
    """Return a scatter of value against score, one colour per pass, its ranges shaded below.

    Points beyond the y axis lie hollow on its border; what could not be trained lies as × in a strip of
    its own. `ranges` are the hyperparameter's, pass by pass.
    """
    lost = [p for p in points if p.score is None]
    scored = [p for p in points if p.score is not None]
    frame = Frame(x=x, y=y, strip=_STRIP if lost else 0, height=210 if scored or not lost else 80)
    groups = sorted({p.group for p in scored})
    marks = [_shades(frame, ranges), *(_dots(frame, [p for p in scored if p.group == g], g) for g in groups)]
    marks += [_crosses(frame, lost), _star(frame, next((p for p in scored if p.trial == best), None))]
    crowd = " crowd" if len(points) > _CROWD else ""
    return frame.draw(*marks, title=title, kind=f"plot{crowd}", data_hp=x.label)


def _across(frame: Frame, point: Point) -> float:
    """Return a point's x; those of one value are spread over its room so that they don't hide each other."""
    return frame.px(point.place + ((point.trial * _GOLDEN) % 1 - 0.5) * frame.x.spread)


def _height(frame: Frame, score: float) -> tuple[float, bool]:
    """Return a score's y and whether it lies inside the axis."""
    assert frame.y is not None
    unit = (score - frame.y.low) / (frame.y.high - frame.y.low)
    return frame.py(min(max(unit, 0.0), 1.0)), 0 <= unit <= 1


def _dots(frame: Frame, points: Iterable[Point], group: int) -> str:
    inside: list[str] = []
    beyond: list[str] = []
    for point in points:
        assert point.score is not None
        x = _across(frame, point)
        y, fits = _height(frame, point.score)
        (inside if fits else beyond).append(f"M{number(x)} {number(y)}h0")
    marks = element("path", d="".join(inside), class_=f"dots p{group}") if inside else ""
    return marks + (element("path", d="".join(beyond), class_=f"dots beyond p{group}") if beyond else "")


def _crosses(frame: Frame, points: Sequence[Point]) -> str:
    if not points:
        return ""
    middle = frame.floor + frame.strip / 2 + 1
    placed = [_across(frame, p) for p in points]
    crosses = "".join(f"M{number(x - 3)} {number(middle - 3)}l6 6m0-6l-6 6" for x in placed)
    rule = element(
        "line", x1=frame.px(0), x2=frame.px(1), y1=frame.floor + 2, y2=frame.floor + 2, class_="grid"
    )
    name = element("text", "lost", x=frame.left - 5, y=middle + 3.5, class_="tick", text_anchor="end")
    return rule + name + element("path", d=crosses, class_="crosses")


def _star(frame: Frame, point: Point | None) -> str:
    if point is None or point.score is None:
        return ""
    x = _across(frame, point)
    y, _ = _height(frame, point.score)
    words = element("title", text(f"best: trial {point.trial}"))
    return element("circle", words, cx=x, cy=y, r=5.5, class_="best")


def _shades(frame: Frame, ranges: Sequence[Hyperparameter]) -> str:
    """Shade each range, so that what every pass covered is darkest."""
    marks = []
    parts = [_parts(frame.x, hp) for hp in ranges]
    if all(p == parts[0] for p in parts):
        return ""
    for spans in parts:
        for low, high in spans:
            left, right = frame.px(max(low, 0.0)), frame.px(min(high, 1.0))
            height = frame.floor - frame.top
            marks.append(
                element(
                    "rect", x=left, y=frame.top, width=max(right - left, 1.5), height=height, class_="shade"
                )
            )
    return "".join(marks)


def _parts(axis: Axis, hp: Hyperparameter) -> list[tuple[float, float]]:
    if axis.options is None:
        span = axis.cover(hp)
        return [] if span is None else [span]
    count = len(axis.options)
    return [(i / count, (i + 1) / count) for i in axis.chosen(hp)]


# The best over everything else


def isolation_plot(x: Axis, y: Axis, regions: Sequence[Region], *, title: str) -> str:
    """Return the best score in each region of one hyperparameter, whatever everything else was.

    Bars at the foot tell how many trials each region had.
    """
    frame = Frame(x=x, y=y, strip=_STRIP + 6)
    most = max((region.trials for region in regions), default=1)
    width = (frame.px(1) - frame.px(0)) * (x.spread / 0.8 if x.spread else 1 / _BINS)
    bars, dots, line = [], [], []
    for region in regions:
        best, count = region.best, region.trials
        at, tall = frame.px(region.place), max(1.0, (_STRIP - 4) * count / most)
        bars.append(
            element(
                "rect",
                element("title", text(f"{count} trials")),
                x=max(at - width * 0.4, frame.px(0)),
                y=frame.height - frame.bottom - tall,
                width=min(at + width * 0.4, frame.px(1)) - max(at - width * 0.4, frame.px(0)),
                height=tall,
                class_="count",
            )
        )
        assert best.score is not None
        y_at, fits = _height(frame, best.score)
        line.append((at, y_at))
        words = f"best of {count}: {significant(best.score, 5)} (trial {best.trial})"
        dots.append(
            element(
                "circle",
                element("title", text(words)),
                cx=at,
                cy=y_at,
                r=4.0,
                class_="mark" if fits else "mark beyond",
            )
        )
    trace = element("path", d=path(line), class_="trace") if len(line) > 1 and x.options is None else ""
    name = element(
        "text",
        "trials",
        x=frame.left - 5,
        y=frame.height - frame.bottom - 4.0,
        class_="tick",
        text_anchor="end",
    )
    return frame.draw(*bars, name, trace, *dots, title=title)


def regions_of(x: Axis, points: Sequence[Point], sign: int) -> list[Region]:
    """Return the regions of an axis that hold a score: its options, or twelfths of it.

    `sign` is +1 where more is better.
    """
    found: dict[float, list[Point]] = {}
    for point in points:
        if point.score is None:
            continue
        own = x.spread > 0
        binned = (min(int(point.place * _BINS), _BINS - 1) + 0.5) / _BINS
        middle = round(point.place, 6) if own else binned
        found.setdefault(middle, []).append(point)

    def best(group: list[Point]) -> Point:
        return max(group, key=lambda p: (sign * (p.score or 0.0), -p.trial))

    return [Region(place=at, best=best(group), trials=len(group)) for at, group in sorted(found.items())]
