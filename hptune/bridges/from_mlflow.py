"""Past trials from the runs of an MLflow experiment, by MLflow's own client."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from typing import Any

from hptune.bridges.guess_space import guess_space, value_of_text
from hptune.bridges.past_trials import PastSearch, PastTrial, direction_of
from hptune.bridges.places import first_line, require_there, sqlite_file
from hptune.errors import DataError, InputError, did_you_mean
from hptune.study.trial import Direction, TrialState

__all__ = ["read_mlflow"]

_PAGE = 1000
_ALLOWS = "MLFLOW_ALLOW_FILE_STORE"
_ENDED = {"FINISHED": TrialState.COMPLETE, "KILLED": TrialState.PAUSED, "FAILED": TrialState.FAILED}


def read_mlflow(uri: str, *, objective: str, experiment: str | None = None) -> PastSearch:
    """Read the runs that ended of an experiment: http://HOST:PORT, sqlite:///FILE or a folder of runs.

    Their parameters are hyperparameters; `objective` is a metric that they logged, whose history is the
    curve, with max: or min: before it where the name does not tell its direction. `experiment` may be left
    out where there is one alone with runs. Raises InputError where MLflow is not installed, DataError where
    there is nothing to read.
    """
    try:
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException
    except ImportError as error:
        raise InputError("mlflow is not installed", hint="pip install 'hptune[mlflow]' brings it.") from error
    require_there(sqlite_file(uri) or _folder(uri))
    # MLflow tries a server that is not there for minutes.
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    direction, _, metric = objective.rpartition(":")
    try:
        client = MlflowClient(tracking_uri=uri)
        name, number = _experiment(client, uri, experiment)
        runs = [run for run in _runs(client, [number]) if run.info.status in _ENDED]
        goal = direction_of(metric, direction or None)
        trials = tuple(_trial(client, run, metric, goal) for run in runs)
    except (MlflowException, OSError) as error:
        raise _unreadable(uri, error) from error
    if not runs:
        raise DataError(f"{uri}: no run of experiment {name!r} has ended")
    if all(trial.score is None for trial in trials):
        known = sorted({key for run in runs for key in run.data.metrics})
        raise DataError(f"{uri}: no run logged {metric!r}", hint=did_you_mean(metric, known))
    return PastSearch(
        name=name,
        source=f"mlflow:{name}",
        objective=metric,
        direction=goal,
        space=guess_space(name, [trial.values for trial in trials]),
        trials=trials,
    )


def _folder(uri: str) -> str | None:
    """Return the path of a folder of runs; None for what is none."""
    path = uri.removeprefix("file:").removeprefix("//")
    return None if ":" in path or path == "databricks" else path


def _unreadable(uri: str, error: Exception) -> DataError:
    if _ALLOWS in str(error):
        return DataError(f"{uri}: MLflow reads a folder of runs only where {_ALLOWS}=true is set")
    return DataError(f"{uri}: MLflow can't read it: {first_line(error)}")


def _experiment(client: Any, uri: str, given: str | None) -> tuple[str, str]:
    known = {found.name: found.experiment_id for found in client.search_experiments()}
    if given is not None:
        if given not in known:
            raise DataError(f"{uri}: has no experiment {given!r}", hint=did_you_mean(given, known))
        return given, known[given]
    used = {name: number for name, number in known.items() if client.search_runs([number], max_results=1)}
    if len(used) != 1:
        raise DataError(
            f"{uri}: {len(used) or 'no'} experiments have runs",
            hint=f"Name one: --experiment NAME. {did_you_mean('', used)}" if used else "",
        )
    return next(iter(used.items()))


def _runs(client: Any, experiments: list[str]) -> Iterator[Any]:
    page = None
    while True:
        found = client.search_runs(
            experiments, max_results=_PAGE, page_token=page, order_by=["attribute.start_time ASC"]
        )
        yield from found
        page = found.token
        if not page:
            return


def _trial(client: Any, run: Any, metric: str, goal: Direction) -> PastTrial:
    state, curve = _ENDED[run.info.status], tuple[float, ...]()
    if metric in run.data.metrics:
        history = sorted(client.get_metric_history(run.info.run_id, metric), key=lambda one: one.step)
        curve = tuple(one.value for one in history if math.isfinite(one.value))
    best = (max if goal is Direction.MAX else min)(curve, default=None)
    usable = best is not None and state is not TrialState.FAILED
    seconds = ((run.info.end_time or run.info.start_time) - run.info.start_time) / 1000
    return PastTrial(
        values={name: value_of_text(text) for name, text in run.data.params.items()},
        score=best if usable else None,
        epochs=len(curve) or None,
        curve=curve,
        state=state if usable else TrialState.FAILED,
        reason="" if usable else f"it ended as {run.info.status}" if curve else f"it logged no {metric}",
        seconds=max(0.0, seconds),
    )
