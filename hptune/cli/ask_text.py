"""What the dialogue on a proposal shows. It computes nothing."""

from __future__ import annotations

import shlex

from hptune.cli.prompt import Prompt
from hptune.narrowing import edit
from hptune.space import Fixed, Space, Tier
from hptune.space.describe import describe_range
from hptune.study.proposal import Move, Proposal, Verdict
from hptune.views.snapshot import Snapshot
from hptune.views.tables.steering import importance_text, range_plot

__all__ = [
    "KEYS",
    "show_begin",
    "show_choice",
    "show_decided",
    "show_flags",
    "show_keys",
    "show_move",
    "stays_fixed",
    "tier_text",
]

KEYS = {
    "accept": "what is proposed; Enter alone does so too",
    "edit": "type the range, as 1e-3..1e-1, or the options, as adam,sgd",
    "keep": "the range as it was",
    "widen": "the range by half its width on each side",
    "freeze": "at a value: search it no more",
    "open": "search again what is frozen",
    "tier": "drop or open all hyperparameters of one",
    "look": "at the trials behind it",
    "plots": "off or on",
    "undo": "the last decision",
    "done": "accept the rest",
    "quit": "nothing is changed",
}
"""The words that the user may answer; the first letter is enough."""

_COLOURS = {Verdict.NARROW: "cyan", Verdict.EXPAND: "yellow", Verdict.FREEZE: "magenta"}
_LINES = {"new ": "green", "no score ": "red"}
"""Colours of the plot's rows, by how they begin."""


def tier_text(tier: Tier) -> str:
    """Return a tier as the user reads it."""
    return "unranked" if tier is Tier.UNRANKED else f"tier {int(tier)}"


def show_begin(prompt: Prompt, proposal: Proposal, headline: str, root: Space) -> None:
    """Say what concerns the whole, what stays fixed, and what the plots and keys mean."""
    if headline:
        prompt.sentence(headline, indent=0)
    prompt.sentence(_overview(proposal), indent=0)
    for note in proposal.notes:
        prompt.sentence(f"{note[:1].upper()}{note[1:]}.", indent=0)
    if any(move.is_soft for move in proposal.moves):
        prompt.sentence(
            "New ranges are soft bounds: half of the trials may still come from outside them.", indent=0
        )
    for what, can in (("Fixed", False), ("Frozen, and opened with o", True)):
        fixed = [m for m in proposal.moves if stays_fixed(m) and can_be_opened(m, root) is can]
        if fixed:
            values = ", ".join(f"{m.name}{describe_range(m.old)}" for m in fixed)
            prompt.sentence(f"{what}: {values}", indent=0)
    few, some, many, best = "·•●★" if prompt.unicode else ".oO*"
    prompt.sentence(
        f"In the plots {few} is 1 trial, {some} 2 to 4, {many} 5 or more, {best} the best.", indent=0
    )
    prompt.sentence("Answer with a word or its first letter; Enter accepts, ? explains.", indent=0)


def _overview(proposal: Proposal) -> str:
    """Say how many ranges there are to decide on, and how many of them the rules would move."""
    asked = [m for m in proposal.moves if not stays_fixed(m)]
    moved = [m.name for m in asked if m.old != m.new]
    count = f"{len(asked)} range{'' if len(asked) == 1 else 's'} to decide on"
    would = (
        f"{'these' if len(moved) > 1 else 'this'} would move: {', '.join(moved)}"
        if moved
        else "none would move"
    )
    return f"{count}; {would}."


def stays_fixed(move: Move) -> bool:
    """Return whether a hyperparameter is fixed and would stay so: it is not asked about."""
    return isinstance(move.old, Fixed) and isinstance(move.new, Fixed)


def can_be_opened(move: Move, root: Space) -> bool:
    """Return whether a hyperparameter has a range in the first pass, `root`, that can be searched again."""
    return move.name in root and not isinstance(root[move.name], Fixed)


def show_keys(prompt: Prompt) -> None:
    """Say what each key does."""
    for key, what in KEYS.items():
        prompt.line(f"  {key:<6}  {what}")


def show_move(prompt: Prompt, move: Move, snapshot: Snapshot, *, at: int, count: int, plot: bool) -> None:
    """Show one range: where it stands, what is proposed and why, and what the trials say."""
    prompt.line()
    prompt.line(f"{at + 1}/{count} {move.name}, {tier_text(move.old.tier)}", bold=True)
    prompt.sentence(f"{move.verdict.value}: {_ranges(move)}", colour=_COLOURS.get(move.verdict))
    prompt.sentence(move.reason)
    prompt.sentence(importance_text(snapshot, move.name))
    for line in range_plot(snapshot, move, width=prompt.width, unicode=prompt.unicode) if plot else ():
        prompt.line(
            line, colour=next((c for mark, c in _LINES.items() if line.lstrip().startswith(mark)), None)
        )


def show_choice(prompt: Prompt, move: Move) -> None:
    """Say what the user made of a range; a single value is one that is searched no more."""
    frozen = ", searched no more" if isinstance(move.new, Fixed) else ""
    prompt.sentence(f"{move.name}: {_ranges(move)}{frozen}")


def _ranges(move: Move) -> str:
    old, new = describe_range(move.old), describe_range(move.new)
    return old if old == new else f"{old} → {new}"


def show_decided(prompt: Prompt, proposal: Proposal) -> None:
    """Say what would be written, what the user decided by name."""
    mine = [move for move in proposal.moves if move.by_user]
    prompt.line()
    prompt.line("That is all of them.", bold=True)
    for move in mine:
        prompt.sentence(f"{move.name}: {_ranges(move)}; {move.reason}")
    others = len(proposal.moves) - len(mine)
    prompt.sentence(f"{others} as proposed" if mine else "All as proposed.")


def show_flags(prompt: Prompt, proposal: Proposal, study: str) -> None:
    """Say the command that repeats what was decided."""
    command = ["hptune narrow", shlex.quote(study), "--accept", *edit.flags(proposal)]
    prompt.line()
    prompt.line("The same without asking:")
    prompt.line("  " + " ".join(command))
