"""Warm starts learned from past studies."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from hptune.errors import HptuneError
from hptune.narrowing.plausible_region import as_observation
from hptune.space import Hyperparameter, Space
from hptune.strategy.initial_design import fit_to
from hptune.strategy.portfolio import build_portfolio
from hptune.study import STUDIES, Study, find_study
from hptune.study.notes import WarmStart

__all__ = ["AUTO", "COUNT", "found_names", "learned_configurations", "past_studies"]

AUTO = "auto"
"""Stands for every other study under studies/."""
COUNT = 3
"""Configurations taken from past studies."""


def past_studies(given: Sequence[str], own: Path) -> list[Path]:
    """Return the folders of the studies named, and with "auto" of all others that can be read.

    Raises where one that is named is not there. The search's own is never among those of "auto".
    """
    named = [find_study(name) for name in given if name != AUTO]
    if AUTO not in given:
        return named
    taken = {folder.resolve() for folder in (own, *named)}
    found = sorted(path.parent for path in STUDIES.glob("*/study.db"))
    return named + [folder for folder in found if folder.resolve() not in taken and _is_readable(folder)]


def _is_readable(folder: Path) -> bool:
    """Return whether a study that nobody named can be read; a broken one is skipped."""
    try:
        with Study.open(folder) as study:
            study.trials(curves=False)
    except (HptuneError, sqlite3.Error):
        return False
    return True


def found_names(folders: Sequence[Path], model_fingerprint: str) -> tuple[Hyperparameter, ...]:
    """Return what trials of the same model asked for in these studies, beyond what exploring it finds."""
    found: dict[str, Hyperparameter] = {}
    for folder in folders:
        with Study.open(folder) as study:
            fingerprint = study.notes.model_fingerprint or study.identity.model_fingerprint
            if fingerprint == model_fingerprint:
                found.update((hp.name, hp) for hp in study.found() if hp.name not in found)
    return tuple(found.values())


def learned_configurations(folders: Sequence[Path], space: Space) -> tuple[WarmStart, ...]:
    """Return configurations of `space` that did well in these studies, the best cover first."""
    observed = []
    for folder in folders:
        with Study.open(folder) as study:
            observations = [as_observation(trial) for trial in study.trials(curves=False)]
            observed.append((study.identity.goal, observations))
    tried = [fit_to(space, [observation.values for observation in seen]) for _, seen in observed]
    return tuple(
        WarmStart(
            values=values,
            origin="from "
            + next(folder.name for folder, known in zip(folders, tried, strict=True) if values in known),
        )
        for values in build_portfolio(space, observed, COUNT)
    )
