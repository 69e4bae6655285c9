"""The next pass as a file that a person may edit: `next-pass.yaml` in the study's folder."""

from __future__ import annotations

from pathlib import Path

from hptune.proposal import Move, Proposal, Verdict
from hptune.space import Fixed, Hyperparameter, Space
from hptune.space_yaml import dump_space, load_space
from hptune.strategy import edit
from hptune.strategy.narrow import narrow
from hptune.strategy.plausible import plausible
from hptune.study import Study
from hptune.trial import Objective, Trial

__all__ = ["NEXT_PASS", "edited", "propose", "propose_for", "read_next_pass", "write_next_pass"]

NEXT_PASS = "next-pass.yaml"


def propose(
    space: Space, trials: tuple[Trial, ...], objective: Objective, *, root: Space, epochs: int
) -> Proposal:
    """Return what a pass over `space` teaches, with all trials so far and what the model makes of them.

    `epochs` are those of a full training.
    """
    expected = plausible(space, trials, objective, root=root, epochs=epochs)
    return narrow(space, trials, objective, root=root, promising=expected)


def propose_for(study: Study) -> Proposal:
    """Return what the study's last pass teaches."""
    passes, about = study.passes(), study.identity
    return propose(passes[-1].space, study.trials(), about.goal, root=passes[0].space, epochs=about.epochs)


def write_next_pass(study: Study, proposal: Proposal) -> Path:
    """Write the space of the next pass, with the reasons as comments; returns the file's path."""
    path = study.folder / NEXT_PASS
    reasons = {move.name: f"{move.verdict}: {move.reason}" for move in proposal.moves}
    text = dump_space(proposal.next_space, comments=reasons)
    temporary = path.with_suffix(".tmp")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)
    return path


def read_next_pass(study: Study) -> Proposal | None:
    """Return the proposal that the file holds, by a person where it differs from the rules'.

    Raises SpaceError where the file is not a space of the study's hyperparameters.
    """
    path = study.folder / NEXT_PASS
    if not path.is_file():
        return None
    wanted = load_space(path)
    proposal = propose_for(study)
    moves = []
    for hp in wanted:
        move = proposal[hp.name]
        if hp != move.new:
            verdict, reason = _by_hand(move.old, hp)
            move = Move(name=hp.name, verdict=verdict, old=move.old, new=hp, reason=reason, by_person=True)
        moves.append(move)
    return proposal.with_moves(moves)


def _by_hand(old: Hyperparameter, new: Hyperparameter) -> tuple[Verdict, str]:
    """Say what a person did to a range."""
    if new == old:
        return Verdict.KEEP, "kept by you"
    if isinstance(new, Fixed):
        return Verdict.FREEZE, "frozen by you"
    if isinstance(old, Fixed):
        return Verdict.OPEN, "opened by you"
    return Verdict.SET, "set by you"


def edited(
    study: Study,
    proposal: Proposal,
    *,
    sets: tuple[str, ...] = (),
    freeze: tuple[str, ...] = (),
    keep: tuple[str, ...] = (),
) -> Proposal:
    """Return a proposal with a person's flags applied; raises SpaceError quoting a wrong one."""
    return edit.with_flags(proposal, ranges=sets, frozen=freeze, kept=keep, root=study.passes()[0].space)
