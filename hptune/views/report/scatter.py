"""Axis and isolation plots: each hyperparameter against the objective."""

from __future__ import annotations

from hptune.space import Hyperparameter
from hptune.space.describe import describe_value
from hptune.study.trial import TrialState
from hptune.views.plots.axis import score_axis
from hptune.views.plots.points import Point, axis_plot, isolation_plot, regions_of
from hptune.views.plots.svg import element
from hptune.views.report.html import Section, figure, grid, note, paragraph
from hptune.views.snapshot import Facts

__all__ = ["axes", "isolation", "legend"]


def legend(facts: Facts, *, marks: bool = True) -> str:
    """Return what the colours mean, and the ring and the cross unless told otherwise."""
    passes = [
        element("span", element("i", class_=f"swatch p{p.number}"), f"pass {p.number}", class_="key")
        for p in facts.passes
    ]
    keys = []
    if marks and facts.ranked:
        best = "best" if facts.confirmed.winner is None else "best with fresh seeds"
        keys.append(element("span", element("b", "○", class_="ring"), best, class_="key"))
    if marks and any(t.state is TrialState.INFEASIBLE for t in facts.trials):
        keys.append(
            element("span", element("b", "×", class_="cross"), "lost: could not be trained", class_="key")
        )
    return element("p", *passes, *keys, class_="legend")


def points(facts: Facts, name: str) -> list[Point]:
    """Return the trials that had a value for `name`, the infeasible among them without a score."""
    known = {t.id for t in facts.ranked}
    lost = {t.id for t in facts.trials if t.state is TrialState.INFEASIBLE}
    return [
        Point(trial=t.id, group=t.pass_number, place=place, score=t.score if t.id in known else None)
        for t in facts.trials
        if (t.id in known or t.id in lost) and (place := facts.place(name, t)) is not None
    ]


def axes(facts: Facts) -> Section:
    """Return one scatter per hyperparameter."""
    objective = facts.identity.objective
    parts = [legend(facts)]
    cut = facts.cut(facts.ranked)
    if cut:
        parts.append(
            paragraph(
                f"{cut} of {len(facts.ranked)} trials score worse than the plots reach;"
                " they lie pale on the border.",
                class_="note",
            )
        )
    if not facts.ranked:
        parts.append(note("No trial has a score; the × show what could not be trained."))
    parts.append(grid(_axis_figure(facts, hp, objective) for hp in facts.hyperparameters))
    return Section(id="axes", title=f"Each hyperparameter against {objective}", body="".join(parts))


def _axis_figure(facts: Facts, hp: Hyperparameter, objective: str) -> str:
    found = points(facts, hp.name)
    lost = sum(p.score is None for p in found)
    title = f"{objective} against {hp.name}: {len(found) - lost} trials, {lost} could not be trained"
    drawing = axis_plot(
        facts.axes[hp.name],
        facts.score_axis,
        found,
        facts.known(hp.name),
        best=facts.winner.id if facts.winner else None,
        title=title,
    )
    return figure(drawing, f"{hp.name}{_only(hp)}")


def _only(hp: Hyperparameter) -> str:
    """Say where a conditional hyperparameter counts."""
    if not hp.when:
        return ""
    told = (f"{c.parent} {' or '.join(describe_value(v) for v in c.values)}" for c in hp.when)
    return f" (with {' and '.join(told)})"


def isolation(facts: Facts) -> Section:
    """Return the best over everything else, one plot per hyperparameter."""
    if len(facts.ranked) < 2:
        body = note("It takes two trials with a score to compare regions.")
        return Section(id="isolation", title="The best over everything else", body=body)
    intro = paragraph(
        f"The best {facts.identity.objective} in each region of one hyperparameter, whatever all others"
        " were; the bars count the trials there. A peak with few trials at its sides may be luck."
    )
    regions = {
        hp.name: regions_of(facts.axes[hp.name], points(facts, hp.name), facts.goal.sign)
        for hp in facts.hyperparameters
    }
    name, sign = facts.identity.objective, facts.goal.sign
    bests = [float(r.best.score or 0.0) for found in regions.values() for r in found]
    axis = score_axis(name, sorted(bests, key=lambda score: -sign * score), facts.goal)
    figures = [
        figure(isolation_plot(facts.axes[hp], axis, found, title=f"Best {name} in each region of {hp}"), hp)
        for hp, found in regions.items()
        if found
    ]
    return Section(id="isolation", title="The best over everything else", body=intro + grid(figures))
