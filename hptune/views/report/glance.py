"""Every hyperparameter in one table: how much it mattered, what is best, how its range moved, and why."""

from __future__ import annotations

from hptune.analysis.importance import Importance
from hptune.space import Hyperparameter
from hptune.space.describe import describe_range
from hptune.study.proposal import Move, Verdict
from hptune.views.plots.svg import element, text
from hptune.views.report.html import region
from hptune.views.snapshot import Snapshot
from hptune.views.tables import format_value

__all__ = ["UNSURE", "glance"]

UNSURE = 0.1
"""A hyperparameter with a larger p-value than this is not said to matter."""

_MATTERED = "mattered"
_HEADS = ("hyperparameter", _MATTERED, "best", "searched first", "next", "why")


def glance(snapshot: Snapshot) -> str:
    """Return the table, the most important first; "" where nothing is searched."""
    if not snapshot.hyperparameters:
        return ""
    shares = {i.name: i for i in snapshot.importances if i.enough_data}
    order = sorted(snapshot.hyperparameters, key=lambda hp: shares[hp.name].rank if hp.name in shares else 99)
    heads = [h for h in _HEADS if shares or h != _MATTERED]
    # Phones show each row as a block of its own, which would hide from a screen reader that it is a table.
    head = element(
        "tr", *(element("th", text(h), scope="col", role="columnheader") for h in heads), role="row"
    )
    rows = [_row(snapshot, hp, heads, shares.get(hp.name)) for hp in order]
    body = element("tbody", *rows, role="rowgroup")
    table = element("table", element("thead", head, role="rowgroup"), body, class_="glance", role="table")
    caption = "Each hyperparameter at a glance"
    if any(_unsure(i) for i in shares.values()):
        caption += "; a ? marks what is not significant"
    return region(caption, table)


def _unsure(found: Importance) -> bool:
    return found.share > 0 and found.p_value > UNSURE


def _row(snapshot: Snapshot, hp: Hyperparameter, heads: list[str], found: Importance | None) -> str:
    first = describe_range(snapshot.known(hp.name)[0])
    moves = [p.proposal[hp.name] for p in snapshot.passes if p.proposal and hp.name in p.proposal.space]
    coming = snapshot.proposal[hp.name] if hp.name in snapshot.proposal.space else None
    last = describe_range(coming.new if coming else snapshot.known(hp.name)[-1])
    best = snapshot.winner.values.get(hp.name) if snapshot.winner else None
    texts = f"{found.share:.0%}{'?' if _unsure(found) else ''}" if found else "–"
    share = [texts] if _MATTERED in heads else []
    cells = [*share, format_value(best) or "–", first, "same" if last == first else last]
    return element(
        "tr",
        element("th", text(hp.name), scope="row", role="rowheader"),
        *(
            element("td", _breakable(c), data_label=h, role="cell")
            for c, h in zip(cells, heads[1:-1], strict=True)
        ),
        element("td", text(_why(moves, coming)), class_="why", role="cell"),
        role="row",
    )


def _breakable(options: str) -> str:
    """Let a long list of options break after a comma, and nothing else."""
    return ",<wbr>".join(element("span", text(option)) for option in options.split(","))


def _why(moves: list[Move], coming: Move | None) -> str:
    """Return the reason of the last move that changed the range; where none did, why it stays."""
    texts = [*moves, *([coming] if coming else [])]
    changed = [m for m in texts if m.verdict is not Verdict.KEEP]
    shown = changed[-1] if changed else (texts[-1] if texts else None)
    return "" if shown is None else f"{shown.verdict}: {shown.reason}"
