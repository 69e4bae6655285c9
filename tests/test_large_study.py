"""A study of 5,000 trials: what reads it does little per trial.

Seconds are `benchmarks/report.py`'s; here the work is counted, which is the same on every machine.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.studies import Recipe, build

from hptune.cli.app import app
from hptune.study import Study
from hptune.views.report import write_report


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("large") / "s"
    build(folder, Recipe(trials=5000, epochs=27)).close()
    return folder


def calls(*command: str) -> int:
    """Count the functions that a command calls, Python's and C's, once its modules are imported."""
    runner, count = CliRunner(), 0

    def counted(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    assert runner.invoke(app, command).exit_code == 0
    sys.setprofile(counted)
    try:
        runner.invoke(app, command)
    finally:
        sys.setprofile(None)
    return count


def test_status_calls_less_than_ten_functions_per_trial(folder: Path, tmp_path: Path) -> None:
    build(tmp_path / "s", Recipe(trials=500, epochs=27)).close()
    assert calls("status", str(folder)) - calls("status", str(tmp_path / "s")) < 10 * 4500


def test_a_page_takes_less_than_six_megabytes(folder: Path, tmp_path: Path) -> None:
    with Study.open(folder) as study:
        path = write_report(study, tmp_path / "report.html")
    assert path.stat().st_size < 6_000_000
