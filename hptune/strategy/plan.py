"""The plan of a search before it begins: brackets, rungs and the epochs of each pass."""

from __future__ import annotations

from dataclasses import dataclass

from hptune._text import counted
from hptune.space import Space
from hptune.strategy.encoding import mixed_axes
from hptune.strategy.halving import Bracket, check_rungs, coarse_brackets

__all__ = ["COARSE_LEAST", "COARSE_MOST", "Plan", "plan"]

COARSE_LEAST = 0.25
"""The first of several passes takes at least this share of the budget."""

COARSE_MOST = 0.35
"""… and at most this one, unless one bracket costs more."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a budget buys."""

    epochs: int
    """Epochs of one full training."""
    budget: int
    """Epochs of all passes together."""
    bracket: Bracket
    """Rungs of the coarse phase, and how many configurations reach each."""
    brackets: int
    """How often the bracket is run before the model decides alone."""
    checks: tuple[int, ...]
    """Epochs at which the model judges a training afterwards."""
    pass_epochs: tuple[int, ...]
    """Epochs of each pass; their sum is the budget."""
    notes: tuple[str, ...] = ()
    """What the user should know: fewer passes than asked, axes laid out otherwise than declared."""

    @property
    def coarse_cost(self) -> int:
        """Epochs of all brackets."""
        return self.bracket.cost * self.brackets

    @property
    def first_configurations(self) -> int:
        """Configurations that are started before any was trained to the end."""
        return self.bracket.sizes[0] if len(self.bracket.rungs) > 1 else self.brackets

    @property
    def lines(self) -> tuple[str, ...]:
        """The plan in words, a line per fact."""
        trainings = counted(self.budget // self.epochs, "full training")
        lines = [f"budget: {counted(self.budget, 'epoch')}, the cost of {trainings} of {self.epochs}"]
        steps = ", ".join(
            f"{size} to epoch {rung}"
            for size, rung in zip(self.bracket.sizes, self.bracket.rungs, strict=True)
        )
        times = "one bracket" if self.brackets == 1 else f"{self.brackets} brackets"
        lines.append(f"coarse: {times} of {steps} ({counted(min(self.coarse_cost, self.budget), 'epoch')})")
        if self.coarse_cost < self.budget:
            at = ", ".join(str(epoch) for epoch in self.checks)
            lines.append(f"then: the model chooses, and judges each training at epoch {at}")
        for number, epochs in enumerate(self.pass_epochs, 1):
            lines.append(f"pass {number}: {counted(epochs, 'epoch')}")
        return (*lines, *self.notes)


def plan(space: Space, trials: int, epochs: int, passes: int) -> Plan:
    """Return the plan for the cost of `trials` full trainings of `epochs` epochs in `passes` passes.

    All three are at least 1. Each later pass can pay one full training at the least: where the
    budget does not allow that, there are fewer passes.
    """
    for name, number in (("trials", trials), ("epochs", epochs), ("passes", passes)):
        if number < 1:
            raise ValueError(f"{name} must be at least 1, got {number}")
    budget = trials * epochs
    bracket, brackets = coarse_brackets(epochs, budget)
    coarse = min(budget, bracket.cost * brackets)
    share = max(coarse, round(COARSE_LEAST * budget))
    first = max(min(share, int(COARSE_MOST * budget)), min(bracket.cost, budget))
    later = min(passes - 1, (budget - first) // epochs)
    pass_epochs = _split(budget, first, later)
    notes = []
    if len(pass_epochs) < passes:
        notes.append(
            f"{len(pass_epochs)} of the {passes} passes asked for: each later pass needs one full training"
        )
    mixed = mixed_axes(space)
    if mixed:
        notes.append(f"searched mostly in log, for they span decades: {', '.join(mixed)}")
    return Plan(
        epochs=epochs,
        budget=budget,
        bracket=bracket,
        brackets=brackets,
        checks=check_rungs(epochs),
        pass_epochs=pass_epochs,
        notes=tuple(notes),
    )


def _split(budget: int, first: int, later: int) -> tuple[int, ...]:
    """Return the first pass's epochs and equal shares of the rest; the last takes the remainder."""
    if later == 0:
        return (budget,)
    rest = budget - first
    shares = [rest // later] * later
    shares[-1] += rest - sum(shares)
    return (first, *shares)
