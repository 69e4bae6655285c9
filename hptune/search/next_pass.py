"""The next pass as a file that you may edit: `next-pass.yaml` in the study's folder.

Beside it lies the proposal that was written, so that reading finds what was edited since.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace
from pathlib import Path

from hptune._files import write_text
from hptune.errors import SpaceError, did_you_mean
from hptune.models.recipes import OPTIONS, RECIPES
from hptune.narrowing import edit
from hptune.narrowing.propose import propose
from hptune.space import Boolean, Choice, Fixed, Hyperparameter, Integer, Number, Value
from hptune.space.describe import describe_range
from hptune.space.files import dump_space, load_space, located
from hptune.study import Study
from hptune.study.folder import refuse_links
from hptune.study.proposal import Move, Proposal, Verdict
from hptune.study.rows import proposal_from_json, proposal_to_json

__all__ = [
    "NEXT_PASS",
    "edited",
    "propose_for",
    "read_next_pass",
    "remove_next_pass",
    "write_next_pass",
]

NEXT_PASS = "next-pass.yaml"
_PROPOSAL = "next-pass.proposal.json"
_SOFT = """\
# Ranges that the rules moved are soft bounds: half of the trials may still come from outside them.
# Ranges that you write yourself are hard bounds.

"""


def propose_for(study: Study) -> Proposal:
    """Return what the study's last pass teaches; raises StudyError where it has none yet."""
    passes, about = study.begun_passes(), study.identity
    return propose(passes[-1].space, study.trials(), about.goal, root=passes[0].space, epochs=about.epochs)


def write_next_pass(study: Study, proposal: Proposal) -> Path:
    """Write the space of the next pass, with the reasons as comments; returns the file's path.

    Raises InputError where it can't be written.
    """
    refuse_links(study.folder)
    path, kept = study.folder / NEXT_PASS, study.folder / _PROPOSAL
    reasons = {move.name: f"{move.verdict}: {move.reason}" for move in proposal.moves}
    text = dump_space(proposal.next_space, comments=reasons)
    is_soft = any(move.is_soft for move in proposal.moves)
    # Without a proposal beside it the file is compared with what the trials teach then.
    kept.unlink(missing_ok=True)
    write_text(path, f"{_SOFT}{text}" if is_soft else text)
    write_text(kept, proposal_to_json(proposal))
    return path


def remove_next_pass(study: Study) -> None:
    """Remove the file, once its pass is open."""
    (study.folder / NEXT_PASS).unlink()
    (study.folder / _PROPOSAL).unlink(missing_ok=True)


def _written_proposal(study: Study) -> Proposal:
    """Return the proposal that was written, or what the trials teach where that is another one."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError, SpaceError):
        written = proposal_from_json((study.folder / _PROPOSAL).read_text(encoding="utf-8"))
        if written.space == study.passes()[-1].space:
            return written
    return propose_for(study)


def read_next_pass(study: Study) -> Proposal | None:
    """Return the proposal that the file holds, by the user where it differs from what was written.

    Raises SpaceError where the file is not a space of the study's hyperparameters.
    """
    path = study.folder / NEXT_PASS
    if not path.is_file():
        return None
    wanted = load_space(path)
    proposal = _written_proposal(study)
    root = study.passes()[0].space
    moves = []
    for written in wanted:
        try:
            move = proposal[written.name]
            hp = _fitting(written, root[written.name])
        except SpaceError as error:
            raise located(error, path) from error
        if hp != move.new:
            verdict, reason = _by_hand(move.old, hp)
            # As a range that is set by a flag, one that is written here is a hard bound.
            hp = hp if isinstance(hp, Fixed) or verdict is Verdict.KEEP else replace(hp, hard=True)
            move = Move(name=hp.name, verdict=verdict, old=move.old, new=hp, reason=reason, by_user=True)
        moves.append(move)
    return proposal.with_moves(moves)


def _fitting(written: Hyperparameter, home: Hyperparameter) -> Hyperparameter:
    """Return what the user wrote, with its conditions, where the first pass's hyperparameter allows it."""
    name = written.name
    values = _values(written)
    if isinstance(home, Number):
        assert home.limits is not None
        low, high = home.limits
        wrong = [v for v in values if isinstance(v, bool | str) or not low <= v <= high]
        if wrong or (isinstance(home, Integer) and any(v != int(v) for v in values)):
            kind = "whole numbers" if isinstance(home, Integer) else "numbers"
            raise SpaceError(f"{describe_range(written)} is not all {kind} in {low:g}..{high:g}", name=name)
    elif isinstance(home, Choice | Boolean):
        wrong = [v for v in values if not home.contains(v)]
        if wrong:
            raise SpaceError(
                f"{wrong[0]!r} was never one of its choices",
                hint=did_you_mean(str(wrong[0]), map(str, home.options)),
                name=name,
            )
    if isinstance(written, Boolean | Fixed) and isinstance(home, Boolean | Fixed):
        written = replace(written, zero_of=written.zero_of or home.zero_of)
    return written if written.when else replace(written, when=home.when)


def _values(hp: Hyperparameter) -> tuple[Value, ...]:
    """Return the values that bound a range: its ends, its options, or its one value."""
    if isinstance(hp, Number):
        return (hp.low, hp.high)
    return hp.options if isinstance(hp, Choice | Boolean) else (hp.initial,)


def _by_hand(old: Hyperparameter, new: Hyperparameter) -> tuple[Verdict, str]:
    """Say what the user did to a range."""
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
    """Return a proposal with the user's flags applied; raises SpaceError quoting a wrong one."""
    root = study.passes()[0].space
    changed = edit.with_flags(proposal, ranges=sets, frozen=freeze, kept=keep, root=root)
    if study.identity.model in RECIPES:
        for move in changed.changes:
            # What was fixed from the first pass on has no range that says what it may be.
            if isinstance(root[move.name], Fixed) and move.name in OPTIONS:
                OPTIONS[move.name].read(move.new.initial)
    return changed
