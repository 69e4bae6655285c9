"""What the search cost, and what it bought."""

from __future__ import annotations

from hptune._text import counted, significant
from hptune.study import JobProgress
from hptune.views.compare import best_so_far
from hptune.views.plots.axis import Axis, linear_axis, log_axis, score_axis
from hptune.views.plots.front import Priced, front_plot
from hptune.views.plots.lines import Line, line_plot, stairs
from hptune.views.report.html import Section, figure, grid, note, paragraph, table
from hptune.views.report.scatter import legend
from hptune.views.snapshot import Snapshot

__all__ = ["cost"]

_ROOM = 0.03
"""Part of an axis that stays free on each side of the points."""


def cost(snapshot: Snapshot) -> Section:
    """Return what each pass cost, the best so far over epochs, and both Pareto fronts."""
    parts = [_table(snapshot)]
    if snapshot.ranked:
        parts += [legend(snapshot, marks=False), grid(_figures(snapshot))]
        parts.append(
            paragraph("The steps are the Pareto front: nothing cheaper scores as well.", class_="note")
        )
    return Section(id="cost", title="What it cost", body="".join(parts))


def _table(snapshot: Snapshot) -> str:
    # An epoch of the mean over folds or seeds is several trainings' epochs, of rows of their own.
    repeated = {"cv", "executions"} & snapshot.identity.settings.keys()
    examples = 0 if repeated else snapshot.notes.train_examples
    header = ["pass", "trials", "epochs", "seconds", "seconds per epoch"]
    header += ["examples per second"] if examples else []
    rows = []
    for p in snapshot.passes:
        rows.append(
            _row(
                f"pass {p.number}",
                snapshot,
                [s for s in snapshot.progress if s.pass_number == p.number],
                examples,
            )
        )
    if len(snapshot.passes) > 1:
        rows.append(_row("all", snapshot, list(snapshot.progress), examples))
    if not snapshot.progress:
        return note("Nothing has been trained yet.")
    return table(header, rows, caption="Cost of each pass", numeric=range(1, len(header)))


def _row(name: str, snapshot: Snapshot, stretches: list[JobProgress], examples: int) -> list[str]:
    epochs, seconds = sum(s.epochs for s in stretches), sum(s.seconds for s in stretches)
    trials = len({s.trial_id for s in stretches})
    row = [
        name,
        f"{trials:,}",
        f"{epochs:,}",
        f"{seconds:,.1f}",
        significant(seconds / epochs, 3) if epochs else "",
    ]
    if examples:
        timed = [s for s in stretches if s.epochs and s.fit_seconds]
        fitted = sum(s.fit_seconds for s in timed)
        row.append(f"{examples * sum(s.epochs for s in timed) / fitted:,.0f}" if fitted else "")
    return row


def _figures(snapshot: Snapshot) -> list[str]:
    objective, sign = snapshot.identity.objective, snapshot.goal.sign
    figures = []
    steps = best_so_far(snapshot.progress, snapshot.goal)
    total = sum(s.epochs for s in snapshot.progress)
    # A single training is no progress to draw.
    if steps and total > steps[0][0]:
        drawing = line_plot(
            [Line(points=stairs(steps, total), kind="curve")],
            x=linear_axis("epochs used", 0, total, whole=True),
            y=score_axis(objective, [score for _, score in reversed(steps)], snapshot.goal),
            title=f"Best {objective} so far: {significant(steps[-1][1], 5)} after {counted(total, 'epoch')}",
            height=210,
        )
        figures.append(figure(drawing, "Best so far"))
    priced = {
        "seconds of training": [(t, t.seconds) for t in snapshot.ranked if t.seconds > 0],
        "parameters": [(t, float(t.parameters)) for t in snapshot.ranked if t.parameters],
    }
    for what, pairs in priced.items():
        if not pairs:
            continue
        dots = [
            Priced(trial=t.id, group=t.pass_number, cost=c, score=float(t.score or 0.0)) for t, c in pairs
        ]
        drawing = front_plot(
            _price_axis(what, [c for _, c in pairs]),
            snapshot.score_axis,
            dots,
            sign=sign,
            title=f"{objective} against {what} with the Pareto front",
        )
        figures.append(figure(drawing, f"Against {what}"))
    return figures


def _price_axis(label: str, costs: list[float]) -> Axis:
    low, high = min(costs), max(costs)
    if high > 5 * low:
        room = (high / low) ** _ROOM
        return log_axis(label, low / room, high * room)
    room = _ROOM * (high - low)
    return linear_axis(label, low - room, high + room)
