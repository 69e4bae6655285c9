"""A study's trials in an Optuna storage, written by Optuna's own client."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from hptune._text import counted
from hptune.bridges.optuna_client import optuna_client
from hptune.bridges.optuna_space import distributions_of, in_distribution
from hptune.bridges.places import first_line, sqlite_file
from hptune.errors import InputError, UsageError
from hptune.study import Study
from hptune.study.trial import Direction, Trial, TrialState

__all__ = ["export_to_optuna"]

_STATES = {
    TrialState.COMPLETE: "COMPLETE",
    TrialState.PAUSED: "PRUNED",
    TrialState.INFEASIBLE: "FAIL",
    TrialState.FAILED: "FAIL",
}
"""Of trials that ended; those under way are left out."""
_BEGAN = "hptune_began"
"""The attribute of a study that tells ours: when its first pass began, seconds since 1970."""


def export_to_optuna(study: Study, url: str | None, *, top: int = 1) -> str:
    """Write the trials that ended to a storage, as the study of the folder's name; return what was done.

    `url` is sqlite:///FILE, any URL that Optuna takes, or a file's path, which becomes an SQLite database.
    What an earlier export wrote there is added to; where trials of it went on since, or their ranges grew,
    it is written anew. Raises UsageError without `url`, and for a `top` other than 1: all trials are written;
    InputError where Optuna is not installed, where the storage can't be written, and where a study of that
    name is there that is another's, or that was gone on with in Optuna.
    """
    if not url:
        raise UsageError("optuna needs a storage", hint="Name one: -o sqlite:///optuna.db")
    if top != 1:
        raise UsageError(f"--top {top}: Optuna is given all trials", hint="Leave it out.")
    url = url if "://" in url else f"sqlite:///{url}"
    optuna = optuna_client()
    try:
        with warnings.catch_warnings():
            # Names of metrics were an experiment in Optuna 4, of which a user need not know.
            warnings.simplefilter("ignore")
            if file := sqlite_file(url):
                Path(file).parent.mkdir(parents=True, exist_ok=True)
            return _export(optuna, study, url)
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"{url}: Optuna can't write it: {first_line(error)}") from error


def _export(optuna: Any, study: Study, url: str) -> str:
    name = study.folder.resolve().name
    trials = _trials(optuna, study)
    storage = optuna.storages.get_storage(url)
    known = _known(optuna, study, storage, url, name)
    there = {} if known is None else {trial.user_attrs["trial"]: trial for trial in known.get_trials()}
    if known is not None and not _is_as_before(there, trials):
        optuna.delete_study(study_name=name, storage=storage)
        known, there = None, {}
    written = _begin(optuna, study, storage, name) if known is None else known
    new = [trial for number, trial in trials.items() if number not in there]
    written.add_trials(new)
    among = f", {len(new)} of them new" if there else ""
    return f"study {name} in {url}: {counted(len(trials), 'trial')}{among}"


def _known(optuna: Any, study: Study, storage: Any, url: str, name: str) -> Any:
    """Return what an earlier export wrote, or None; raises InputError where it is not ours alone."""
    if name not in optuna.get_all_study_names(storage):
        return None
    found = optuna.load_study(study_name=name, storage=storage)
    if found.user_attrs.get(_BEGAN) != _began(study):
        reason = f"has a study {name!r} already, which is not this one"
    elif any("trial" not in trial.user_attrs for trial in found.get_trials(deepcopy=False)):
        reason = f"its study {name!r} has been gone on with in Optuna, which has trials of its own there"
    else:
        return found
    raise InputError(
        f"{url}: {reason}",
        hint=f"Choose another storage, or delete it there: optuna.delete_study({name!r}, …).",
    )


def _is_as_before(there: Mapping[int, Any], trials: Mapping[int, Any]) -> bool:
    """Return whether what is there are trials of ours that nothing has changed since."""
    wanted = {name: d for trial in trials.values() for name, d in trial.distributions.items()}
    return all(
        number in trials
        and (old.state, old.user_attrs) == (trials[number].state, trials[number].user_attrs)
        and all(wanted.get(name) == distribution for name, distribution in old.distributions.items())
        for number, old in there.items()
    )


def _begin(optuna: Any, study: Study, storage: Any, name: str) -> Any:
    identity = study.identity
    made = optuna.create_study(
        study_name=name,
        storage=storage,
        direction="maximize" if identity.direction is Direction.MAX else "minimize",
    )
    about = {_BEGAN: _began(study), "data": identity.data, "model": identity.model, "epochs": identity.epochs}
    for key, value in about.items():
        made.set_user_attr(key, value)
    made.set_metric_names([identity.objective])
    return made


def _began(study: Study) -> float:
    return study.begun_passes()[0].started_at


def _trials(optuna: Any, study: Study) -> dict[int, Any]:
    """Return Optuna's trial of each that ended, by its number in the study."""
    ended = [trial for trial in study.trials() if trial.state in _STATES]
    declared = [hp for one in study.begun_passes() for hp in one.space]
    distributions = distributions_of(declared, [trial.values for trial in ended])
    return {trial.id: _trial(optuna, trial, study.identity.objective, distributions) for trial in ended}


def _trial(optuna: Any, trial: Trial, objective: str, distributions: Mapping[str, Any]) -> Any:
    curve: Sequence[tuple[int, float]] = [
        (epoch, report[objective]) for epoch, report in enumerate(trial.curve, 1) if objective in report
    ]
    made = optuna.trial.create_trial(
        state=optuna.trial.TrialState[_STATES[trial.state]],
        value=None if trial.state.is_bad else trial.score,
        params={name: in_distribution(distributions[name], value) for name, value in trial.values.items()},
        distributions={name: distributions[name] for name in trial.values},
        user_attrs=_attributes(trial),
        system_attrs={"fail_reason": trial.reason} if trial.state.is_bad else {},
        intermediate_values=dict(curve),
    )
    made.datetime_start = datetime.fromtimestamp(trial.created_at)
    # As long as it was trained: one that was paused is not counted while it waited.
    made.datetime_complete = made.datetime_start + timedelta(seconds=trial.seconds)
    return made


def _attributes(trial: Trial) -> dict[str, Any]:
    about = {
        "trial": trial.id,
        "pass": trial.pass_number,
        "state": trial.state.value,
        "epochs": trial.epochs,
        "best_epoch": trial.best_epoch,
        "parameters": trial.parameters,
        "seed": trial.seed,
        "note": trial.note,
        "reason": trial.reason[:1000],
    }
    return {name: value for name, value in about.items() if value not in (None, "")}
