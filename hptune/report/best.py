"""The best configuration beside its rivals."""

from __future__ import annotations

from hptune.proposal import describe_range
from hptune.report.facts import Facts
from hptune.report.html import Section, note, table
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
    return Section(
        id="best",
        title="The best configuration",
        body=table(header, rows, caption=caption, numeric=range(1, len(header) - 1)),
    )


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
