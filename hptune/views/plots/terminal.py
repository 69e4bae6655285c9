"""Values against the objective as lines of text, about 80 columns wide, with the ranges drawn below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hptune.space import Fixed, Hyperparameter
from hptune.space.describe import describe_value
from hptune.views.plots.axis import Axis

__all__ = ["ASCII", "UNICODE", "Dot", "Marks", "text_plot"]

_LABEL = 8
"""Columns left of the plot."""


@dataclass(frozen=True, kw_only=True)
class Dot:
    """One trial."""

    place: float
    """Where its value lies on the axis, 0 to 1."""
    score: float | None
    """None where it could not be trained."""


@dataclass(frozen=True, kw_only=True)
class Marks:
    """What a plot is drawn with."""

    some: str
    """For a place with 1, 2 to 4, and 5 or more trials."""
    best: str
    lost: str
    """Could not be trained."""
    hard_bound: str
    corner: str
    floor: str
    left: str
    span: str
    right: str
    point: str
    """A single value."""


ASCII = Marks(
    some=".oO",
    best="*",
    lost="x",
    hard_bound="|",
    corner="+",
    floor="-",
    left="[",
    span="=",
    right="]",
    point="^",
)
UNICODE = Marks(
    some="·•●",
    best="★",
    lost="×",
    hard_bound="│",
    corner="└",
    floor="─",
    left="├",
    span="━",
    right="┤",
    point="▲",
)


def text_plot(
    x: Axis,
    y: Axis,
    dots: Sequence[Dot],
    ranges: Sequence[tuple[str, Hyperparameter]],
    *,
    best: Dot | None = None,
    width: int = 60,
    height: int = 8,
    marks: Marks = UNICODE,
) -> list[str]:
    """Return the lines of a scatter plot of `height` rows, its axis, and one line per range.

    Scores beyond the y axis lie on its border. What could not be trained has a row of its own below.
    """
    counts = [[0] * width for _ in range(height)]
    lost = [0] * width
    for dot in dots:
        row = lost if dot.score is None else counts[_row(y, dot.score, height)]
        row[_column(dot.place, width)] += 1
    rows = ["".join(_mark(count, marks) for count in row) for row in counts]
    if best is not None and best.score is not None:
        at, column = _row(y, best.score, height), _column(best.place, width)
        rows[at] = rows[at][:column] + marks.best + rows[at][column + 1 :]
    labels = [""] * height
    labels[0], labels[-1] = _figure(y.high), _figure(y.low)
    lines = [f"{label:>{_LABEL}} {marks.hard_bound}{row}" for label, row in zip(labels, rows, strict=True)]
    if any(lost):
        drawn = "".join(marks.lost if count else " " for count in lost)
        lines.append(f"{'no score':>{_LABEL}} {marks.hard_bound}{drawn}")
    lines.append(f"{'':{_LABEL}} {marks.corner}{marks.floor * width}")
    lines.append(f"{'':{_LABEL}}  {_ticks(x, width)}")
    lines += [f"{name:>{_LABEL}}  {_range(x, hp, width, marks)}" for name, hp in ranges]
    return [line.rstrip() for line in lines]


def _row(y: Axis, score: float, height: int) -> int:
    unit = (score - y.low) / (y.high - y.low)
    return height - 1 - _column(unit, height)


def _column(unit: float, width: int) -> int:
    # A place such as 0.25 comes out of logarithms a hair below.
    return min(max(int(unit * width + 1e-9), 0), width - 1)


def _mark(count: int, marks: Marks) -> str:
    if not count:
        return " "
    return marks.some[0 if count == 1 else 1 if count < 5 else 2]


def _figure(value: float) -> str:
    return describe_value(float(f"{value:.4g}"))


def _ticks(x: Axis, width: int) -> str:
    """Return the texts of the ticks below their places, leaving out those that would touch others."""
    line = [" "] * width
    free = 0
    for place, text in x.ticks:
        text = text[:width]
        begin = min(max(_column(place, width) - len(text) // 2, 0), width - len(text))
        if begin >= free:
            line[begin : begin + len(text)] = text
            free = begin + len(text) + 1
    return "".join(line)


def _range(x: Axis, hp: Hyperparameter, width: int, marks: Marks) -> str:
    line = [" "] * width
    span = x.span(hp)
    if isinstance(hp, Fixed):
        place = x.at(hp.value)
        if place is not None:
            line[_column(place, width)] = marks.point
    elif span is not None:
        first, last = (_column(end, width) for end in span)
        line[first : last + 1] = marks.span * (last - first + 1)
        line[first], line[last] = marks.left, marks.right
    for i in x.chosen(hp) if span is None else ():
        part = width / len(x.options or (None,))
        for column in range(
            _column(i * part / width, width), max(int((i + 1) * part) - 1, int(i * part) + 1)
        ):
            line[column] = marks.span
    return "".join(line)
