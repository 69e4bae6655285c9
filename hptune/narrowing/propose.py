"""What a pass teaches: narrowing by its trials, and by where the model expects the best."""

from __future__ import annotations

from hptune.narrowing.narrow import narrow
from hptune.narrowing.plausible_region import plausible
from hptune.space import Space
from hptune.study.proposal import Proposal
from hptune.study.trial import Objective, Trial

__all__ = ["propose"]


def propose(
    space: Space, trials: tuple[Trial, ...], objective: Objective, *, root: Space, epochs: int
) -> Proposal:
    """Return what a pass over `space` teaches, with all trials so far and what the model makes of them.

    `epochs` are those of a full training.
    """
    expected = plausible(space, trials, objective, root=root, epochs=epochs)
    return narrow(space, trials, objective, root=root, promising=expected)
