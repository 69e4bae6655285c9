"""First trials learned from a person's earlier studies."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hptune.space import Space
from hptune.strategy.learn import learn_starts
from hptune.strategy.plausible import as_observation
from hptune.strategy.start import Start, fit_to
from hptune.study import STUDIES, Study, find_study

__all__ = ["AUTO", "COUNT", "earlier_studies", "learned_starts"]

AUTO = "auto"
"""Stands for every other study under studies/."""
COUNT = 3
"""Configurations taken from earlier studies."""


def earlier_studies(given: Sequence[str], own: Path) -> list[Path]:
    """Return the folders of the studies named, or of all others; raises where one is not there."""
    if AUTO in given:
        found = sorted(path.parent for path in STUDIES.glob("*/study.db"))
        return [folder for folder in found if folder != own and Study.exists(folder)]
    return [find_study(name) for name in given]


def learned_starts(folders: Sequence[Path], space: Space) -> tuple[Start, ...]:
    """Return configurations of `space` that did well in these studies, the best cover first."""
    told = []
    for folder in folders:
        with Study.open(folder) as study:
            observations = [as_observation(trial) for trial in study.trials(curves=False)]
            told.append((study.identity.goal, observations))
    tried = [fit_to(space, [observation.values for observation in seen]) for _, seen in told]
    return tuple(
        Start(
            values=values,
            origin="from "
            + next(folder.name for folder, known in zip(folders, tried, strict=True) if values in known),
        )
        for values in learn_starts(space, told, COUNT)
    )
