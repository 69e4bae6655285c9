"""Parallel coordinates, whose brushed ranges turn into a command line."""

from __future__ import annotations

import shlex

from hptune.space import Hyperparameter
from hptune.study.trial import Trial
from hptune.views.plots.parallel import parallel_plot
from hptune.views.plots.svg import element, text
from hptune.views.report.html import Section, code, note, paragraph
from hptune.views.snapshot import Snapshot

__all__ = ["parallel"]

MOST_LINES = 400
"""More lines make a grey block; the best are drawn and others spread evenly over the rest."""


def parallel(snapshot: Snapshot) -> Section:
    """Return the plot, its axes as fields to type in, and the command that the ranges make."""
    title = "All at once"
    if not snapshot.ranked:
        return Section(id="parallel", title=title, body=note("No trial has a score."))
    axes = [snapshot.axes[hp.name] for hp in snapshot.hyperparameters]
    drawn = chosen(snapshot.ranked)
    last = max(len(drawn) - 1, 1)
    scores = snapshot.score_axis.places([t.score for t in drawn])
    ranks = [1 - i / last for i in range(len(drawn))]
    lines = [
        (t.id, rank, [*_places(snapshot, t), score])
        for t, rank, score in reversed(list(zip(drawn, ranks, scores, strict=True)))
    ]
    label = f"{len(drawn)} of {len(snapshot.ranked)} trials as lines through {len(axes)} hyperparameters"
    picture = parallel_plot([*axes, snapshot.score_axis], lines, title=label)
    intro = paragraph(
        "One line per trial, the best drawn strongest. Drag along an axis to keep only the trials in that"
        " range (press it to let go again): the command below searches what you chose."
    )
    less = f" The lines are {len(drawn)} of them." if len(drawn) < len(snapshot.ranked) else ""
    every = f"All {len(snapshot.ranked):,} trials." if len(snapshot.ranked) > 1 else "The only trial."
    status = element("p", f"{every}{less}", id="brushed", role="status")
    body = [
        intro,
        element("div", picture, class_="scroll", tabindex=0, role="region", aria_label=label),
        status,
        code(f"hptune narrow {shlex.quote(snapshot.folder)}", id_="narrow"),
        _fields(snapshot),
    ]
    return Section(id="parallel", title=title, body="".join(body))


def chosen(ranked: tuple[Trial, ...], most: int = MOST_LINES) -> list[Trial]:
    """Return the trials to draw, best first: the better half of the lines are the very best."""
    if len(ranked) <= most:
        return list(ranked)
    head, rest = ranked[: most // 2], ranked[most // 2 :]
    wanted = most - len(head)
    return [*head, *(rest[i * len(rest) // wanted] for i in range(wanted))]


def _places(snapshot: Snapshot, trial: Trial) -> list[float | None]:
    return [snapshot.place(hp.name, trial) for hp in snapshot.hyperparameters]


def _fields(snapshot: Snapshot) -> str:
    """Return the same ranges as fields, for keyboards, screen readers and small screens."""
    groups = [_field(snapshot, i, hp) for i, hp in enumerate(snapshot.hyperparameters)]
    form = element("form", *groups, id="ranges-form", class_="fields")
    return element("details", element("summary", "Type the ranges instead"), form, class_="interactive")


def _field(snapshot: Snapshot, index: int, hp: Hyperparameter) -> str:
    axis = snapshot.axes[hp.name]
    legend = element("legend", text(hp.name))
    if axis.options is not None:
        boxes = [
            element(
                "label",
                element("input", type="checkbox", data_axis=index, data_option=i, checked=True),
                text(f" {label}"),
            )
            for i, (_, label) in enumerate(axis.ticks)
        ]
        return element("fieldset", legend, *boxes)
    ends = [
        element(
            "label",
            f"{end} ",
            element("input", type="text", inputmode="decimal", size=9, data_axis=index, data_end=end),
        )
        for end in ("from", "to")
    ]
    return element("fieldset", legend, *ends)
