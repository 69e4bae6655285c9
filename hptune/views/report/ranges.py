"""How each range moved, pass by pass, and why."""

from __future__ import annotations

from hptune.space import Hyperparameter
from hptune.space.describe import describe_range
from hptune.study.proposal import Move, Verdict
from hptune.views.plots.funnel import funnel
from hptune.views.plots.svg import element, text
from hptune.views.report.html import Section, figure, grid, paragraph
from hptune.views.snapshot import Snapshot

__all__ = ["ranges"]


def ranges(snapshot: Snapshot) -> Section:
    """Return a funnel per hyperparameter, its reasons below."""
    intro = paragraph(
        "Each bar is the range of one pass; the last, outlined, is what the rules propose for the next one."
        " The dashed line marks the best value so far. A range that the rules moved is a soft bound: half of"
        " the trials may still come from outside it."
    )
    terms = paragraph(
        "In the reasons, the best are the best fifth of the trials, compared at one length of training; the"
        " model is what the search learnt from all trials. A tier says how much a hyperparameter was taken to"
        " matter beforehand, 1 the most.",
        class_="note",
    )
    notes = "".join(paragraph(f"{n[:1].upper()}{n[1:]}.", class_="note") for n in snapshot.proposal.notes)
    return Section(
        id="ranges",
        title="How the ranges moved",
        body=intro + terms + grid(_figure(snapshot, hp) for hp in snapshot.hyperparameters) + notes,
    )


def _figure(snapshot: Snapshot, hp: Hyperparameter) -> str:
    bars = [(f"pass {p.number}", p.space[hp.name]) for p in snapshot.passes if hp.name in p.space]
    # A range that stayed needs no reason twice; why it stays now stands below.
    moves = [
        (f"Pass {p.number}", p.proposal[hp.name])
        for p in snapshot.passes
        if p.proposal is not None
        and hp.name in p.proposal.space
        and p.proposal[hp.name].verdict is not Verdict.KEEP
    ]
    if hp.name in snapshot.proposal.space:
        coming = snapshot.proposal[hp.name]
        bars.append(("next", coming.new))
        moves.append(("Next", coming))
    best = snapshot.winner.values.get(hp.name) if snapshot.winner else None
    words = ", then ".join(describe_range(known) for _, known in bars)
    drawing = funnel(snapshot.axes[hp.name], bars, best=best, title=f"Ranges of {hp.name}: {words}")
    tier = f"tier {int(hp.tier)}" if hp.tier < 4 else "no tier"
    return figure(drawing, f"{hp.name} ({tier})", element("dl", *(_reason(*m) for m in moves)))


def _reason(name: str, move: Move) -> str:
    shown = describe_range(move.new) if move.verdict is not Verdict.KEEP else describe_range(move.old)
    who = " by you" if move.by_user else ""
    heading = element("dt", text(f"{name}: {move.verdict}{who}, {shown}"))
    return heading + element("dd", text(move.reason))
