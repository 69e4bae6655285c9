"""The thresholds by which a pass is judged, in one place."""

from __future__ import annotations

from dataclasses import dataclass

from hptune.errors import SpaceError

__all__ = ["Rules"]


@dataclass(frozen=True, kw_only=True)
class Rules:
    """The thresholds of narrowing. Widths are parts of a range on its own scale."""

    quantile: float = 0.2
    """Part of the judged trials that counts as good (Perrone et al. 2019, arXiv 1909.12552)."""
    min_trials: int = 8
    """Trials that must have reached the same length of training before anything narrows."""
    min_good: int = 3
    """Good trials that must be distinguishable from the rest."""
    margin: float = 0.25
    """Kept beyond the good trials on each side, of the old width."""
    model_margin: float = 0.1
    """Kept on each side of what the model finds promising, of the old width."""
    half_width: float = 0.3
    """Least half width of a new range, of the old width, before it is cut off at the old range."""
    min_width: float = 0.1
    """Least width of a range, of its width in the first pass; a grid keeps at least three values."""
    edge: float = 0.05
    """The best lies at an edge when it is nearer to it than this, of the old width."""
    growth: float = 0.5
    """An expansion adds this, of the old width."""
    p_value: float = 0.05
    """A hyperparameter matters when chance alone would order the trials by it more rarely than this."""
    side_p: float = 0.25
    """Then a side moves when chance alone would leave it as empty of good trials more rarely than this."""
    strong: float = 0.02
    """Evidence that counts alone: what chance would do more rarely than this."""
    min_gain: float = 0.1
    """A range that would shrink by less than this stays, so that what is shown is steady."""
    min_tries: int = 4
    """Trials an option must have had before it is dropped; those that stay need as many."""
    infeasible_side: int = 3
    """Trials beyond a value that all could not be trained, before that side is cut."""
    infeasible_share: float = 0.1
    """Share of trials that could not be trained, from which it is noted."""

    def __post_init__(self) -> None:
        for name in ("quantile", "p_value", "side_p", "strong", "min_width", "half_width"):
            if not 0 < getattr(self, name) < 1:
                raise SpaceError(f"rules: {name} must lie between 0 and 1, got {getattr(self, name)!r}")
