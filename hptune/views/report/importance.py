"""Importance: the declared tier beside what the trials measured."""

from __future__ import annotations

from hptune.analysis.importance import Importance, disagreements
from hptune.views.plots.svg import element, text
from hptune.views.report.html import Section, items, note, paragraph, region
from hptune.views.snapshot import Snapshot

__all__ = ["importance"]


def importance(snapshot: Snapshot) -> Section:
    """Return a table of bars, most important first."""
    found = sorted(snapshot.importances, key=lambda i: i.rank)
    title = "What mattered"
    if not any(i.enough_data for i in found):
        return Section(
            id="importance",
            title=title,
            body=note(
                "Too few trials to measure importance: 20 that were judged, 5 of them good, are needed."
            ),
        )
    intro = paragraph(
        "Share of what decides whether a trial is among the best fifth (PED-ANOVA, arXiv 2304.10255), beside"
        " the tier that the space declares. The thin line spans 80 % of resampled shares. A chance of 30 %"
        " means: three in ten random sets of trials would look as telling."
    )
    spoken = items(disagreements(snapshot.importances)) if disagreements(snapshot.importances) else ""
    return Section(id="importance", title=title, body=intro + _table(found) + spoken)


def _table(found: list[Importance]) -> str:
    heads = (
        ("hyperparameter", None),
        ("declared", None),
        ("measured share", None),
        ("p-value", "n"),
        ("trials", "n"),
    )
    head = element("tr", *(element("th", text(h), scope="col", class_=kind) for h, kind in heads))
    rows = [_row(i) for i in found]
    caption = "Importance of each hyperparameter, declared and measured"
    return region(caption, element("table", element("thead", head), element("tbody", *rows), class_="bars"))


def _row(found: Importance) -> str:
    tier = f"tier {int(found.tier)}" if found.tier < 4 else "–"
    if found.enough_data:
        bar = element("span", class_="bar", style=f"width:{found.share:.1%}")
        whisker = element(
            "span", class_="whisker", style=f"left:{found.low:.1%};width:{found.high - found.low:.1%}"
        )
        track = element("span", bar, whisker, class_="track", aria_hidden="true")
        share, p_value = track + f" {found.share:.0%}", f"{found.p_value:.2f}"
    else:
        share, p_value = "too few trials", ""
    return element(
        "tr",
        element("th", text(found.name), scope="row"),
        element("td", text(tier)),
        element("td", share),
        element("td", text(p_value), class_="n"),
        element("td", str(found.trials), class_="n"),
    )
