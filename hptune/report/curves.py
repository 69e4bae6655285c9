"""Learning curves."""

from __future__ import annotations

from collections.abc import Sequence

from hptune.plots.lines import Line, epoch_axis, line_plot
from hptune.report.facts import Facts, score_axis
from hptune.report.html import Section, figure, grid, note
from hptune.report.parallel import chosen
from hptune.trial import Trial

__all__ = ["curves"]

MOST_CURVES = 150


def curves(facts: Facts) -> Section:
    """Return all curves at once, then single ones."""
    title = "Learning curves"
    drawn = [t for t in chosen(facts.ranked, MOST_CURVES) if len(t.curve) > 1]
    if not drawn:
        return Section(id="curves", title=title, body=note("No trial was trained for two epochs or more."))
    figures = [_overview(facts, drawn), *(_single(facts, t) for t in facts.ranked[:3])]
    return Section(id="curves", title=title, body=grid(figures))


def _overview(facts: Facts, drawn: Sequence[Trial]) -> str:
    name = facts.identity.objective
    lines = [
        Line(points=points_of(t, name), kind="faint", group=t.pass_number, name=f"trial {t.id}")
        for t in reversed(drawn)
    ]
    drawing = line_plot(
        lines,
        x=epoch_axis(max(t.epochs for t in drawn)),
        y=facts.score_axis,
        title=f"{name} by epoch of {len(drawn)} trials",
    )
    return figure(drawing, f"{len(drawn)} trials")


def _single(facts: Facts, trial: Trial) -> str:
    name = facts.identity.objective
    own, twin = points_of(trial, name), points_of(trial, name.removeprefix("val_"))
    lines = [Line(points=own, kind="curve", name=name)]
    if twin and name.startswith("val_"):
        lines.append(Line(points=twin, kind="train", name=name.removeprefix("val_")))
    values = sorted((y for line in lines for _, y in line.points), reverse=facts.goal.sign > 0)
    drawing = line_plot(
        lines, x=epoch_axis(trial.epochs), y=score_axis(name, values, facts.goal), title=f"trial {trial.id}"
    )
    return figure(drawing, f"trial {trial.id}")


def points_of(trial: Trial, metric: str) -> tuple[tuple[float, float], ...]:
    """Return (epoch, value) wherever the metric was reported."""
    return tuple((float(n), e[metric]) for n, e in enumerate(trial.curve, 1) if metric in e)
