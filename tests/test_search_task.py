"""What a search is about, loaded without noise."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from hptune.data.table_options import MissingTarget, TableOptions
from hptune.errors import SpaceError, StudyMismatchError
from hptune.search.events import Listener, Stop
from hptune.search.run import SearchOptions, search
from hptune.search.task import SearchTask, load_again
from hptune.space.files import located, parse_space
from hptune.study import Study

DATA = """import tensorflow
import numpy as np

print("from the data")


def load():
    return np.zeros((40, 4), dtype="float32"), np.arange(40) % 2
"""
QUIETLY = """
import sys
from hptune.search.task import SearchTask, load_again
SearchTask(data=sys.argv[1], epochs=1).load()
"""


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=Path(__file__).parent.parent,
        env=env,
        capture_output=True,
        text=True,
        check=True,
    )


def test_a_data_function_that_imports_tensorflow_says_nothing_but_its_own(tmp_path: Path) -> None:
    (tmp_path / "data.py").write_text(DATA)
    done = python("-c", QUIETLY, f"{tmp_path / 'data.py'}:load")
    assert done.stdout == "from the data\n"
    assert done.stderr == ""


def test_going_on_with_a_search_shows_nothing_of_how_tensorflow_starts(tmp_path: Path) -> None:
    task = SearchTask(data="iris", epochs=1)
    once = SearchOptions(task=task, study=tmp_path / "s", passes=1, trials=1, oracle="coarse-to-fine")
    search(once, listener=Listener(), stop=Stop())
    begin = ["-m", "hptune", "search", "iris", "--study", str(tmp_path / "s"), "--passes", "1"]
    said = python(*begin, "--trials", "2", "--epochs", "1").stderr
    assert "Resuming" in said
    assert not re.search("absl|oneDNN|cuda|TensorFlow", said)


@pytest.mark.parametrize(
    ("name", "line"),
    [("learning_rate", 3), ("units", 5), ("momentum", 6)],
    ids=["a prefix", "later", "quoted"],
)
def test_an_error_about_a_hyperparameter_is_placed_where_it_stands(
    tmp_path: Path, name: str, line: int
) -> None:
    path = tmp_path / "space.yaml"
    path.write_text(
        "hyperparameters:\n  learning_rate_adam: 0.1\n  learning_rate: 0.2\n  units_2: 3\n  units : 4\n"
        '  "momentum": 0.5\n'
    )
    error = located(SpaceError("is wrong", name=name), path)
    assert error.message == f"{path}:{line}: {name}: is wrong"


def test_a_study_remembers_what_was_said_of_a_table_where_it_is_not_the_default() -> None:
    plain = SearchTask(data="t.csv", target="y", epochs=1)
    assert not {"missing", "missing_target", "strict"} & plain.settings.keys()
    said = SearchTask(data="t.csv", epochs=1, missing="NA, ?", missing_target="refuse", strict=True)
    assert said.settings.items() >= {"missing": "NA, ?", "missing_target": "refuse", "strict": True}.items()
    assert said._reading["tables"] == TableOptions(
        missing=("NA", "?"), missing_target=MissingTarget.REFUSE, strict=True
    )


def test_a_study_that_remembers_no_levels_had_fifty_of_them() -> None:
    auto = SearchTask(data="t.csv", target="y", epochs=1)
    assert auto.settings["levels"] == "auto"
    assert auto._reading["tables"].levels is None
    fifty = replace(auto, levels=50)
    assert "levels" not in fifty.settings
    assert auto.as_in(fifty.settings) == fifty
    assert auto.as_in(auto.settings) == auto
    # What is said is not replaced, so that it is refused where the study has another number.
    assert replace(auto, levels=60).as_in(fifty.settings).levels == 60


def test_a_study_of_fifty_levels_is_resumed_with_as_many(tmp_path: Path) -> None:
    shops = [f"shop {number % 60}" for number in range(300)]
    numbers = [number % 7 + 0.5 for number in range(300)]
    pd.DataFrame({"shop": shops, "y": numbers}).to_csv(tmp_path / "t.csv", index=False)
    space = parse_space("hyperparameters: {units: {choices: [2, 4]}, layers: 1, batch_size: 64}", "s.yaml")
    task = SearchTask(data=str(tmp_path / "t.csv"), target="y", epochs=1, space=space, levels=50)
    begun = SearchOptions(task=task, study=tmp_path / "s", passes=1, trials=1, oracle="coarse-to-fine")
    search(begun, listener=Listener(), stop=Stop())
    more = replace(begun, task=replace(task, levels="auto"), trials=2)
    search(more, listener=Listener(), stop=Stop())
    with Study.open(tmp_path / "s") as study:
        assert "levels" not in study.identity.settings
        assert len(study.trials()) == 2
        dataset, _ = load_again(study, study.trials())
    assert dataset.input_shape == (51,)
    assert replace(task, levels="auto").load_data().input_shape > (51,)
    with pytest.raises(StudyMismatchError, match="its --levels is left out, not 55"):
        search(replace(more, task=replace(task, levels=55)), listener=Listener(), stop=Stop())
