"""A comparison of studies as a page."""

from __future__ import annotations

from hptune._text import significant
from hptune.views.compare import StudyComparison
from hptune.views.plots.axis import linear_axis, score_axis
from hptune.views.plots.lines import Line, line_plot, stairs
from hptune.views.plots.svg import element, text
from hptune.views.report.html import Section, figure, grid, note, paragraph, table
from hptune.views.report.page import page
from hptune.views.tables import format_value

__all__ = ["render_comparison"]


def render_comparison(found: StudyComparison) -> str:
    """Return the page of a comparison."""
    names = [c.name for c in found.contenders]
    title = "Studies compared"
    sections = [_studies(found), _budget(found), _best(found), _ranges(found)]
    subtitle = f"{' · '.join(names)}: {found.objective.name}"
    return page(title, subtitle, sections, kinds=len(names))


def _studies(found: StudyComparison) -> Section:
    rows = [
        [
            c.name,
            c.data,
            c.model,
            c.oracle,
            f"{c.trials:,}",
            f"{c.epochs_used:,}",
            "" if c.best is None or c.best.score is None else significant(c.best.score, 5),
        ]
        for c in found.contenders
    ]
    header = ["study", "data", "model", "oracle", "trials", "epochs", f"best {found.objective.name}"]
    body = table(header, rows, caption="What each searched, and what it reached", numeric=(4, 5, 6))
    body += "".join(paragraph(f"Mind: {warning}.", class_="note") for warning in found.warnings)
    return Section(id="studies", title="The studies", body=body)


def _budget(found: StudyComparison) -> Section:
    title = "What the same epochs bought"
    scores = [score for c in found.contenders for _, score in c.steps]
    if not scores:
        return Section(id="budget", title=title, body=note("No study has a score."))
    sign = found.objective.sign
    most = max(c.epochs_used for c in found.contenders)
    lines = [
        Line(points=stairs(c.steps, c.epochs_used), kind="curve", group=i, name=c.name)
        for i, c in enumerate(found.contenders, 1)
    ]
    drawing = line_plot(
        lines,
        x=linear_axis("epochs used", 0, most, whole=True),
        y=score_axis(found.objective.name, sorted(scores, key=lambda s: -sign * s), found.objective),
        title=f"Best {found.objective.name} so far over epochs used",
        height=240,
    )
    keys = (
        element("span", element("i", class_=f"swatch p{i}"), text(c.name), class_="key")
        for i, c in enumerate(found.contenders, 1)
    )
    rows = [
        [
            f"{budget:,}",
            *("–" if (s := c.at(budget)) is None else significant(s, 5) for c in found.contenders),
        ]
        for budget in found.budgets
    ]
    names = [c.name for c in found.contenders]
    caption = f"Best {found.objective.name} for the same epochs; – where fewer were used"
    listed = table(["epochs", *names], rows, caption=caption, numeric=range(len(names) + 1))
    plot = grid([figure(drawing, "Best so far")])
    return Section(id="budget", title=title, body=element("p", *keys, class_="legend") + plot + listed)


def _best(found: StudyComparison) -> Section:
    names = [c.name for c in found.contenders]
    rows = [
        [name, *("–" if v is None else format_value(v) for v in values)]
        for name, values in found.best_values.items()
    ]
    body = (
        table(
            ["hyperparameter", *names],
            rows,
            caption="The best configuration of each",
            numeric=range(1, len(names) + 1),
        )
        if rows
        else note("No study has a score.")
    )
    return Section(id="best", title="Best configurations", body=body)


def _ranges(found: StudyComparison) -> Section:
    names = [c.name for c in found.contenders]
    rows = [[name, *(shown or "–" for shown in texts)] for name, texts in found.differing.items()]
    body = (
        table(["hyperparameter", *names], rows, caption="Ranges of the last pass, where they differ")
        if rows
        else note("The last passes searched the same ranges.")
    )
    return Section(id="ranges", title="Ranges that differ", body=body)
