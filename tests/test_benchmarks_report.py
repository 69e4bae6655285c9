"""The benchmark of report and status runs, and tells when a limit is passed."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent.parent / "benchmarks" / "report.py"


def test_it_prints_a_line_per_command_and_holds(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", [str(SCRIPT), "--runs", "1", "--trials", "12"])
    names = runpy.run_path(str(SCRIPT))
    # What is fast enough is for a quiet machine to tell.
    names["MOST_SECONDS"].update(report=100.0, status=100.0)
    assert names["main"]() == 0
    header, report, status = capsys.readouterr().out.splitlines()
    assert header.split() == ["trials", "command", "CPU", "s", "wall", "s", "bytes"]
    assert report.split()[:2] == ["12", "report"]
    assert int(report.split()[-1].replace(",", "")) > 50_000
    assert status.split()[:2] == ["12", "status"]


def test_a_limit_that_is_passed_fails_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", [str(SCRIPT), "--runs", "1", "--trials", "1"])
    names = runpy.run_path(str(SCRIPT))
    names["MOST_SECONDS"]["status"] = 0.0
    assert names["main"]() == 1
