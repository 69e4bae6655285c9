"""Configurations as text: spaces of fixed values that `search` takes, and tables for pandas."""

from __future__ import annotations

import json
from collections.abc import Sequence

from hptune._text import on_one_line
from hptune.space import Fixed, Space
from hptune.space.yaml_writer import dump_space
from hptune.study import Study
from hptune.study.trial import Trial
from hptune.views.tables import format_value, trials_csv

__all__ = ["as_csv", "as_json", "as_yaml", "fixed_space"]


def fixed_space(trial: Trial, searched: Space) -> Space:
    """Return a space that holds a trial's configuration and nothing else."""
    return Space(
        name=f"trial-{trial.id}",
        hyperparameters=tuple(
            Fixed(name=name, value=value, tier=searched[name].tier)
            for name, value in searched.for_model(trial.values).items()
        ),
    )


def as_yaml(study: Study, trials: Sequence[Trial]) -> str:
    """Return the configurations as YAML documents, each a space of fixed values."""
    documents = []
    for trial in trials:
        space = fixed_space(trial, study.passes()[0].space)
        documents.append(f"# {_headline(study, trial)}\n{dump_space(space)}")
    return "---\n".join(documents).rstrip("\n")


def as_json(study: Study, trials: Sequence[Trial]) -> str:
    """Return one configuration as a JSON space, or several as a list of them."""
    searched = study.passes()[0].space
    spaces = [
        {
            "name": f"trial-{trial.id}",
            "description": _headline(study, trial),
            "hyperparameters": {
                hp.name: {"value": hp.value, "tier": int(hp.tier) if hp.tier < 4 else "unranked"}
                for hp in fixed_space(trial, searched)
                if isinstance(hp, Fixed)
            },
        }
        for trial in trials
    ]
    return json.dumps(spaces[0] if len(spaces) == 1 else spaces, indent=2)


def as_csv(trials: Sequence[Trial]) -> str:
    """Return the trials as one table, a row each."""
    return trials_csv(trials)


def _headline(study: Study, trial: Trial) -> str:
    identity = study.identity
    return on_one_line(
        f"{identity.objective} {format_value(trial.score)} at epoch {trial.best_epoch} of {trial.epochs},"
        f" trial {trial.id} of {study.folder.name} ({identity.data} with {identity.model})"
    )
