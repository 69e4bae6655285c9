"""The user's changes to a proposal, and the flags that repeat them.

    learning_rate=1e-3..1e-1    a range; batch_size=32..128 for ordered options, too
    optimizer=adam,sgd          options
    momentum=0.9                one value: frozen

Each function returns a new proposal or raises SpaceError, which quotes the text. A change depends on the
proposal's old ranges and on its best configuration, and not on a change before it (but to widen goes on
from what was set), so the last one counts and its flag repeats it.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import replace

from hptune.errors import SpaceError
from hptune.space import Choice, Fixed, Hyperparameter, Number, Space, Tier, same_value
from hptune.space.range_moves import at_unit, snapped
from hptune.space.range_text import exact_range, exact_text, parse_range, parse_value, split_text
from hptune.study.proposal import Move, Proposal, Verdict

__all__ = [
    "drop",
    "drop_tier",
    "flags",
    "freeze",
    "keep",
    "reopen",
    "reopen_tier",
    "set_range",
    "widen",
    "with_flags",
]

_WIDER = 0.5
"""Widening adds this on each side, of the width."""


def set_range(proposal: Proposal, text: str, *, root: Space | None = None) -> Proposal:
    """Give a hyperparameter the range, options or single value of `name=…`; nothing is tried outside it.

    With `root`, the space of the first pass, its limits and options count, and what is frozen can be
    searched again.
    """
    name, body = split_text(proposal.names, text)
    move = proposal[name]
    known = _known(move.old, root)
    try:
        new = parse_range(known, body, start=proposal.best.get(name, move.old.initial))
        if isinstance(new, Fixed):
            return _applied(proposal, _frozen(move, new))
        verdict = Verdict.OPEN if isinstance(move.old, Fixed) else Verdict.SET
        reason = f"you set {exact_range(new)}: nothing is tried outside it"
        return _applied(
            proposal, Move(name=name, verdict=verdict, old=move.old, new=new, reason=reason, by_user=True)
        )
    except SpaceError as error:
        raise error.at(repr(text)) from error


def freeze(proposal: Proposal, text: str, *, root: Space | None = None) -> Proposal:
    """Fix a hyperparameter at the value of `name=value`; `name` alone means its best value so far."""
    if "=" not in text:
        return drop(proposal, text, root=root)
    name, body = split_text(proposal.names, text)
    move = proposal[name]
    try:
        return _applied(proposal, _frozen(move, parse_value(_known(move.old, root), body)))
    except SpaceError as error:
        raise error.at(repr(text)) from error


def drop(proposal: Proposal, name: str, *, root: Space | None = None) -> Proposal:
    """Search a hyperparameter no more: fix it at the value of the best trial, else at its default."""
    initial = proposal[name].old.initial
    best = proposal.best.get(name, initial)
    try:
        return freeze(proposal, f"{name}={exact_text(best)}", root=root)
    except SpaceError:
        # The best trial may come from outside the limits, or from an option that is gone.
        return freeze(proposal, f"{name}={exact_text(initial)}", root=root)


def keep(proposal: Proposal, name: str) -> Proposal:
    """Leave a hyperparameter as it was in the pass just done."""
    move = proposal[name]
    kept = Move(
        name=name,
        verdict=Verdict.KEEP,
        old=move.old,
        new=move.old,
        reason="you keep it as it was",
        by_user=True,
    )
    return _applied(proposal, kept)


def widen(proposal: Proposal, name: str, *, root: Space | None = None) -> Proposal:
    """Widen a range by half its width on each side, or options by what the first pass had.

    Widens what the user set before, else the range of the pass just done; as far as the limits allow.
    """
    move = proposal[name]
    now = move.new if move.by_user and not isinstance(move.new, Fixed) else move.old
    known = _known(move.old, root)
    if isinstance(now, Fixed):
        return reopen(proposal, name, root=root)
    if isinstance(now, Number) and isinstance(known, Number):
        wide = replace(now, limits=known.limits)
        low, high = snapped(wide, at_unit(wide, -_WIDER), at_unit(wide, 1 + _WIDER))
        if (low, high) == (now.low, now.high):
            raise SpaceError(f"{exact_range(now)} is as wide as its limits allow", name=name)
        return set_range(proposal, f"{name}={exact_text(low)}..{exact_text(high)}", root=root)
    more = _wider_options(now, known)
    if more is None:
        raise SpaceError(f"{exact_range(now)} are all the options there are", name=name)
    return set_range(proposal, f"{name}={','.join(more)}", root=root)


def _wider_options(now: Hyperparameter, known: Hyperparameter) -> list[str] | None:
    """Return the texts of the neighbours' run, or of all options, or None where there are no more."""
    if not isinstance(now, Choice) or not isinstance(known, Choice) or len(known.options) == len(now.options):
        return None
    if not known.ordered:
        return [exact_text(o) for o in known.options]
    places = [i for i, o in enumerate(known.options) if any(same_value(o, mine) for mine in now.options)]
    run = known.options[max(places[0] - 1, 0) : places[-1] + 2]
    return [exact_text(o) for o in run]


def reopen(proposal: Proposal, name: str, *, root: Space | None = None) -> Proposal:
    """Search a frozen hyperparameter again, over its range of the first pass, `root`."""
    if not isinstance(proposal[name].old, Fixed) and not isinstance(proposal[name].new, Fixed):
        raise SpaceError("is searched already", hint="Give it another range, or widen it.", name=name)
    known = _known(proposal[name].old, root)
    if isinstance(known, Fixed):
        raise SpaceError(
            "fixed from the first pass on, so there is no range to search",
            hint="Give it a range in the space file.",
            name=name,
        )
    return set_range(proposal, f"{name}={exact_range(known)}", root=root)


def drop_tier(proposal: Proposal, tier: Tier, *, root: Space | None = None) -> Proposal:
    """Fix every hyperparameter of a tier that is searched at the value of the best trial."""
    for hp in proposal.space.searched:
        if hp.tier is tier:
            proposal = drop(proposal, hp.name, root=root)
    return proposal


def reopen_tier(proposal: Proposal, tier: Tier, *, root: Space) -> Proposal:
    """Search every hyperparameter of a tier that is fixed now and has a range in the first pass."""
    for move in proposal.moves:
        fixed = isinstance(move.new, Fixed) and not isinstance(_known(move.old, root), Fixed)
        if move.old.tier is tier and fixed:
            proposal = reopen(proposal, move.name, root=root)
    return proposal


def with_flags(
    proposal: Proposal,
    *,
    ranges: Iterable[str] = (),
    frozen: Iterable[str] = (),
    kept: Iterable[str] = (),
    root: Space | None = None,
) -> Proposal:
    """Apply the texts of --set, --freeze and --keep; one name may be given once."""
    given: dict[str, str] = {}
    for flag, texts in (("--set", ranges), ("--freeze", frozen), ("--keep", kept)):
        for text in texts:
            name = text if "=" not in text else split_text(proposal.names, text)[0]
            if name in given:
                raise SpaceError(f"{flag} {text}: {name} was given before: {given[name]}")
            given[name] = f"{flag} {text}"
            if flag == "--set":
                proposal = set_range(proposal, text, root=root)
            elif flag == "--freeze":
                proposal = freeze(proposal, text, root=root)
            else:
                proposal = keep(proposal, text)
    return proposal


def flags(proposal: Proposal) -> list[str]:
    """Return the flags that repeat the user's choices, each ready for a shell: `--set x=1e-3..0.1`."""
    texts = []
    for move in proposal.moves:
        if not move.by_user:
            continue
        if move.verdict is Verdict.KEEP:
            texts.append(f"--keep {shlex.quote(move.name)}")
        elif isinstance(move.new, Fixed):
            texts.append(f"--freeze {shlex.quote(f'{move.name}={exact_text(move.new.value)}')}")
        else:
            texts.append(f"--set {shlex.quote(f'{move.name}={exact_range(move.new)}')}")
    return texts


def _known(old: Hyperparameter, root: Space | None) -> Hyperparameter:
    """Return the hyperparameter whose limits and options bind the user: that of the first pass.

    Without a first pass, and where that is of another kind, today's.
    """
    first = root.get(old.name) if root is not None else None
    if first is None or isinstance(first, Fixed):
        return old
    if isinstance(old, Fixed) or type(first) is type(old):
        return first
    return old


def _frozen(move: Move, new: Fixed) -> Move:
    reason = f"you froze it at {exact_text(new.value)}"
    return Move(name=move.name, verdict=Verdict.FREEZE, old=move.old, new=new, reason=reason, by_user=True)


def _applied(proposal: Proposal, move: Move) -> Proposal:
    """Return the proposal with the move, once the space as a whole has checked itself."""
    changed = proposal.with_moves([move])
    _ = changed.next_space
    return changed
