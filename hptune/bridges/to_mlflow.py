"""Trials as runs of an MLflow experiment, by MLflow's own client."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any

from hptune.bridges.loggers import LoggedStudy
from hptune.errors import InputError
from hptune.study.trial import Trial, TrialState

__all__ = ["MLflowLogger"]

_STATUS = {
    TrialState.COMPLETE: "FINISHED",
    TrialState.PAUSED: "KILLED",
    TrialState.INFEASIBLE: "FAILED",
    TrialState.FAILED: "FAILED",
}
_STUDY, _TRIAL, _STATE, _REASON = "hptune.study", "hptune.trial", "hptune.state", "hptune.reason"
_SEED = "hptune.seed"
"""Tags of a run: its parameters are hyperparameters alone, as an import reads them."""


class MLflowLogger:
    """Logs each trial as a run of the experiment that has the study's name.

    A trial that is resumed goes on in its run, also from another process: runs are found by their tags.
    """

    name = "MLflow"

    def __init__(self, uri: str) -> None:
        """Take http://HOST:PORT, sqlite:///FILE, a folder, or "" for what MLFLOW_TRACKING_URI says.

        Raises InputError where MLflow is not installed.
        """
        try:
            from mlflow import MlflowClient
        except ImportError as error:
            raise InputError("mlflow is not installed: pip install 'hptune[mlflow]'") from error
        # It would print two addresses at the end of each trial, into the output of --json too.
        os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
        self._client = MlflowClient(tracking_uri=uri or None)
        self._runs: dict[int, str] = {}
        self._open: set[int] = set()

    def begin(self, study: LoggedStudy) -> None:
        found = self._client.get_experiment_by_name(study.name)
        self._experiment = (
            self._client.create_experiment(study.name) if found is None else found.experiment_id
        )
        self._study = study
        self._objective = study.objective

    def trial_started(self, trial: Trial) -> None:
        run = self._runs.get(trial.id) or self._known(trial.id)
        if run is not None:
            self._client.update_run(run, status="RUNNING")
        else:
            run = self._new(trial)
        self._runs[trial.id] = run
        self._open.add(trial.id)
        self._client.set_tag(run, _STATE, "running")

    def epoch_ended(self, trial: int, epoch: int, report: Mapping[str, float]) -> None:
        from mlflow.entities import Metric

        if trial in self._runs:
            now = int(time.time() * 1000)
            metrics = [Metric(name, value, now, epoch) for name, value in report.items()]
            self._client.log_batch(self._runs[trial], metrics=metrics)

    def trial_ended(self, trial: Trial) -> None:
        run = self._runs.get(trial.id)
        if run is None:
            return
        self._client.set_tag(run, _STATE, trial.state.value)
        if trial.reason:
            self._client.set_tag(run, _REASON, trial.reason[:500])
        if trial.score is not None:
            self._client.log_metric(run, f"best_{self._objective}", trial.score, step=trial.best_epoch or 0)
        if trial.state in _STATUS:
            self._client.set_terminated(run, status=_STATUS[trial.state])
            self._open.discard(trial.id)

    def close(self) -> None:
        """End the runs of trials that were interrupted; they go on where these are resumed."""
        for trial in self._open:
            self._client.set_terminated(self._runs[trial], status="KILLED")

    def _known(self, trial: int) -> str | None:
        """Return the run of a trial that an earlier process logged."""
        folder = self._study.folder.replace("'", "''")
        wanted = f"tags.`{_STUDY}` = '{folder}' and tags.`{_TRIAL}` = '{trial}'"
        found = self._client.search_runs([self._experiment], filter_string=wanted, max_results=1)
        return found[0].info.run_id if found else None

    def _new(self, trial: Trial) -> str:
        from mlflow.entities import Param

        made: Any = self._client.create_run(
            self._experiment,
            run_name=f"trial-{trial.id}",
            tags={_STUDY: self._study.folder, _TRIAL: str(trial.id), _SEED: str(trial.seed)},
        )
        run = str(made.info.run_id)
        params = [Param(name, str(value)) for name, value in trial.values.items()]
        self._client.log_batch(run, params=params)
        return run
