"""Trials, one or many."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from hptune._text import on_one_line
from hptune.analysis.finalists import Confirmed
from hptune.space import same_value
from hptune.study import Study
from hptune.study.trial import Trial, TrialState
from hptune.views.tables.confirmed import mean_text, standing
from hptune.views.tables.text import columns, format_value, to_csv, to_json, wrapped

__all__ = [
    "count_states",
    "curve_csv",
    "state_name",
    "trial_dict",
    "trial_text",
    "trials_csv",
    "trials_json",
    "trials_text",
]


def count_states(trials: Iterable[Trial]) -> str:
    """Say how many trials stand where."""
    found = [trial.state for trial in trials]
    counts = [(state, found.count(state)) for state in TrialState]
    return ", ".join(f"{count} {state}" for state, count in counts if count)


def trial_dict(trial: Trial) -> dict[str, Any]:
    """Return a trial as plain data; its curve only where it was loaded."""
    content: dict[str, Any] = {
        "id": trial.id,
        "pass_number": trial.pass_number,
        "state": trial.state.value,
        "score": trial.score,
        "best_epoch": trial.best_epoch,
        "epochs": trial.epochs,
        "seconds": round(trial.seconds, 3),
        "parameters": trial.parameters,
        "seed": trial.seed,
        "note": trial.note,
        "reason": trial.reason,
        "values": dict(trial.values),
    }
    if trial.curve:
        content["curve"] = [dict(epoch) for epoch in trial.curve]
    return content


def curve_csv(trial: Trial) -> str:
    """Return a trial's curve as CSV, one row per epoch, metrics as columns."""
    metrics = list(dict.fromkeys(name for epoch in trial.curve for name in epoch))
    rows = [[n, *(epoch.get(name, "") for name in metrics)] for n, epoch in enumerate(trial.curve, 1)]
    return to_csv([["epoch", *metrics], *rows])


def trials_json(study: Study, trials: Sequence[Trial]) -> str:
    """Return trials as JSON."""
    versions = study.model_versions()
    listed = [trial_dict(trial) | {"model_version": versions.get(trial.id, 1)} for trial in trials]
    return to_json({"study": str(study.folder), "trials": listed})


def trials_csv(trials: Sequence[Trial]) -> str:
    """Return trials as CSV, one row each; hyperparameters are columns, the same however rows are sorted."""
    by_age = sorted(trials, key=lambda trial: trial.id)
    names = list(dict.fromkeys(name for trial in by_age for name in trial.values))
    fixed = ["id", "pass_number", "state", "score", "best_epoch", "epochs", "seconds", "parameters", "reason"]
    rows = [
        [*map(trial_dict(trial).get, fixed), *map(trial.values.get, names)]  # None where it has none
        for trial in trials
    ]
    return to_csv([[*fixed, *names], *rows])


def state_name(state: TrialState, *, searching: bool) -> str:
    """Return a state as it is shown: no training runs where no search does."""
    return "interrupted" if state is TrialState.RUNNING and not searching else state.value


def trials_text(trials: Sequence[Trial], *, searching: bool = True) -> str:
    """Return trials as a table; what is the same in all of them stands below it, once.

    `searching` tells whether a search is under way.
    """
    every = dict.fromkeys(name for trial in trials for name in trial.values)
    same = {name: trials[0].values[name] for name in every if _is_same(trials, name)}
    names = [name for name in every if name not in same]
    rows = [
        [
            str(t.id),
            str(t.pass_number),
            state_name(t.state, searching=searching),
            format_value(t.score),
            str(t.epochs),
            f"{t.seconds:.1f}",
            *(format_value(t.values.get(name)) for name in names),
        ]
        for t in trials
    ]
    table = columns(rows, ["trial", "pass", "state", "score", "epochs", "seconds", *names])
    if not same:
        return table
    texts = ", ".join(f"{on_one_line(name)} {format_value(value)}" for name, value in same.items())
    return "\n".join([table, *wrapped(f"The same in all: {texts}")])


def _is_same(trials: Sequence[Trial], name: str) -> bool:
    """Return whether two trials or more have one value, all of them."""
    first = trials[0].values.get(name)
    return (
        len(trials) > 1
        and first is not None
        and all(name in t.values and same_value(t.values[name], first) for t in trials)
    )


def trial_text(
    trial: Trial,
    objective: str,
    confirmed: Confirmed | None = None,
    *,
    searching: bool = True,
    version: tuple[int, int] = (1, 1),
) -> str:
    """Say everything about one trial; `confirmed` has it where it was trained again with fresh seeds.

    `version` is that of the model that it was trained with, and how many there are.
    """
    lines = [
        f"Trial {trial.id}, pass {trial.pass_number}: {state_name(trial.state, searching=searching)}",
        f"{objective} {format_value(trial.score)}"
        + (f" at epoch {trial.best_epoch} of {trial.epochs}" if trial.best_epoch else ""),
        f"{trial.seconds:.1f} s, seed {trial.seed}"
        + (f", {trial.parameters:,} parameters" if trial.parameters else "")
        + (f", {on_one_line(trial.note)}" if trial.note else ""),
    ]
    if version[1] > 1:
        lines.append(f"trained with version {version[0]} of {version[1]} of the model's code")
    if trial.reason:
        lines.append(trial.reason)
    lines += _again(trial, confirmed)
    lines += ["", *(f"  {on_one_line(name)} = {format_value(value)}" for name, value in trial.values.items())]
    if trial.curve:
        metrics = list(trial.curve[0])
        rows = [[str(n), *(format_value(e.get(m)) for m in metrics)] for n, e in enumerate(trial.curve, 1)]
        lines += ["", columns(rows, ["epoch", *metrics], indent="  ")]
    if trial.traceback:
        lines += ["", trial.traceback.rstrip()]
    return "\n".join(line.rstrip() for line in lines)


def _again(trial: Trial, confirmed: Confirmed | None) -> list[str]:
    """Say what fresh seeds gave of a trial, and how it stands beside the others that had some."""
    own = next((f for f in confirmed.finalists if f.trial.id == trial.id), None) if confirmed else None
    if own is None or confirmed is None:
        return []
    lines = ["", f"Fresh seeds: {mean_text(own)}"]
    lines += [
        f"  seed {c.seed}: {format_value(c.score) or f'could not be trained: {c.reason}'}"
        for c in own.confirmations
    ]
    return lines + wrapped(" ".join(standing(confirmed)))
