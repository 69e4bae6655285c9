"""Real searches whose trainings may take only so long, and what goes with that."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from hptune.errors import NoFeasibleTrialError
from hptune.search.events import Listener, Stop
from hptune.search.run import SearchOptions, search
from hptune.search.task import SearchTask, task_of
from hptune.study import Study
from hptune.study.trial import TrialState


def options(folder: Path, *, epochs: int = 3, trials: int = 3, **more: float | None) -> SearchOptions:
    task = SearchTask(data="iris", model="mlp", epochs=epochs)
    return SearchOptions(
        task=task, study=folder / "s", passes=1, trials=trials, oracle="coarse-to-fine", **more
    )  # type: ignore[arg-type]


def test_a_training_that_takes_too_long_is_infeasible_and_says_so(tmp_path: Path) -> None:
    with pytest.raises(NoFeasibleTrialError, match=r"infeasible: took longer than 1e-06 s"):
        search(options(tmp_path, epochs=27, trials=1, trial_seconds=1e-6), listener=Listener(), stop=Stop())
    with Study.open(tmp_path / "s") as study:
        assert {trial.state for trial in study.trials()} == {TrialState.INFEASIBLE}
        assert study.epochs_used() == len(study.trials())


def test_a_limit_that_nothing_reaches_changes_nothing(tmp_path: Path) -> None:
    for name, seconds in (("with", 600.0), ("without", None)):
        search(options(tmp_path / name, trial_seconds=seconds), listener=Listener(), stop=Stop())
    with Study.open(tmp_path / "with" / "s") as limited, Study.open(tmp_path / "without" / "s") as plain:
        assert [(t.values, t.curve) for t in limited.trials()] == [
            (t.values, t.curve) for t in plain.trials()
        ]


def test_models_with_too_many_weights_are_infeasible_and_say_so(tmp_path: Path) -> None:
    given = options(tmp_path)
    task = replace(given.task, max_parameters=2000)
    search(replace(given, task=task), listener=Listener(), stop=Stop())
    with Study.open(tmp_path / "s") as study:
        assert task_of(study).max_parameters == 2000
        trained, refused = [], []
        for trial in study.trials():
            (refused if trial.state is TrialState.INFEASIBLE else trained).append(trial)
        assert trained
        assert all((trial.parameters or 0) <= 2000 for trial in trained)
        assert refused
        assert all(trial.reason.startswith("too large: ") for trial in refused)
