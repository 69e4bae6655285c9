"""The command line on batches of a user's own: search, SIGKILL, resume, confirm and export."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from support.streams import DATA, KINDS, MODEL

from hptune.__main__ import run
from hptune.study import Study

BUDGET = ["--trials", "3", "--epochs", "4", "--passes", "1"]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("data.py").write_text(DATA)
    Path("model.py").write_text(MODEL)


def command(data: str, *more: str, model: str = "build") -> list[str]:
    return ["search", f"data.py:{data}", "--model", f"model.py:{model}", *BUDGET, *more]


def known(study: str) -> list[tuple[Any, ...]]:
    """What is on record of each trial that was judged."""
    with Study.open(Path(study)) as opened:
        trials = opened.trials()
    return [(t.id, dict(t.values), t.seed, [*t.curve]) for t in trials if t.curve]


def epochs_used(study: str) -> int:
    if not Study.exists(Path(study)):
        return 0
    with Study.open(Path(study)) as opened:
        return opened.epochs_used()


@pytest.mark.parametrize("kind", KINDS)
def test_a_killed_search_is_resumed_by_the_same_command(kind: str) -> None:
    program = [sys.executable, "-m", "hptune", *command(kind, "--study", "killed")]
    process = subprocess.Popen(program, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 240
    while epochs_used("killed") < 3:
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    before = known("killed")
    assert before

    done = subprocess.run(program, capture_output=True, text=True, timeout=400, env={**os.environ})
    assert done.returncode == 0, done.stderr
    assert "Resuming killed" in done.stderr
    assert "can't be checked" in done.stderr
    after = {number: rest for number, *rest in known("killed")}
    for number, values, seed, curve in before:
        # A trial that is resumed has more epochs; those that it had are as they were.
        assert after[number][:2] == [values, seed]
        assert after[number][2][: len(curve)] == curve
    assert 10 <= epochs_used("killed") <= 12
    with Study.open(Path("killed")) as study:
        assert study.identity.objective == "val_accuracy"
        assert not [trial for trial in study.trials() if trial.state.is_bad]


@pytest.mark.parametrize("kind", KINDS)
def test_search_confirm_and_export(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    budget = ["--trials", "1", "--epochs", "2", "--executions", "2"]
    assert run(command(kind, "--study", "found", "--json", *budget)) == 0
    assert json.loads(capsys.readouterr().out)["best"]
    assert run(["confirm", "found", "--seeds", "2", "--top", "1"]) == 0
    assert run(["export", "found", "--format", "keras", "-o", "best.keras"]) == 0
    card = Path("best.md").read_text()
    assert "| training batches | 10 |" in card
    assert run(["export", "found", "--format", "python", "-o", "best.py"]) == 0
    compile(Path("best.py").read_text(), "best.py", "exec")


@pytest.mark.parametrize("data", ["pydataset", "generators", "held_rows", "trained_rows"])
def test_a_script_goes_through_the_batches_again(data: str) -> None:
    assert run(command(data, "--study", "found", "--trials", "1")) == 0
    assert run(["export", "found", "--format", "python", "-o", "best.py"]) == 0
    done = subprocess.run([sys.executable, "best.py"], capture_output=True, text=True, timeout=300)
    found = re.search(r"val_accuracy (\S+) at epoch \d+, (\S+) in the study", done.stdout)
    assert found, done.stderr
    assert float(found[1]) == pytest.approx(float(found[2]), abs=0.1)


def test_batches_of_another_form_are_not_resumed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(command("pydataset", "--study", "found", "--trials", "1")) == 0
    Path("data.py").write_text(DATA.replace("16", "32"))
    assert run(command("pydataset", "--study", "found", "--trials", "2")) == 6
    assert (
        "its batches, or rows, have another form than those that data.py:pydataset" in capsys.readouterr().err
    )


def test_a_project_is_begun_with_batches(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["init", "data.py:alone", "--model", "model.py:build"]) == 3
    assert "returned a tf.data.Dataset alone" in capsys.readouterr().err
    assert run(["init", "data.py:pydataset", "--model", "model.py:build"]) == 0
    assert Path("space.yaml").exists()


def test_what_has_no_use_for_batches_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    said = {
        "--cv 2": "gives batches, and --cv needs rows",
        "--class-weight balanced": "class weights need the classes of all rows",
        "--batch-size 8": "gives batches, of a size of their own",
        "--validation 0.3": "--validation: data.py:pydataset gives batches",
    }
    for options, message in said.items():
        assert run(command("pydataset", *options.split())) == 3
        assert message in capsys.readouterr().err
    for model in ("mlp", "cnn"):
        assert run(["search", "data.py:pydataset", "--model", model]) == 3
        assert "no built-in recipe learns from them" in capsys.readouterr().err
    assert run(["check", "data.py:pydataset", "--model", "model.py:build"]) == 3
    assert "a check needs arrays" in capsys.readouterr().err


def test_a_batch_size_that_is_searched_is_said_to_change_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(command("pydataset", "--dry-run", model="sized")) == 0
    assert "batch_size changes nothing where only training uses it" in capsys.readouterr().err
