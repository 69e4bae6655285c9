"""How a range moved, pass by pass: a funnel from the first pass at the top to the next one below."""

from __future__ import annotations

from collections.abc import Sequence

from hptune.space import Fixed, Hyperparameter, Value
from hptune.space.describe import describe_range
from hptune.views.plots.axis import Axis
from hptune.views.plots.frame import Frame
from hptune.views.plots.svg import element, path, text

__all__ = ["funnel"]

_ROW = 22
_BAR = 12


def funnel(
    axis: Axis, ranges: Sequence[tuple[str, Hyperparameter]], *, best: Value | None, title: str
) -> str:
    """Return one bar per pass; `ranges` has a name for each, in order. `best` is marked through all."""
    height = 12 + _ROW * len(ranges) + 34
    longest = max((len(name) for name, _ in ranges), default=6)
    frame = Frame(x=axis, y=None, height=height, left=max(46, 8 + round(longest * 6.2)))
    marks = [_sides(frame, [hp for _, hp in ranges])]
    for row, (name, hp) in enumerate(ranges):
        marks.append(_row(frame, row, name, hp))
    at = axis.at(best)
    if at is not None and 0 <= at <= 1:
        x, end = frame.px(at), frame.height - frame.bottom
        words = element("title", "the best value so far")
        marks.append(element("line", words, x1=x, x2=x, y1=frame.top, y2=end, class_="bestline"))
    return frame.draw(*marks, title=title)


def _middle(frame: Frame, row: int) -> float:
    return frame.top + _ROW * (row + 0.5)


def _row(frame: Frame, row: int, name: str, hp: Hyperparameter) -> str:
    y = _middle(frame, row)
    label = element("text", text(name), x=frame.left - 7, y=y + 3.5, class_="tick", text_anchor="end")
    words = element("title", text(f"{name}: {describe_range(hp)}"))
    kind = f"bar p{row + 1}" + (" next" if name == "next" else "")
    bars = []
    for left, right in _ends(frame.x, hp):
        x, width = frame.px(left), frame.px(right) - frame.px(left)
        if width < 4:
            x, width = x - 3, 6.0
        bars.append(element("rect", words, x=x, y=y - _BAR / 2, width=width, height=_BAR, rx=2, class_=kind))
    return label + "".join(bars)


def _ends(axis: Axis, hp: Hyperparameter) -> list[tuple[float, float]]:
    if axis.options is None:
        span = axis.cover(hp)
        return [] if span is None else [span]
    count = len(axis.options)
    return [((i + 0.1) / count, (i + 0.9) / count) for i in axis.chosen(hp)]


def _sides(frame: Frame, ranges: Sequence[Hyperparameter]) -> str:
    """Shade between the bars of passes, which makes the funnel."""
    marks = []
    for row in range(len(ranges) - 1):
        ends = [_ends(frame.x, hp) for hp in ranges[row : row + 2]]
        if frame.x.options is not None or not all(ends) or isinstance(ranges[row], Fixed):
            continue
        (a, b), (c, d) = ends[0][0], ends[1][0]
        top, foot = _middle(frame, row) + _BAR / 2, _middle(frame, row + 1) - _BAR / 2
        corners = [(a, top), (b, top), (d, foot), (c, foot)]
        shape = path((frame.px(x), y) for x, y in corners) + "Z"
        marks.append(element("path", d=shape, class_="side"))
    return "".join(marks)
