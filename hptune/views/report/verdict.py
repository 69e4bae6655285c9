"""The verdict in sentences: what was found, what mattered, whether more trials are needed, what is next."""

from __future__ import annotations

import math
import shlex
from collections import Counter

from hptune._text import counted, listed, significant
from hptune.analysis.convergence import MoreTrials
from hptune.analysis.findings import Finding, Severity
from hptune.study.trial import TrialState
from hptune.views.plots.svg import element, text
from hptune.views.report.glance import UNSURE, glance
from hptune.views.report.html import Section, code, findings, paragraph
from hptune.views.snapshot import Snapshot
from hptune.views.tables import standing

__all__ = ["verdict"]

_MORE = 1.5
"""Times the trials so far, where a search is resumed."""


def verdict(snapshot: Snapshot) -> Section:
    """Return what the user who has never seen the study should know in a minute."""
    answers = {
        "What mattered": _mattered(snapshot),
        "More trials?": _convergence(snapshot),
        "What it cost": _cost(snapshot),
    }
    parts = [
        paragraph(_found(snapshot), class_="lead"),
        element("dl", *(_answer(*pair) for pair in answers.items()), class_="answers"),
        glance(snapshot),
    ]
    if snapshot.findings:
        parts += [element("h3", text("What the rules see, and what to do")), _seen(snapshot.findings)]
    return Section(id="verdict", title="The verdict", body="".join(parts) + _next(snapshot))


def _answer(question: str, answer: str) -> str:
    return element("dt", text(question)) + element("dd", text(answer))


def _seen(found: tuple[Finding, ...]) -> str:
    """Return what the rules see; what asks for nothing is folded away."""
    pressing = [f for f in found if f.severity is not Severity.INFO]
    others = [f for f in found if f.severity is Severity.INFO]
    if not others:
        return findings(pressing)
    more = f"{len(others)} more that {'is' if len(others) == 1 else 'are'} good to know"
    return findings(pressing) + element("details", element("summary", text(more)), findings(others))


def _found(snapshot: Snapshot) -> str:
    best, name = snapshot.best, snapshot.identity.objective
    if best is None:
        return (
            f"None of {counted(len(snapshot.trials), 'trial')} could be trained to a score."
            if snapshot.trials
            else "No trial has been trained yet."
        )
    if snapshot.confirmed.winner is not None:
        return " ".join(standing(snapshot.confirmed))
    reached = f"{name} {significant(best.score, 5)}"
    if len(snapshot.trials) == 1:
        return f"The only trial reached {reached} at epoch {best.best_epoch} of {best.epochs}."
    found = (
        f"The best of {len(snapshot.trials):,} trials is trial {best.id}: {reached}"
        f" at epoch {best.best_epoch} of {best.epochs}, in pass {best.pass_number} of {len(snapshot.passes)}."
    )
    if snapshot.best_margin is None:
        return found
    if snapshot.best_margin.within_noise:
        return f"{found} Its lead is not significant: it is small enough to be luck."
    return f"{found} Its lead is larger than the noise between epochs."


def _cost(snapshot: Snapshot) -> str:
    epochs, seconds = sum(s.epochs for s in snapshot.progress), sum(s.seconds for s in snapshot.progress)
    counts = Counter(t.state for t in snapshot.trials)
    states = ", ".join(f"{counts[state]:,} {state}" for state in TrialState if counts[state])
    cost = f"{counted(epochs, 'epoch')}, {seconds:,.0f} s of training"
    return f"{cost}, over {counted(len(snapshot.trials), 'trial')}{f': {states}' if states else ''}."


def _mattered(snapshot: Snapshot) -> str:
    known = sorted((i for i in snapshot.importances if i.enough_data), key=lambda i: i.rank)
    if not known:
        return "Not known yet: it takes 20 judged trials, 5 of them good, to tell."
    telling = [i for i in known if i.share >= 0.05][:3]
    if not telling:
        return "Nothing that shows: good and bad trials have the same values."
    first, others = telling[0], telling[1:]
    explains = f"{first.share:.0%} of what sets the best fifth of the trials apart"
    then = f"; then {listed([f'{i.name} ({i.share:.0%})' for i in others])}" if others else ""
    if first.p_value > UNSURE:
        luck = f"but that is not significant (p = {first.p_value:.2f})"
        return f"Not sure yet. {first.name} seems to matter most ({explains}){then}, {luck}."
    idle = [i.name for i in known if i.share < 0.01]
    nothing = f" No effect shows of {listed(idle)}." if idle else ""
    return f"{first.name} most: {explains}{then}.{nothing}"


def _convergence(snapshot: Snapshot) -> str:
    return f"{snapshot.convergence.answer}: {snapshot.convergence.reason}."


def _next(snapshot: Snapshot) -> str:
    """Return the next commands, the one that helps most first."""
    study = shlex.quote(snapshot.folder)
    more = [("See each proposed range and accept, edit or reject it:", f"hptune narrow {study}")]
    notes = snapshot.notes
    if notes.command and notes.budget:
        trials = math.ceil(_MORE * notes.budget / snapshot.identity.epochs)
        more.append(("Resume the search, half as long again:", _asking(notes.command, trials)))
    best: list[tuple[str, str]] = []
    if snapshot.confirmed.winner is None and len(snapshot.ranked) > 1:
        best.append(("Train the best again with fresh seeds, to see who leads:", f"hptune confirm {study}"))
    if snapshot.best is not None:
        best.append(("Take the best as a trained model:", f"hptune export {study} --format keras"))
    elif snapshot.trials:
        more.insert(0, ("See why they could not be trained:", f"hptune trials {study}"))
    steps = best + more if snapshot.convergence.answer is MoreTrials.NO else more + best
    lines = (paragraph(sentence) + code(command) for sentence, command in steps)
    return element("h3", text("Next")) + "".join(lines)


def _asking(command: str, trials: int) -> str:
    """Return the command of a search with another --trials."""
    words, kept = iter(shlex.split(command)), []
    for word in words:
        if word == "--trials":
            next(words, None)
        elif not word.startswith("--trials="):
            kept.append(word)
    return shlex.join([*kept, "--trials", str(trials)])
