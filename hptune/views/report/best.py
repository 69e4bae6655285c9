"""The best configuration beside its rivals."""

from __future__ import annotations

from hptune._text import numbered, significant
from hptune.analysis.best_margin import BestMargin
from hptune.space import Value, same_value
from hptune.space.describe import describe_range
from hptune.views.report.html import Section, note, paragraph, table
from hptune.views.snapshot import Snapshot
from hptune.views.tables import baseline_text, format_value, standing

__all__ = ["best"]

_RIVALS = 4


def best(snapshot: Snapshot) -> Section:
    """Return the best configuration, the next ones beside it and the default."""
    if not snapshot.finalists:
        body = note("No trial has a score, so there is no best configuration.")
        return Section(id="best", title="The best configuration", body=body)
    shown = snapshot.finalists[: _RIVALS + 1]
    header = ["", *(f"trial {t.id}" for t in shown), "default", "range now"]
    rows = [
        [snapshot.identity.objective, *(significant(t.score, 5) for t in shown), "", ""],
        *_again(snapshot, [t.id for t in shown]),
        ["pass", *(str(t.pass_number) for t in shown), "", ""],
        ["best epoch", *(f"{t.best_epoch} of {t.epochs}" for t in shown), "", ""],
        ["parameters", *(f"{t.parameters:,}" if t.parameters else "" for t in shown), "", ""],
    ]
    space, first = snapshot.passes[-1].space, snapshot.passes[0].space
    for hp in sorted(first, key=lambda hp: hp.tier):
        values = [t.values.get(hp.name) for t in shown]
        now = describe_range(space[hp.name]) if hp.name in space else ""
        rows.append([hp.name, *_texts(values), format_value(hp.initial), now])
    caption = "The best trials, best first; “same” repeats the best trial's value, – is inactive"
    baseline = baseline_text(snapshot.notes.baseline, snapshot.goal, shown[0].score)
    body = (
        (paragraph(baseline) if baseline else "")
        + _best_margin(snapshot)
        + table(header, rows, caption=caption, numeric=range(1, len(header) - 1))
    )
    return Section(id="best", title="The best configuration", body=body)


def _again(snapshot: Snapshot, ids: list[int]) -> list[list[str]]:
    """Return what fresh seeds gave, where any trial was trained again."""
    known = {f.trial.id: f for f in snapshot.confirmed.finalists if f.mean is not None}
    if not known:
        return []
    found = [known.get(i) for i in ids]
    means = ["–" if f is None else format_value(f.mean) for f in found]
    spreads = ["" if f is None or f.deviation is None else f"± {significant(f.deviation, 2)}" for f in found]
    seeds = ["" if f is None else f"{len(f.scores)}" for f in found]
    return [
        ["mean of fresh seeds", *means, "", ""],
        ["deviation", *spreads, "", ""],
        ["seeds", *seeds, "", ""],
    ]


def _best_margin(snapshot: Snapshot) -> str:
    """Say which of the next ones it beats significantly."""
    best_margin, again = snapshot.best_margin, " ".join(standing(snapshot.confirmed))
    if best_margin is None:
        return paragraph(
            again
            or "Whether its lead is significant is not known yet: that takes a second configuration, and late"
            " epochs or repeated trainings to see the noise in.",
            class_="note",
        )
    sentence = (
        again
        if best_margin.confirmed
        else " ".join([*([again] if again else []), _of_the_search(best_margin)])
    )
    header = ["rival", "behind by", "chance to be ahead"]
    rows = [[f"trial {r.trial.id}", significant(r.gap, 3), f"{r.p_value:.0%}"] for r in best_margin.rivals]
    caption = "The lead, over bootstrap resamples of the noise"
    if best_margin.confirmed:
        header.append("p-value")
        rows = [[*row, _p_value(r.p)] for row, r in zip(rows, best_margin.rivals, strict=True)]
        caption = "The lead between means over fresh seeds: bootstrap, and Welch's test adjusted by Holm"
    return paragraph(sentence) + table(header, rows, caption=caption, numeric=range(1, len(header)))


def _p_value(p: float | None) -> str:
    if p is None:
        return ""
    return "below 0.1%" if p < 0.001 else f"{p:.1%}"


def _of_the_search(best_margin: BestMargin) -> str:
    """Say how safe the lead is by the search's own scores."""
    how = "trainings of one configuration" if best_margin.retrained else "the late epochs of one training"
    within = [r.trial.id for r in best_margin.within_noise]
    safe = [r.trial.id for r in best_margin.rivals if r.trial.id not in within]
    sentences = [f"Scores vary by about ±{significant(best_margin.noise, 2)} between {how}."]
    if safe:
        sentences.append(f"Trial {best_margin.best.id} beats {numbered('trial', safe)} by more than that.")
    if within:
        sentences.append(
            f"Its lead over {numbered('trial', within)} is not significant:"
            " hptune confirm trains them again with fresh seeds."
        )
    elif not best_margin.retrained:
        sentences.append("Another seed may change more than an epoch does: hptune confirm tells.")
    return " ".join(sentences)


def _texts(values: list[Value | None]) -> list[str]:
    """Return values as text; what repeats the first is marked, so that differences stand out."""
    shown = ["–" if values[0] is None else format_value(values[0])]
    for value in values[1:]:
        if value is None:
            shown.append("–")
        else:
            repeated = values[0] is not None and same_value(value, values[0])
            shown.append("same" if repeated else format_value(value))
    return shown
