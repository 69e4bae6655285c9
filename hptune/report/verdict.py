"""The verdict in sentences: what was found, what moved, what to do next."""

from __future__ import annotations

import shlex
from collections import Counter

from hptune.plots.svg import element, text
from hptune.proposal import Verdict, describe_range
from hptune.report.facts import Facts
from hptune.report.html import Section, code, findings, items, paragraph
from hptune.strategy.findings import Finding, Severity
from hptune.trial import TrialState

__all__ = ["verdict"]


def verdict(facts: Facts) -> Section:
    """Return what a person who has never seen the study should know in a minute."""
    study = shlex.quote(facts.folder)
    parts = [
        paragraph(_found(facts), class_="lead"),
        items([_cost(facts), *_mattered(facts), *_moved(facts)]),
    ]
    if facts.findings:
        parts += [element("h3", text("What the rules see, and what to do")), _seen(facts.findings)]
    parts.append(element("h3", text("Next")))
    parts.append(paragraph("See each proposed range and accept, edit or reject it:"))
    parts.append(code(f"hptune narrow {study}"))
    return Section(id="verdict", title="The verdict", body="".join(parts))


def _seen(found: tuple[Finding, ...]) -> str:
    """Return what the rules see; what asks for nothing is folded away."""
    pressing = [f for f in found if f.severity is not Severity.INFO]
    others = [f for f in found if f.severity is Severity.INFO]
    if not others:
        return findings(pressing)
    more = f"{len(others)} more that {'is' if len(others) == 1 else 'are'} good to know"
    return findings(pressing) + element("details", element("summary", text(more)), findings(others))


def _found(facts: Facts) -> str:
    best, identity = facts.best, facts.identity
    if best is None:
        return (
            f"None of {len(facts.trials)} trials could be trained to a score."
            if facts.trials
            else "No trial has been trained yet."
        )
    if len(facts.trials) == 1:
        reached = f"{identity.objective} {best.score:.5g} at epoch {best.best_epoch} of {best.epochs}"
        return f"The only trial reached {reached}."
    return (
        f"The best of {len(facts.trials):,} trials is trial {best.id}: {identity.objective} {best.score:.5g}"
        f" at epoch {best.best_epoch} of {best.epochs}, in pass {best.pass_number} of {len(facts.passes)}."
    )


def _cost(facts: Facts) -> str:
    epochs, seconds = sum(s.epochs for s in facts.progress), sum(s.seconds for s in facts.progress)
    counts = Counter(t.state for t in facts.trials)
    states = ", ".join(f"{counts[state]:,} {state}" for state in TrialState if counts[state])
    cost = f"It cost {epochs:,} epochs, {seconds:,.0f} s of training"
    return f"{cost}, over {len(facts.trials):,} trials: {states}."


def _mattered(facts: Facts) -> list[str]:
    found = sorted((i for i in facts.importances if i.enough_data and i.chance <= 0.05), key=lambda i: i.rank)
    told = [f"{i.name} ({i.share:.0%})" for i in found[:3] if i.share > 0]
    return [f"What decided most whether a trial was among the best: {', '.join(told)}."] if told else []


def _moved(facts: Facts) -> list[str]:
    sentences = []
    for number, moves in [
        *((f"Pass {p.number}", p.proposal.changes) for p in facts.passes if p.proposal is not None),
        ("The next pass", facts.proposal.changes),
    ]:
        words = [
            f"{m.name} {describe_range(m.old)} → {describe_range(m.new)}"
            for m in moves
            if m.verdict is not Verdict.KEEP
        ]
        verb = "would move" if number == "The next pass" else "moved"
        if words:
            sentences.append(f"{number} {verb} {', '.join(words)}.")
    return sentences
