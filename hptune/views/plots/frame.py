"""The frame of a plot: its size, its axes, and where things lie inside it."""

from __future__ import annotations

from dataclasses import dataclass

from hptune.views.plots.axis import Axis
from hptune.views.plots.svg import element, number, text

__all__ = ["Frame"]

_LETTER = 6.2
"""Width of a letter of a tick, in units of the drawing."""


@dataclass(frozen=True, kw_only=True)
class Frame:
    """A drawing of fixed units that scales to its place on the page."""

    x: Axis
    y: Axis | None
    """None for a plot whose rows speak for themselves."""
    width: int = 340
    height: int = 210
    left: int = 46
    right: int = 10
    top: int = 12
    bottom: int = 34
    strip: int = 0
    """Height of a row of its own below the plot: for what could not be trained."""

    @property
    def floor(self) -> float:
        """Where the plot ends and the strip begins."""
        return self.height - self.bottom - self.strip

    def px(self, unit: float) -> float:
        """Return where a position on the x axis lies."""
        return self.left + unit * (self.width - self.left - self.right)

    def py(self, unit: float) -> float:
        """Return where a position on the y axis lies: 0 at the bottom."""
        return self.floor - unit * (self.floor - self.top)

    def draw(self, *marks: str, title: str, kind: str = "plot", **attributes: object) -> str:
        """Return the whole drawing; `title` says in a sentence what it shows, for those who can't see it."""
        box = f"0 0 {self.width} {self.height}"
        parts = [self._y_axis(), *marks, self._x_axis()]
        return element(
            "svg",
            *parts,
            viewBox=box,
            role="img",
            aria_label=title,
            class_=kind,
            **self._data(),
            **attributes,
        )

    def _data(self) -> dict[str, object]:
        """What the page's script needs to find the mark under a finger."""
        inner = (self.px(0), self.py(0), self.px(1), self.py(1))
        return {"data_frame": " ".join(map(number, inner))}

    def _x_axis(self) -> str:
        base = self.height - self.bottom
        parts = [element("line", x1=self.px(0), x2=self.px(1), y1=base, y2=base, class_="axis")]
        for unit, label in _thinned(self.x, self.width - self.left - self.right):
            x = self.px(unit)
            parts.append(element("line", x1=x, x2=x, y1=base, y2=base + 4, class_="axis"))
            parts.append(
                element(
                    "text", text(label), x=x, y=base + 15, class_="tick", text_anchor=self._anchor(x, label)
                )
            )
        middle = self.px(0.5)
        parts.append(
            element(
                "text", text(self.x.label), x=middle, y=self.height - 4, class_="label", text_anchor="middle"
            )
        )
        return "".join(parts)

    def _anchor(self, x: float, label: str) -> str:
        """Keep a tick's text inside the drawing."""
        half = len(label) * _LETTER / 2
        if x + half > self.width:
            return "end"
        return "start" if x - half < 0 else "middle"

    def _y_axis(self) -> str:
        if self.y is None:
            return ""
        parts = []
        for unit, label in self.y.ticks:
            y = self.py(unit)
            parts.append(element("line", x1=self.px(0), x2=self.px(1), y1=y, y2=y, class_="grid"))
            parts.append(
                element("text", text(label), x=self.left - 5, y=y + 3.5, class_="tick", text_anchor="end")
            )
        return "".join(parts)


def _thinned(axis: Axis, room: float) -> list[tuple[float, str]]:
    """Return the ticks whose texts don't touch; where options are many, their texts are shortened."""
    ticks = list(axis.ticks)
    if axis.options is not None and ticks:
        most = max(3, int(room / len(ticks) / _LETTER) - 1)
        return [(u, label if len(label) <= most else label[: most - 1] + "…") for u, label in ticks]
    kept: list[tuple[float, str]] = []
    for unit, label in ticks:
        if kept:
            before, other = kept[-1]
            if (unit - before) * room < (len(label) + len(other)) * _LETTER / 2 + 6:
                continue
        kept.append((unit, label))
    return kept
