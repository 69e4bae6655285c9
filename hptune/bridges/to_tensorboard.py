"""Trials as runs of TensorBoard: curves, and hyperparameters in its HParams page."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hptune.bridges.loggers import LoggedStudy
from hptune.study.trial import Trial, TrialState

__all__ = ["TensorBoardLogger"]


class TensorBoardLogger:
    """Writes event files below a folder, one folder a trial: DIR/STUDY/trial-3.

    They are written by TensorBoard's own writer, without TensorFlow.
    """

    name = "TensorBoard"

    def __init__(self, folder: Path) -> None:
        """Take the folder that `tensorboard --logdir` is given."""
        self._root = folder
        self._writers: dict[int, Any] = {}

    def begin(self, study: LoggedStudy) -> None:
        from tensorboard.plugins.hparams import api_pb2, summary

        self._folder, self._objective = self._root / study.name, study.objective
        infos = []
        for name, options in study.choices.items():
            kind = api_pb2.DATA_TYPE_FLOAT64
            if options:
                booleans = all(isinstance(option, bool) for option in options)
                words = any(isinstance(option, str) for option in options)
                kind = api_pb2.DATA_TYPE_BOOL if booleans else kind
                kind = api_pb2.DATA_TYPE_STRING if words else kind
            infos.append(api_pb2.HParamInfo(name=name, type=kind))
        metric = api_pb2.MetricInfo(name=api_pb2.MetricName(tag=study.objective))
        writer = self._writer_of(self._folder)
        writer.add_summary(
            summary.experiment_pb(infos, [metric], description=f"{study.data} with {study.model}"), 0
        )
        writer.close()

    def trial_started(self, trial: Trial) -> None:
        from tensorboard.plugins.hparams import summary

        writer = self._writers.get(trial.id) or self._writer_of(self._folder / f"trial-{trial.id}")
        self._writers[trial.id] = writer
        writer.add_summary(summary.session_start_pb(dict(trial.values), group_name=f"trial-{trial.id}"), 0)

    def epoch_ended(self, trial: int, epoch: int, report: Mapping[str, float]) -> None:
        if trial in self._writers:
            self._writers[trial].add_scalars(report, epoch)

    def trial_ended(self, trial: Trial) -> None:
        from tensorboard.plugins.hparams import api_pb2, summary

        writer = self._writers.pop(trial.id, None)
        if writer is None:
            return
        bad = api_pb2.STATUS_FAILURE if trial.state is TrialState.FAILED else api_pb2.STATUS_SUCCESS
        writer.add_summary(summary.session_end_pb(bad), 0)
        writer.close()

    def close(self) -> None:
        for writer in self._writers.values():
            writer.close()

    def _writer_of(self, folder: Path) -> _Writer:
        return _Writer(folder)


class _Writer:
    """Writes summaries to an event file."""

    def __init__(self, folder: Path) -> None:
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        folder.mkdir(parents=True, exist_ok=True)
        self._file = EventFileWriter(str(folder), flush_secs=5)

    def add_scalars(self, report: Mapping[str, float], step: int) -> None:
        from tensorboard.compat.proto import summary_pb2

        values = [summary_pb2.Summary.Value(tag=name, simple_value=value) for name, value in report.items()]
        self.add_summary(summary_pb2.Summary(value=values), step)

    def add_summary(self, summary: Any, step: int) -> None:
        from tensorboard.compat.proto import event_pb2, summary_pb2

        # TensorFlow's own message has the same form.
        same = summary_pb2.Summary.FromString(summary.SerializeToString())
        self._file.add_event(event_pb2.Event(wall_time=time.time(), step=step, summary=same))

    def close(self) -> None:
        self._file.close()
