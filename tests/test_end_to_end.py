"""Real searches through the installed command, in processes of their own."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from support.user_models import GETTING_STARTED

from hptune.__main__ import run

SMALL = ["--trials", "4", "--epochs", "4", "--passes", "2"]


def hptune(*arguments: str, folder: Path, expect: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [str(Path(sys.executable).parent / "hptune"), *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "HPTUNE_TEST": "1"},
    )
    assert done.returncode == expect, done.stdout + done.stderr
    return done


Command = Callable[..., tuple[str, str]]


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run a command in this process, where what a process of its own needs is not the question."""

    def command(*arguments: str, folder: Path) -> tuple[str, str]:
        monkeypatch.chdir(folder)
        capsys.readouterr()
        assert run([*arguments]) == 0
        return capsys.readouterr()

    return command


@pytest.fixture
def searched(here: Command) -> Callable[..., dict[str, Any]]:
    """Search in this process; return the summary."""

    def search(*arguments: str, folder: Path) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(here("search", *arguments, "--json", folder=folder)[0])
        return found

    return search


def story(folder: Path, study: str) -> list[dict[str, Any]]:
    """A study's trials without what a clock decides."""
    trials = json.loads(hptune("trials", study, "--json", folder=folder).stdout)["trials"]
    return [{k: v for k, v in trial.items() if k != "seconds"} for trial in trials]


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the bundled digits were searched with a small budget."""
    folder = tmp_path_factory.mktemp("digits")
    hptune("search", "--trials", "10", "--epochs", "9", folder=folder)
    return folder


def test_the_main_job_finds_a_good_model_in_three_passes(digits: Path) -> None:
    status = json.loads(hptune("status", "--json", folder=digits).stdout)
    assert [p["number"] for p in status["passes"]] == [1, 2, 3]
    assert status["best"]["score"] >= 0.9
    assert status["epochs"] <= 90
    assert status["trials"]["running"] == 0


def test_the_same_command_again_trains_nothing(digits: Path) -> None:
    before = story(digits, "digits-mlp")
    done = hptune("search", "--trials", "10", "--epochs", "9", folder=digits)
    assert story(digits, "digits-mlp") == before
    assert "Best: val_accuracy" in done.stdout
    assert "How the ranges moved" in done.stdout


def test_a_person_narrows_and_the_next_pass_follows(
    digits: Path, searched: Callable[..., dict[str, Any]]
) -> None:
    hptune("narrow", "--accept", "--freeze", "layers=1", folder=digits)
    found = searched("--trials", "12", "--epochs", "9", folder=digits)
    assert len(found["passes"]) == 4
    moves = {m["name"]: m for m in found["passes"][-1]["moves"]}
    assert moves["layers"]["verdict"] == "freeze"
    assert moves["layers"]["by_user"]
    last = [t for t in story(digits, "digits-mlp") if t["pass_number"] == 4]
    assert last
    assert {t["values"]["layers"] for t in last} == {1}


@pytest.mark.parametrize("form", ["yaml", "json"])
def test_an_exported_configuration_is_searched_again(
    digits: Path, form: str, searched: Callable[..., dict[str, Any]]
) -> None:
    hptune("export", "--format", form, "-o", f"best.{form}", folder=digits)
    best = json.loads(hptune("status", "digits-mlp", "--json", folder=digits).stdout)["best"]
    arguments = ["--space", f"best.{form}", "--study", f"again-{form}", "--epochs", "9", "--trials", "1"]
    found = searched(*arguments, folder=digits)
    assert found["trials"] == 1
    assert found["best"]["values"] == best["values"]


def test_a_trained_model_predicts_labels_from_raw_rows(digits: Path, here: Command) -> None:
    here("export", "digits-mlp", "--format", "keras", "-o", "best.keras", folder=digits)
    script = (
        "import keras, sklearn.datasets as d; x, y = d.load_digits(return_X_y=True);"
        "m = keras.models.load_model('best.keras');"
        "print('accuracy', (m.predict(x.astype('float32'), verbose=0)['prediction'] == y).mean())"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=digits, capture_output=True, text=True, check=True
    )
    assert float(done.stdout.split("accuracy")[1]) > 0.9


CUT_OFF = ["--trials", "4", "--epochs", "6", "--passes", "2"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What a search that is cut off somewhere must find."""
    folder = tmp_path_factory.mktemp("whole")
    hptune("search", *CUT_OFF, "--study", "whole", folder=folder)
    return story(folder, "whole")


def test_kill_minus_nine_loses_nothing(tmp_path: Path, whole: list[dict[str, Any]]) -> None:
    command = [str(Path(sys.executable).parent / "hptune"), "search", *CUT_OFF, "--study", "killed"]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    _wait_for_progress(tmp_path / "killed", process)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    hptune("search", *CUT_OFF, "--study", "killed", folder=tmp_path)
    assert story(tmp_path, "killed") == whole


def _wait_for_progress(study: Path, process: subprocess.Popen[bytes]) -> None:
    """Wait until another trial is in the study, or the search has ended."""
    from hptune.study import Study

    def told() -> int:
        if not Study.exists(study):
            return 0
        with Study.open(study) as opened:
            return opened.epochs_used()

    before, until = told(), time.monotonic() + 120
    while told() < before + 3 and process.poll() is None:
        assert time.monotonic() < until
        time.sleep(0.05)


def test_ctrl_c_ends_after_the_epoch_and_the_same_command_goes_on(
    tmp_path: Path, whole: list[dict[str, Any]]
) -> None:
    command = [str(Path(sys.executable).parent / "hptune"), "search", *CUT_OFF, "--study", "stopped"]
    process = subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    _wait_for_progress(tmp_path / "stopped", process)  # type: ignore[arg-type]
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Stopping after this epoch" in err
    hptune("search", *CUT_OFF, "--study", "stopped", folder=tmp_path)
    assert story(tmp_path, "stopped") == whole


@pytest.fixture
def churn(tmp_path: Path) -> Path:
    """A table as people have them: text labels, levels, missing values, an id, a constant."""
    rng = np.random.default_rng(0)
    rows = 300
    months = rng.integers(1, 60, rows).astype(float)
    plan = rng.choice(["basic", "plus", "pro"], rows)
    calls = rng.poisson(3, rows).astype(float)
    logit = 2 - 0.08 * months + 0.5 * calls - 1.5 * (plan == "pro")
    left = rng.random(rows) < 1 / (1 + np.exp(-logit))
    months[rng.random(rows) < 0.1] = np.nan
    frame = pd.DataFrame(
        {
            "customer": [f"c-{n:04d}" for n in range(rows)],
            "months": months,
            "plan": np.where(rng.random(rows) < 0.05, None, plan),
            "calls": calls,
            "country": "NO",
            "churn": np.where(left, "left", "stayed"),
        }
    )
    frame.to_csv(tmp_path / "churn.csv", index=False)
    return tmp_path


def test_a_table_with_text_labels_and_missing_values(churn: Path, here: Command) -> None:
    table = ("search", "churn.csv", "--target", "churn")
    out, err = here(*table, "--objective", "val_auc", *SMALL, folder=churn)
    assert "binary" in err
    assert "customer" in err
    assert "country" in err
    assert "Best: val_auc" in out
    assert re.search(r"At the same epoch: val_loss [.0-9]+, val_accuracy [.0-9]+\.", out)
    assert "Baseline (all classes alike): 0.5." in out
    # What is measured besides belongs to the study: it need not be asked for again, in whichever process.
    again, _ = here(*table, "--trials", "5", "--epochs", "4", "--workers", "2", folder=churn)
    assert "20 epochs" in again
    here("export", "--format", "keras", "-o", "m.keras", folder=churn)
    script = (
        "import keras, pandas as pd, tensorflow as tf; f = pd.read_csv('churn.csv');"
        "m = keras.models.load_model('m.keras');"
        "rows = {'months': f[['months']].to_numpy('float32'), 'calls': f[['calls']].to_numpy('float32'),"
        " 'plan': tf.constant(f[['plan']].fillna('').to_numpy(str))};"
        "p = m.predict(rows, verbose=0)['prediction']; print('labels', sorted({v.decode() for v in p}));"
        "print('accuracy', (p.astype(str) == f['churn'].to_numpy(str)).mean())"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=churn, capture_output=True, text=True, check=True
    )
    assert "labels ['left', 'stayed']" in done.stdout or "labels ['stayed']" in done.stdout
    assert float(done.stdout.split("accuracy")[1]) > 0.55


def test_a_regression(tmp_path: Path, searched: Callable[..., dict[str, Any]]) -> None:
    found = searched("diabetes", *SMALL, folder=tmp_path)
    assert found["objective"] == "val_loss"
    assert found["direction"] == "min"
    # The loss is the mean squared error of z-scored targets: 1 is what the mean would give.
    assert found["best"]["score"] < 1.2


def test_keras_tuners_getting_started_model_runs_unchanged(
    tmp_path: Path, searched: Callable[..., dict[str, Any]]
) -> None:
    (tmp_path / "model.py").write_text(GETTING_STARTED)
    found = searched("digits", "--model", "model.py:build_model", *SMALL, folder=tmp_path)
    tiers = {hp["name"]: hp["tier"] for hp in found["passes"][0]["space"]["hyperparameters"]}
    assert tiers == {"units": 2, "activation": 4, "dropout": 4, "lr": 1}
    assert found["best"]["score"] > 0.7


def test_keras_tuners_own_oracles_search_too(tmp_path: Path, searched: Callable[..., dict[str, Any]]) -> None:
    budget = ["--trials", "3", "--epochs", "3", "--passes", "1"]
    found = searched("iris", "--oracle", "hyperband", *budget, folder=tmp_path)
    assert 0 < found["epochs"] <= 9


def test_a_dry_run_prints_the_plan_and_writes_nothing(tmp_path: Path, here: Command) -> None:
    out, _ = here("search", "--dry-run", folder=tmp_path)
    assert "pass 1" in out
    assert "learning_rate" in out
    assert list(tmp_path.iterdir()) == []
