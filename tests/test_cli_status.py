"""`hptune status`: once, watched, and fast."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest
from support.startup import heavy_modules
from support.studies import Recipe, build

from hptune.__main__ import run
from hptune.errors import StudyLockedError
from hptune.study import Study, StudyLock
from hptune.views.tables import describe_status, duration, follow, sparkline, status_dict, trials_text


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    notes = {"budget": 500}
    build(tmp_path / "s", Recipe(trials=12, running=2, notes=notes)).close()
    return tmp_path / "s"


def test_a_sparkline_rises_with_the_values() -> None:
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7]) == "▁▂▃▄▅▆▇█"
    assert sparkline([0.5, 0.5]) == "▅▅"
    assert sparkline([float("nan"), 1.0]) == "▅"
    assert sparkline([]) == ""


def test_a_sparkline_is_as_wide_as_asked_and_ends_with_the_last_value() -> None:
    line = sparkline([*range(999), 0], width=20)
    assert len(line) == 20
    assert line[-1] == "▁"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(4.2, "4 s"), (89, "89 s"), (120, "2 min"), (5390, "1 h 30 min"), (7500, "2 h 5 min")],
)
def test_durations_are_short(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_status_tells_trials_under_way_and_the_budget(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Study.open(folder) as study:
        status = status_dict(study)
        epochs_used = study.epochs_used()
    assert [r["trial"] for r in status["running"]] == [13, 14]
    assert all(0 < r["epoch"] <= r["of"] for r in status["running"])
    text = describe_status(status)
    assert f"{epochs_used} of 500 epochs" in text
    assert "trial 13: epoch" in text
    assert "best so far" in text.splitlines()[-1]
    assert status["eta_seconds"] is None, "no search is running"
    assert "2 interrupted" in describe_status(status)
    assert run(["trials", str(folder)]) == 0
    assert capsys.readouterr().out.count("interrupted") == 2
    assert run(["show", "13", "--study", str(folder)]) == 0
    assert "Trial 13, pass" in (said := capsys.readouterr().out)
    assert "interrupted" in said


def test_the_time_to_go_is_told_by_the_clock_while_a_search_runs(tmp_path: Path) -> None:
    folder = tmp_path / "s"
    folder.mkdir()
    with StudyLock(folder), build(folder, Recipe(trials=12, running=2, notes={"budget": 500})) as study:
        first = min(t.created_at for t in study.trials())
        under_way = [epoch for epoch, _ in study.running().values()]
        epochs_used = study.epochs_used()
        # Whatever trainings took by themselves: those of several processes overlap.
        status = status_dict(study, now=first + 60)
    pace = 60 / (epochs_used + sum(under_way))
    assert status["eta_seconds"] == pytest.approx((500 - epochs_used) * pace, abs=0.1)
    assert "a search is running, about" in describe_status(status)
    assert "2 running" in describe_status(status)


def test_a_search_that_has_just_gone_on_has_no_time_to_go_yet(folder: Path) -> None:
    with Study.open(folder) as study, StudyLock(folder):
        status = status_dict(study)
    assert status["searching"]
    assert status["eta_seconds"] is None, "the trials are all from before"


def test_trainings_that_confirm_are_told_from_a_search(folder: Path) -> None:
    with Study.open(folder) as study, StudyLock(folder, "confirm"):
        status = status_dict(study)
    assert (status["searching"], status["confirming"]) == (False, True)
    assert "trained again by `hptune confirm`" in describe_status(status)
    with StudyLock(folder, "confirm"), pytest.raises(StudyLockedError, match="`hptune confirm` is running"):
        StudyLock(folder).__enter__()


def test_many_trials_under_way_take_a_few_lines(tmp_path: Path) -> None:
    with build(tmp_path / "s", Recipe(trials=3, passes=1, running=16)) as study:
        status = status_dict(study)
        _, *lines = describe_status(status).splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("trials under way, at epoch: 4: "))
    assert sum("/" in line for line in lines) <= 3
    told = " ".join(lines[at : at + 3])
    for r in status["running"]:
        assert f"{r['trial']}: {r['epoch']}/{r['of']}" in told
    assert all(len(line) <= 80 for line in lines)


def test_following_ends_with_the_search(folder: Path) -> None:
    lock = StudyLock(folder)
    lock.__enter__()
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            lock.__exit__(None, None, None)

    views = list(follow(folder, every=7.0, sleep=sleep))
    assert [view["searching"] for view in views] == [True, True, True, False]
    assert slept == [7.0] * 3


def test_watching_a_finished_study_prints_once(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["status", str(folder), "--watch"]) == 0
    assert capsys.readouterr().out.count("no search is running") == 1


def test_watching_with_json_prints_one_object_per_line(folder: Path) -> None:
    with StudyLock(folder):
        watcher = subprocess.Popen(
            [sys.executable, "-m", "hptune", "status", str(folder), "--watch", "--every", "0.1", "--json"],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert watcher.stdout is not None
        lines = [watcher.stdout.readline() for _ in range(3)]
    rest, _ = watcher.communicate(timeout=20)
    views = [json.loads(line) for line in [*lines, *rest.splitlines()]]
    assert all(view["version"] == 2 for view in views)
    assert [view["searching"] for view in views[:3]] == [True] * 3
    assert views[-1]["searching"] is False
    assert watcher.returncode == 0


def test_watching_on_a_terminal_keeps_one_view_and_ends_at_ctrl_c(folder: Path) -> None:
    with StudyLock(folder):
        watcher = pexpect.spawn(
            sys.executable,
            ["-m", "hptune", "status", str(folder), "--watch", "--every", "0.1"],
            dimensions=(24, 80),
            encoding="utf-8",
            timeout=20,
            env={**os.environ, "TERM": "xterm", "NO_COLOR": "1"},
        )
        watcher.expect("a search is running")
        watcher.expect("trial 13: epoch")
        # The view is drawn over the one before: the cursor goes up.
        watcher.expect(r"\x1b\[1A")
        watcher.kill(signal.SIGINT)
        watcher.expect(pexpect.EOF)
        watcher.close()
    assert watcher.exitstatus == 0


def test_status_loads_neither_tensorflow_nor_pandas(folder: Path) -> None:
    loaded = heavy_modules(f"from hptune.__main__ import run; run(['status', {str(folder)!r}])")
    assert not {"tensorflow", "keras", "keras_tuner", "pandas", "scipy", "sklearn", "plotly"} & set(loaded)


def test_a_status_as_csv_has_a_row_per_pass(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["status", str(folder), "--csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    with Study.open(folder) as study:
        trials = study.trials(curves=False)
        epochs_used = [study.epochs_used(number) for number in (1, 2, 3)]
    assert [int(row["pass"]) for row in rows] == [1, 2, 3]
    assert [int(row["epochs"]) for row in rows] == epochs_used
    assert sum(int(row["trials"]) for row in rows) == len(trials)
    assert int(rows[2]["running"]) == 2
    last = [t.score for t in trials if t.pass_number == 3 and t.score is not None]
    assert float(rows[2]["best"]) == max(last)


def test_csv_is_not_watched(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["status", str(folder), "--csv", "--watch"]) == 2
    assert "--csv tells once" in capsys.readouterr().err


def test_what_is_the_same_in_all_trials_stands_once_below_the_table(tmp_path: Path) -> None:
    with build(tmp_path / "s", Recipe(trials=12)) as study:
        trials = study.trials(curves=False)
    header, *rows = trials_text(trials).splitlines()
    assert "epsilon" not in header.split()
    assert rows[-1] == "The same in all: epsilon 1e-7"
    assert "learning_rate" in header.split()
    assert len(rows) == 13
    alone = trials_text(trials[:1])
    assert "epsilon" in alone.splitlines()[0].split()
    assert "same in all" not in alone
    assert trials_text([]).split() == ["trial", "pass", "state", "score", "epochs", "seconds"]
