"""Searches with --callbacks, and of fits that pass callbacks of their own, through the command line."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hptune.__main__ import run
from hptune.errors import SearchInterruptedError
from hptune.search.events import Listener, Stop
from hptune.search.run import SearchOptions, search
from hptune.search.task import SearchTask
from hptune.study import Study
from hptune.study.trial import TrialState
from tests.support.interruptions import StopsAfter, story

MODEL = """import keras
import keras_tuner


def build(hp):
    model = keras.Sequential([keras.layers.Dense(hp.Int("units", 2, 8)), keras.layers.Dense(3, "softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


class Own(keras_tuner.HyperModel):
    def build(self, hp):
        return build(hp)

    def fit(self, hp, model, *args, **kwargs):
        stop = keras.callbacks.EarlyStopping("val_loss", min_delta=9, patience=1)
        callbacks = [stop] + kwargs.pop("callbacks")
        return model.fit(*args, callbacks=callbacks, shuffle=False, **kwargs)


class Others(Own):
    def fit(self, hp, model, *args, **kwargs):
        return model.fit(*args, shuffle=False, **kwargs)
"""
CALLBACKS = """import keras


def make(trial):
    stop = keras.callbacks.EarlyStopping("val_loss", min_delta=9, patience=1, restore_best_weights=True)
    return [stop, keras.callbacks.CSVLogger(f"{trial}.csv"), keras.callbacks.TensorBoard("logs")]
"""
SEARCH = ["search", "iris", "--study", "s", "--passes", "1", "--trials", "2", "--epochs", "5"]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("m.py").write_text(MODEL, encoding="utf-8")
    Path("c.py").write_text(CALLBACKS, encoding="utf-8")


def check_script() -> None:
    """Export the best trial as a script, and compare its score with the study's."""
    assert run(["export", "s", "--format", "python", "-o", "best.py"]) == 0
    done = subprocess.run([sys.executable, "best.py"], capture_output=True, text=True, check=True)
    scores = re.search(r"val_accuracy ([\d.]+)[^\n]*?, (\S+) in the study", done.stdout)
    assert scores is not None, done.stdout
    assert float(scores[1]) == pytest.approx(float(scores[2]), abs=1e-6)


@pytest.mark.parametrize("model", ["m.py:build", "m.py:Others"])
def test_callbacks_end_trials_and_scripts_alike(capsys: pytest.CaptureFixture[str], model: str) -> None:
    asked = [*SEARCH, "--model", model, "--callbacks", "c.py:make"]
    assert run(asked) == 0
    said = capsys.readouterr().err
    assert "c.py:make: EarlyStopping, CSVLogger and TensorBoard for each trial, which Keras trains" in said
    with Study.open(Path("s")) as study:
        trials, used = study.trials(), study.epochs_used()
        assert study.identity.settings["callbacks"] == "c.py:make"
    assert {(t.state, t.epochs) for t in trials} == {(TrialState.COMPLETE, 2)}
    assert used == 2 * len(trials) > 4
    names = {f"trial-{t.id}" for t in trials}
    assert {path.name for path in Path("logs").iterdir()} == names
    assert {path.stem for path in Path().glob("*.csv")} == names
    check_script()
    assert run(["confirm", "s", "--top", "1", "--seeds", "2"]) == 0
    assert len(list(Path("logs").glob("trial-*-confirmation-?"))) == 2
    # Another file is another model, and no other callbacks go with this study.
    capsys.readouterr()
    Path("c.py").write_text(CALLBACKS.replace("patience=1", "patience=2"), encoding="utf-8")
    assert run([*asked, "--trials", "3"]) == 0
    assert f"{model} or c.py:make has changed since" in capsys.readouterr().err
    assert run([*SEARCH, "--model", model]) == 6


def test_a_fit_with_early_stopping_of_its_own_is_the_same_in_one_go(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run([*SEARCH, "--model", "m.py:Own"]) == 0
    assert "m.py:Own: its fit passes EarlyStopping, whose state does not go along" in capsys.readouterr().err
    with Study.open(Path("s")) as study:
        trials, jobs = study.trials(), study.progress()
    assert {(t.state, t.epochs) for t in trials} == {(TrialState.COMPLETE, 2)}
    assert len([job for job in jobs if job.epochs]) == len(trials)
    check_script()


def test_the_project_file_sets_them_and_init_writes_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["init", "iris", "--model", "m.py:build", "--callbacks", "c.py:make"]) == 0
    assert 'callbacks = "c.py:make"\n' in Path("hptune.toml").read_text(encoding="utf-8")
    capsys.readouterr()
    assert run(["search", "--dry-run"]) == 0
    assert "c.py:make: EarlyStopping" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--model", "m.py:build", "--callbacks", "c.py:mak"], "Did you mean 'make'?"),
        (["--model", "m.py:build", "--callbacks", "c.py"], "name the function to use, as in c.py:make"),
        (["--model", "m.py:build", "--callbacks", "d.py:make"], "d.py: no such file"),
        (["--callbacks", "c.py:make"], "--callbacks: mlp is a recipe"),
    ],
)
def test_what_can_not_be_used_is_refused(
    capsys: pytest.CaptureFixture[str], flags: list[str], said: str
) -> None:
    assert run([*SEARCH, *flags]) == 3
    assert said in capsys.readouterr().err
    assert not Path("s").exists()


def options(study: str) -> SearchOptions:
    task = SearchTask(data="iris", model="m.py:build", callbacks="c.py:make", epochs=5)
    return SearchOptions(task=task, study=Path(study), passes=1, trials=2, oracle="coarse-to-fine")


def test_a_search_with_callbacks_that_is_interrupted_gives_the_trials_of_one_that_is_not() -> None:
    search(options("whole"), listener=Listener(), stop=Stop())
    # Each trial has two epochs: it is stopped in its first one, and begins anew.
    for epochs in (1, 3):
        stop = Stop()
        with pytest.raises(SearchInterruptedError):
            search(options("cut"), listener=StopsAfter(stop, epochs), stop=stop)
    search(options("cut"), listener=Listener(), stop=Stop())
    with Study.open(Path("whole")) as whole, Study.open(Path("cut")) as cut:
        assert story(cut) == story(whole)
        assert cut.epochs_used() == whole.epochs_used() == 6


def test_a_trial_that_the_time_limit_interrupts_is_no_failure() -> None:
    class RunsOut(StopsAfter):
        def on_epoch_end(self, *args: object) -> None:
            self.stop.deadline = time.monotonic() - 1

    stop = Stop()
    with pytest.raises(SearchInterruptedError, match="the time was up before a trial had ended"):
        search(options("s"), listener=RunsOut(stop, 1), stop=stop)
