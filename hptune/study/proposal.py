"""Proposals: how each range moves from one pass to the next, and why. Plain frozen data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum

from hptune.errors import SpaceError, did_you_mean
from hptune.space import Choice, Hyperparameter, Number, Space, Values

__all__ = ["Move", "Proposal", "Verdict"]


class Verdict(StrEnum):
    """What happens to one range."""

    NARROW = "narrow"
    EXPAND = "expand"
    KEEP = "keep"
    FREEZE = "freeze"
    """Fixed at a value from here on."""
    OPEN = "open"
    """Fixed so far, searched from here on."""
    SET = "set"
    """The user wrote the range."""


@dataclass(frozen=True, kw_only=True)
class Move:
    """One hyperparameter's old and new range."""

    name: str
    verdict: Verdict
    old: Hyperparameter
    new: Hyperparameter
    reason: str
    """In words, with its figures."""
    by_user: bool = False
    """The user decided; otherwise the rules did."""

    @property
    def is_soft(self) -> bool:
        """Whether the new range is a soft bound: half of the trials may still come from outside.

        So it is with what the rules moved, unless the user set the old range or all of the new one.
        """
        by_rules = self.verdict is not Verdict.KEEP and not self.by_user
        return by_rules and isinstance(self.old, Number | Choice) and not (self.old.hard or self.new.hard)


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """The space of the next pass, with a reason for each range."""

    space: Space
    """The space of the pass that taught this."""
    moves: tuple[Move, ...]
    """One per hyperparameter of the space, in its order."""
    notes: tuple[str, ...] = ()
    """What concerns the whole: too few trials, an infeasible share, a measured importance."""
    best: Values = field(default_factory=dict)
    """The best configuration so far; empty where there is none."""

    @property
    def names(self) -> tuple[str, ...]:
        """The hyperparameters, in the order of the space."""
        return tuple(move.name for move in self.moves)

    @property
    def next_space(self) -> Space:
        """The space with every move applied."""
        return self.space.with_changes(move.new for move in self.moves)

    @property
    def changes(self) -> tuple[Move, ...]:
        """The moves that change something."""
        return tuple(m for m in self.moves if m.old != m.new)

    @property
    def origin(self) -> str:
        """Where a pass over it comes from: `user` where you decided any move, else `narrowed`."""
        return "user" if any(move.by_user for move in self.moves) else "narrowed"

    def __getitem__(self, name: str) -> Move:
        for move in self.moves:
            if move.name == name:
                return move
        raise SpaceError(
            f"no hyperparameter is named {name!r}", hint=did_you_mean(name, (m.name for m in self.moves))
        )

    def with_moves(self, changed: Iterable[Move]) -> Proposal:
        """Return this proposal with moves of the same names replaced."""
        new = {move.name: move for move in changed}
        return replace(self, moves=tuple(new.get(m.name, m) for m in self.moves))
