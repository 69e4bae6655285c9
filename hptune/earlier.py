"""First trials learned from a person's earlier studies."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from hptune.space import Space, Value, Values
from hptune.strategy.learn import learn_starts
from hptune.strategy.plausible import as_observation
from hptune.study import STUDIES, Study, find_study

__all__ = ["AUTO", "COUNT", "earlier_studies", "learned_starts", "noted_starts", "starts_note"]

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


def learned_starts(folders: Sequence[Path], space: Space) -> tuple[Values, ...]:
    """Return configurations of `space` that did well in these studies, the best cover first."""
    told = []
    for folder in folders:
        with Study.open(folder) as study:
            observations = [as_observation(trial) for trial in study.trials(curves=False)]
            told.append((study.identity.goal, observations))
    return tuple(learn_starts(space, told, COUNT))


def starts_note(starts: Sequence[Values]) -> str:
    """Return configurations as a study notes them, so that going on begins with the same."""
    return json.dumps([dict(values) for values in starts])


def noted_starts(study: Study) -> tuple[dict[str, Value], ...]:
    """Return the configurations that a study's search began with."""
    return tuple(json.loads(study.meta.get("starts", "[]")))
