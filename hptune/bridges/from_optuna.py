"""Past trials from an Optuna study in its storage, by Optuna's own client."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from hptune.bridges.optuna_client import optuna_client
from hptune.bridges.past_trials import PastSearch, PastTrial, plain_values
from hptune.bridges.places import first_line, require_there, sqlite_file
from hptune.errors import DataError, did_you_mean
from hptune.space import Boolean, Choice, Fixed, Float, Hyperparameter, Integer, Space, Tier
from hptune.space.names import meaning
from hptune.space.scales import Scale
from hptune.study.trial import Direction, TrialState

__all__ = ["read_optuna"]


def read_optuna(url: str, *, study: str | None = None, objective: str | None = None) -> PastSearch:
    """Read the trials that ended of an Optuna study: sqlite:///FILE, or any URL that Optuna takes.

    `study` is its name; it may be left out where the storage holds one alone. `objective` is what its
    values are of, such as val_accuracy; without it the metric that the study names, else "value". What
    `trial.report` noted is the curve, step by step; a trial that was pruned counts as paused. Raises
    InputError where Optuna is not installed, DataError where there is no such study or it has several
    objectives.
    """
    optuna = optuna_client()
    require_there(sqlite_file(url))
    try:
        names = optuna.get_all_study_names(url)
        name = _named(url, study, names)
        found = optuna.load_study(study_name=name, storage=url)
        trials = found.get_trials(deepcopy=False)
        directions, named = found.directions, found.metric_names or ["value"]
    except DataError:
        raise
    except Exception as error:
        raise DataError(f"{url}: Optuna can't read it: {first_line(error)}") from error
    if len(directions) != 1:
        raise DataError(
            f"{url}: study {name!r} has {len(directions)} objectives, and one is searched for here"
        )
    ended = [trial for trial in trials if trial.state.name in ("COMPLETE", "PRUNED", "FAIL")]
    if not ended:
        raise DataError(f"{url}: no trial of study {name!r} has ended")
    return PastSearch(
        name=name,
        source=f"optuna:{name}",
        objective=objective or named[0],
        direction=Direction.MAX if directions[0].name == "MAXIMIZE" else Direction.MIN,
        space=_space(name, ended),
        trials=tuple(_trial(trial) for trial in ended),
    )


def _named(url: str, study: str | None, names: Sequence[str]) -> str:
    if study is None and len(names) == 1:
        return names[0]
    if study is None:
        raise DataError(
            f"{url}: holds {len(names)} studies", hint=f"Name one: --study NAME. {did_you_mean('', names)}"
        )
    if study not in names:
        raise DataError(f"{url}: has no study {study!r}", hint=did_you_mean(study, names))
    return study


def _trial(trial: Any) -> PastTrial:
    noted = [value for _, value in sorted(trial.intermediate_values.items()) if math.isfinite(value)]
    value = trial.value if trial.values else None
    pruned = trial.state.name == "PRUNED"
    if value is None and pruned and noted:
        value = noted[-1]
    usable = value is not None and math.isfinite(value) and trial.state.name != "FAIL"
    return PastTrial(
        values=plain_values(trial.params),
        score=float(value) if usable and value is not None else None,
        epochs=len(noted) or None,
        curve=tuple(map(float, noted)),
        state=TrialState.PAUSED if pruned else TrialState.COMPLETE if usable else TrialState.FAILED,
        reason="" if usable else str(trial.system_attrs.get("fail_reason", ""))[:300],
        seconds=trial.duration.total_seconds() if trial.duration is not None else 0.0,
    )


def _space(name: str, trials: Sequence[Any]) -> Space:
    distributions: dict[str, Any] = {}
    for trial in trials:
        # Of a range that changed between trials the latest counts, as Optuna has it.
        distributions.update(trial.distributions)
    found = (_hyperparameter(one, distribution) for one, distribution in distributions.items())
    return Space(
        name=name, description="As Optuna has it", hyperparameters=tuple(hp for hp in found if hp is not None)
    )


def _hyperparameter(name: str, distribution: Any) -> Hyperparameter | None:
    kind, tier = type(distribution).__name__, meaning(name).tier
    if kind == "CategoricalDistribution":
        return _choice(
            name, [c for c in distribution.choices if isinstance(c, bool | int | float | str)], tier
        )
    if distribution.single():
        return Fixed(name=name, value=distribution.low, tier=tier)
    scale = Scale.LOG if distribution.log else Scale.LINEAR
    step = None if distribution.log or distribution.step in (None, 1) else distribution.step
    make = Integer if kind == "IntDistribution" else Float
    return make(name=name, low=distribution.low, high=distribution.high, scale=scale, step=step, tier=tier)


def _choice(name: str, choices: Sequence[Any], tier: Tier) -> Hyperparameter | None:
    if not choices:
        # None alone, or values that no hyperparameter can have.
        return None
    if len(choices) == 1:
        return Fixed(name=name, value=choices[0], tier=tier)
    if len(choices) == 2 and all(isinstance(choice, bool) for choice in choices):
        return Boolean(name=name, tier=tier)
    kinds: Mapping[bool, list[Any]] = {
        text: [c for c in choices if isinstance(c, str) is text] for text in (True, False)
    }
    # A choice is of one kind: numbers beside words are words, too.
    options = tuple(choices) if not kinds[True] or not kinds[False] else tuple(map(str, choices))
    return Choice(name=name, options=options, tier=tier)
