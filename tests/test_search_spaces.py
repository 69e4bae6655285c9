"""Every ready space, searched for real with a budget of an epoch or two."""

from __future__ import annotations

from pathlib import Path

import pytest

from hptune.search.events import Listener, Stop
from hptune.search.run import SearchOptions, search
from hptune.search.task import SearchTask
from hptune.space.files import ready_spaces
from hptune.study import Study

RUNS = {
    "cnn": ("digits", "cnn", 1),
    "initialisation": ("iris", "mlp", 1),
    "mlp": ("digits", "mlp", 1),
    "mlp-small-budget": ("iris", "mlp", 1),
    "optimisers": ("iris", "mlp", 2),
    "regularisation": ("iris", "mlp", 1),
}
"""Space → data, recipe, trials."""


def test_every_ready_space_is_run() -> None:
    assert RUNS.keys() == set(ready_spaces())


@pytest.mark.parametrize("name", RUNS)
def test_a_ready_space_is_searched_for_real(name: str, tmp_path: Path) -> None:
    data, model, trials = RUNS[name]
    task = SearchTask(data=data, model=model, epochs=1).with_space(name)
    options = SearchOptions(task=task, study=tmp_path / "s", passes=1, trials=trials, oracle="coarse-to-fine")
    search(options, listener=Listener(), stop=Stop())
    with Study.open(tmp_path / "s") as study:
        found = study.trials()
        assert study.epochs_used() == trials
        assert {trial.reason for trial in found} == {""}
        assert all(trial.score is not None and trial.values for trial in found)
        space = study.passes()[0].space
        assert all(not space.problems(trial.values) for trial in found)


WIDE = """hyperparameters:
  learning_rate: {range: [1e-5, 1.0], scale: log, limits: [1e-5, 1.0]}
  optimizer: {choices: [adam, sgd, rmsprop]}
  units: 4
"""


def test_a_space_file_that_was_edited_binds_what_is_tried_from_then_on(tmp_path: Path) -> None:
    file = tmp_path / "space.yaml"

    def searched(trials: int) -> None:
        task = SearchTask(data="iris", model="mlp", epochs=1).with_space(str(file))
        options = SearchOptions(
            task=task, study=tmp_path / "s", passes=1, trials=trials, oracle="coarse-to-fine"
        )
        search(options, listener=Listener(), stop=Stop())

    file.write_text(WIDE)
    searched(6)
    file.write_text(WIDE.replace("[1e-5, 1.0]", "[1e-3, 1e-2]").replace(", sgd", "").replace("4", "8"))
    searched(12)
    searched(12)
    with Study.open(tmp_path / "s") as study:
        assert [p.origin for p in study.passes()] == ["given", "given"]
        later = [trial.values for trial in study.trials() if trial.pass_number == 2]
    assert len(later) == 6
    assert all(1e-3 <= float(values["learning_rate"]) <= 1e-2 for values in later)
    assert {values["optimizer"] for values in later} <= {"adam", "rmsprop"}
    assert {values["units"] for values in later} == {8}
