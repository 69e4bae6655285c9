"""The best configuration beside its rivals."""

from __future__ import annotations

from hptune.proposal import describe_range
from hptune.report.facts import Facts
from hptune.report.html import Section, note, paragraph, table
from hptune.space import Value, same_value
from hptune.tables import format_value

__all__ = ["best"]

_RIVALS = 4


def best(facts: Facts) -> Section:
    """Return the best configuration, the next ones beside it and the default."""
    if facts.best is None:
        body = note("No trial has a score, so there is no best configuration.")
        return Section(id="best", title="The best configuration", body=body)
    shown = facts.ranked[: _RIVALS + 1]
    header = ["", *(f"trial {t.id}" for t in shown), "default", "range now"]
    rows = [
        [facts.identity.objective, *(f"{t.score:.5g}" for t in shown), "", ""],
        ["pass", *(str(t.pass_number) for t in shown), "", ""],
        ["epoch of it", *(f"{t.best_epoch} of {t.epochs}" for t in shown), "", ""],
        ["parameters", *(f"{t.parameters:,}" if t.parameters else "" for t in shown), "", ""],
    ]
    space, first = facts.passes[-1].space, facts.passes[0].space
    for hp in sorted(first, key=lambda hp: hp.tier):
        values = [t.values.get(hp.name) for t in shown]
        now = describe_range(space[hp.name]) if hp.name in space else ""
        rows.append([hp.name, *_texts(values), format_value(hp.initial), now])
    caption = "The best trials, best first; “same” repeats the best trial's value, – is inactive"
    body = _lead(facts) + table(header, rows, caption=caption, numeric=range(1, len(header) - 1))
    return Section(id="best", title="The best configuration", body=body)


def _lead(facts: Facts) -> str:
    """Say which of the next ones it beats by more than luck."""
    lead = facts.lead
    if lead is None:
        return paragraph(
            "Whether its lead is luck can't be told yet: that takes a second configuration, and late epochs"
            " or repeated trainings to see the noise in.",
            class_="note",
        )
    how = "trainings of one configuration" if lead.retrained else "the late epochs of one training"
    within = [r.trial.id for r in lead.within_noise]
    safe = [r.trial.id for r in lead.rivals if r.trial.id not in within]
    sentences = [f"Scores vary by about ±{lead.noise:.2g} between {how}."]
    if safe:
        sentences.append(f"Trial {lead.best.id} beats {_listed(safe)} by more than that luck.")
    if within:
        sentences.append(
            f"Its lead over {_listed(within)} is within it: hptune confirm retrains them with fresh seeds."
        )
    rows = [[f"trial {r.trial.id}", f"{r.gap:.3g}", f"{r.chance:.0%}"] for r in lead.rivals]
    header = ["rival", "behind by", "ahead if luck were redrawn"]
    listed = table(header, rows, caption="The lead, by bootstrap", numeric=(1, 2))
    return paragraph(" ".join(sentences)) + listed


def _listed(trials: list[int]) -> str:
    names = [str(t) for t in trials]
    return f"trial {names[0]}" if len(names) == 1 else f"trials {', '.join(names[:-1])} and {names[-1]}"


def _texts(values: list[Value | None]) -> list[str]:
    """Return values as text; what repeats the first is said so, so that differences stand out."""
    shown = ["–" if values[0] is None else format_value(values[0])]
    for value in values[1:]:
        if value is None:
            shown.append("–")
        else:
            repeated = values[0] is not None and same_value(value, values[0])
            shown.append("same" if repeated else format_value(value))
    return shown
