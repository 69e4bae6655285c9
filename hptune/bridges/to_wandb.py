"""Trials as runs of a Weights & Biases project, by its own client."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from hptune.bridges.loggers import LoggedStudy
from hptune.errors import InputError
from hptune.study.trial import Trial

__all__ = ["WandbLogger"]


class WandbLogger:
    """Logs each trial as a run of one group, named as the study is.

    A trial that is resumed goes on in its run. WANDB_MODE=offline writes to disk alone.
    """

    name = "W&B"

    def __init__(self, project: str) -> None:
        """Take a project, or "" for the study's name; raises InputError where the client is not installed."""
        try:
            import wandb
        except ImportError as error:
            raise InputError("wandb is not installed: pip install 'hptune[wandb]'") from error
        self._wandb: Any = wandb
        self._project = project
        self._runs: dict[int, Any] = {}

    def begin(self, study: LoggedStudy) -> None:
        self._study = study

    def trial_started(self, trial: Trial) -> None:
        self._runs[trial.id] = self._wandb.init(
            project=self._project or self._study.name,
            group=self._study.name,
            name=f"trial-{trial.id}",
            id=_run_id(self._study.folder, trial.id),
            resume="allow",
            reinit="create_new",
            config={"seed": trial.seed, **trial.values},
            settings=self._wandb.Settings(console="off", silent=True),
        )

    def epoch_ended(self, trial: int, epoch: int, report: Mapping[str, float]) -> None:
        if trial in self._runs:
            self._runs[trial].log({**report, "epoch": epoch}, step=epoch)

    def trial_ended(self, trial: Trial) -> None:
        run = self._runs.pop(trial.id, None)
        if run is None:
            return
        run.summary.update(
            {"state": trial.state.value, f"best_{self._study.objective}": trial.score, "reason": trial.reason}
        )
        run.finish(exit_code=1 if trial.state.is_bad else 0)

    def close(self) -> None:
        for run in self._runs.values():
            run.finish()


def _run_id(folder: str, trial: int) -> str:
    """Return what is the same for a trial whenever it is resumed, and another for any other."""
    return f"{hashlib.sha256(folder.encode()).hexdigest()[:16]}-{trial}"
