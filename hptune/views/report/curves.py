"""Learning curves, with what the rules read in them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from hptune._text import significant
from hptune.analysis.curves import judge_curve
from hptune.analysis.epoch_advice import advise_epochs
from hptune.analysis.findings import Finding, FindingKind
from hptune.study.trial import Trial
from hptune.views.plots.axis import score_axis
from hptune.views.plots.lines import Line, epoch_axis, line_plot
from hptune.views.plots.svg import element, text
from hptune.views.report.html import Section, figure, findings, grid, note, paragraph
from hptune.views.report.parallel import chosen
from hptune.views.snapshot import Snapshot

__all__ = ["curves"]

MOST_CURVES = 150
"""Lines in the overview."""
MOST_JUDGED = 300
"""Curves that are read: the best, and others spread evenly over the rest."""
_FEW = 25
"""So many lines or fewer can be distinguished: they are drawn stronger."""
_ALWAYS = 3
"""The best trials are shown whatever their curves say."""


def curves(snapshot: Snapshot) -> Section:
    """Return all curves at once, those of the best, and one for each thing that the rules saw."""
    title = "Learning curves"
    trained = [t for t in snapshot.ranked if len(t.curve) > 1]
    if not trained:
        return Section(id="curves", title=title, body=note("No trial was trained for two epochs or more."))
    judged = chosen(tuple(trained), MOST_JUDGED)
    found = {t.id: judge_curve(t, snapshot.goal) for t in judged}
    advice = advise_epochs(snapshot.trials, snapshot.goal, space=snapshot.passes[-1].space)
    parts = [_counts(found, len(trained)), findings([advice] if advice else []), _key(snapshot)]
    shown = examples(trained, found)
    figures = []
    if len(trained) > 1:
        figures.append(_overview(snapshot, chosen(tuple(trained), MOST_CURVES), len(trained)))
    figures += [_single(snapshot, t, found.get(t.id, ())) for t in shown]
    return Section(id="curves", title=title, body="".join(parts) + grid(figures))


def examples(trained: Sequence[Trial], found: dict[int, tuple[Finding, ...]]) -> list[Trial]:
    """Return the best trials, and for each kind of finding that they lack the best trial that has it."""
    shown = list(trained[:_ALWAYS])
    seen = {f.kind for t in shown for f in found.get(t.id, ())}
    for trial in trained[_ALWAYS:]:
        new = {f.kind for f in found.get(trial.id, ())} - seen
        if new:
            shown.append(trial)
            seen |= new
    return shown


def _counts(found: dict[int, tuple[Finding, ...]], trained: int) -> str:
    counts = Counter(f.kind for texts in found.values() for f in texts)
    clean = sum(not texts for texts in found.values())
    listed = [f"{counts[kind]} {kind}" for kind in FindingKind if counts[kind]] + (
        [f"{clean} without a finding"] if clean else []
    )
    few = f" (of {trained:,}; the best, and others spread over the rest)" if len(found) < trained else ""
    were = "curve was" if len(found) == 1 else "curves were"
    return paragraph(f"{len(found)} {were} read{few}: {', '.join(listed)}.")


def _key(snapshot: Snapshot) -> str:
    name = snapshot.identity.objective
    if not name.startswith("val_"):
        return ""
    line = element("span", element("i", class_="swatch line-key"), text(name), class_="key")
    dash = element("span", element("i", class_="swatch dash"), text(name.removeprefix("val_")), class_="key")
    return element("p", line, dash, class_="legend")


def _overview(snapshot: Snapshot, drawn: Sequence[Trial], trained: int) -> str:
    name = snapshot.identity.objective
    kind = "faint" if len(drawn) > _FEW else "thin"
    lines = [
        Line(points=_points(t, name), kind=kind, group=t.pass_number, name=f"trial {t.id}")
        for t in reversed(drawn)
    ]
    drawing = line_plot(
        lines,
        x=epoch_axis(max(t.epochs for t in drawn)),
        y=snapshot.score_axis,
        title=f"{name} by epoch of {len(drawn)} trials",
    )
    return figure(drawing, "All trials" if len(drawn) == trained else f"{len(drawn)} of {trained:,} trials")


def _single(snapshot: Snapshot, trial: Trial, found: Sequence[Finding]) -> str:
    name = snapshot.identity.objective
    own, twin = _points(trial, name), _points(trial, name.removeprefix("val_"))
    lines = [Line(points=own, kind="curve", name=name)]
    if twin and name.startswith("val_"):
        lines.append(Line(points=twin, kind="train", name=name.removeprefix("val_")))
    values = sorted((y for line in lines for _, y in _late(line.points)), reverse=snapshot.goal.sign > 0)
    texts = "; ".join(f.kind for f in found)
    marks = [(x, y, f"best epoch: {significant(y, 5)}") for x, y in own if x == trial.best_epoch]
    drawing = line_plot(
        lines,
        x=epoch_axis(trial.epochs),
        y=score_axis(name, [values[0], values[-1]], snapshot.goal),
        marks=marks,
        title=f"{name} of trial {trial.id} by epoch; {texts or 'no finding'}",
    )
    return figure(drawing, f"Trial {trial.id}: {texts or 'no finding'}", findings(found))


def _late(points: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
    """Return a curve without its first third, whose steep rise would press the rest flat."""
    return points[len(points) // 3 :]


def _points(trial: Trial, metric: str) -> tuple[tuple[float, float], ...]:
    """Return (epoch, value) wherever the metric was reported."""
    return tuple((float(n), e[metric]) for n, e in enumerate(trial.curve, 1) if metric in e)
