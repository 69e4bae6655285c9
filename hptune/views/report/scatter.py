"""Axis and isolation plots: each hyperparameter against the objective."""

from __future__ import annotations

from hptune.space import Hyperparameter
from hptune.space.describe import describe_value
from hptune.study.trial import TrialState
from hptune.views.plots.axis import score_axis
from hptune.views.plots.points import Point, axis_plot, isolation_plot, regions_of
from hptune.views.plots.svg import element
from hptune.views.report.html import Section, figure, grid, note, paragraph
from hptune.views.snapshot import Snapshot

__all__ = ["axes", "isolation", "legend"]


def legend(snapshot: Snapshot, *, marks: bool = True) -> str:
    """Return what the colours mean, and the ring and the cross unless asked otherwise."""
    passes = [
        element("span", element("i", class_=f"swatch p{p.number}"), f"pass {p.number}", class_="key")
        for p in snapshot.passes
    ]
    keys = []
    if marks and snapshot.ranked:
        best = "best" if snapshot.confirmed.winner is None else "best with fresh seeds"
        keys.append(element("span", element("b", "○", class_="ring"), best, class_="key"))
    if marks and any(t.state is TrialState.INFEASIBLE for t in snapshot.trials):
        keys.append(
            element("span", element("b", "×", class_="cross"), "lost: could not be trained", class_="key")
        )
    return element("p", *passes, *keys, class_="legend")


def points(snapshot: Snapshot, name: str) -> list[Point]:
    """Return the trials that had a value for `name`, the infeasible among them without a score."""
    known = {t.id for t in snapshot.ranked}
    lost = {t.id for t in snapshot.trials if t.state is TrialState.INFEASIBLE}
    return [
        Point(trial=t.id, group=t.pass_number, place=place, score=t.score if t.id in known else None)
        for t in snapshot.trials
        if (t.id in known or t.id in lost) and (place := snapshot.place(name, t)) is not None
    ]


def axes(snapshot: Snapshot) -> Section:
    """Return one scatter per hyperparameter."""
    objective = snapshot.identity.objective
    parts = [legend(snapshot)]
    cut = snapshot.cut(snapshot.ranked)
    if cut:
        parts.append(
            paragraph(
                f"{cut} of {len(snapshot.ranked)} trials score worse than the plots reach;"
                " they lie pale on the border.",
                class_="note",
            )
        )
    if not snapshot.ranked:
        parts.append(note("No trial has a score; the × show what could not be trained."))
    parts.append(grid(_axis_figure(snapshot, hp, objective) for hp in snapshot.hyperparameters))
    return Section(id="axes", title=f"Each hyperparameter against {objective}", body="".join(parts))


def _axis_figure(snapshot: Snapshot, hp: Hyperparameter, objective: str) -> str:
    found = points(snapshot, hp.name)
    lost = sum(p.score is None for p in found)
    title = f"{objective} against {hp.name}: {len(found) - lost} trials, {lost} could not be trained"
    drawing = axis_plot(
        snapshot.axes[hp.name],
        snapshot.score_axis,
        found,
        snapshot.known(hp.name),
        best=snapshot.winner.id if snapshot.winner else None,
        title=title,
    )
    return figure(drawing, f"{hp.name}{_only(hp)}")


def _only(hp: Hyperparameter) -> str:
    """Say where a conditional hyperparameter counts."""
    if not hp.when:
        return ""
    shown = (f"{c.parent} {' or '.join(describe_value(v) for v in c.values)}" for c in hp.when)
    return f" (with {' and '.join(shown)})"


def isolation(snapshot: Snapshot) -> Section:
    """Return the best over everything else, one plot per hyperparameter."""
    if len(snapshot.ranked) < 2:
        body = note("It takes two trials with a score to compare regions.")
        return Section(id="isolation", title="The best over everything else", body=body)
    intro = paragraph(
        f"The best {snapshot.identity.objective} in each region of one hyperparameter, whatever all others"
        " were; the bars count the trials there. A peak with few trials at its sides may be noise."
    )
    regions = {
        hp.name: regions_of(snapshot.axes[hp.name], points(snapshot, hp.name), snapshot.goal.sign)
        for hp in snapshot.hyperparameters
    }
    name, sign = snapshot.identity.objective, snapshot.goal.sign
    bests = [float(r.best.score or 0.0) for found in regions.values() for r in found]
    axis = score_axis(name, sorted(bests, key=lambda score: -sign * score), snapshot.goal)
    figures = [
        figure(
            isolation_plot(snapshot.axes[hp], axis, found, title=f"Best {name} in each region of {hp}"), hp
        )
        for hp, found in regions.items()
        if found
    ]
    return Section(id="isolation", title="The best over everything else", body=intro + grid(figures))
