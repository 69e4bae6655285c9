"""A clock that is set back, between two searches of a study or within one: nothing goes by it."""

from __future__ import annotations

import itertools
import json
import os
import time
from pathlib import Path

import pytest
from support.fakes import FakeTrainer
from support.interruptions import StopsAfter, story
from support.searches import search_on

from hptune.__main__ import run
from hptune.cli.progress import stop_on_signals
from hptune.errors import SearchInterruptedError
from hptune.executors.inline import InlineExecutor
from hptune.search.events import Stop
from hptune.study import Study, StudyLock

DAY = 86400.0
NOW = 1.8e9
ENDS = (18, 36)


def stretch(folder: Path, *, epochs: int | None = None) -> None:
    """Search until the end, or until Ctrl-C after so many epochs."""
    stop = Stop()
    listener = None if epochs is None else StopsAfter(stop, epochs)
    search_on(folder, InlineExecutor(FakeTrainer()), ENDS, listener=listener, stop=stop)


def told(folder: Path) -> list[object]:
    with Study.open(folder) as study:
        return [story(study)]


@pytest.mark.parametrize("step", [-DAY, -1e-3, -NOW / 1000], ids=["a day", "a little", "a year and more"])
def test_a_clock_that_goes_back_all_the_time_changes_nothing(
    step: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stretch(tmp_path / "whole")
    ticks = itertools.count()
    monkeypatch.setattr(time, "time", lambda: max(0.0, NOW + step * next(ticks)))
    with pytest.raises(SearchInterruptedError):
        stretch(tmp_path / "s", epochs=7)
    stretch(tmp_path / "s")
    assert told(tmp_path / "s") == told(tmp_path / "whole")
    monkeypatch.chdir(tmp_path)
    for command in (["trials", "s"], ["show", "1", "--study", "s"], ["report", "s"], ["narrow", "s"]):
        assert run(command) == 0
        said = capsys.readouterr()
        assert "-1 day" not in said.out
        assert "Traceback" not in said.err
    assert run(["status", "s", "--json"]) == 0
    status = json.loads(capsys.readouterr().out)
    assert status["seconds"] > 0
    assert all(one["seconds"] >= 0 for one in status["passes"])


@pytest.mark.parametrize("ahead", [DAY, -DAY], ids=["set back since", "set forward since"])
def test_what_is_to_go_is_never_negative_and_never_nothing(
    ahead: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The search began at a time that the clock has not reached yet, or has passed long ago."""
    with monkeypatch.context() as patch:
        patch.setattr(time, "time", lambda: NOW + ahead)
        with pytest.raises(SearchInterruptedError):
            stretch(tmp_path / "s", epochs=7)
        with Study.open(tmp_path / "s", read_only=False) as study:
            study.note(budget=36)
    monkeypatch.chdir(tmp_path)
    with StudyLock(Path("s")):
        os.utime("s/study.lock", (NOW, NOW))
        with monkeypatch.context() as patch:
            patch.setattr(time, "time", lambda: NOW + 1)
            assert run(["status", "s", "--json"]) == 0
    status = json.loads(capsys.readouterr().out)
    assert status["searching"]
    assert status["eta_seconds"] is None


def test_the_longest_time_goes_by_no_clock_that_can_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    with stop_on_signals(60.0) as stop:
        monkeypatch.setattr(time, "time", lambda: NOW + 100 * DAY)
        assert not stop.now
        monkeypatch.setattr(time, "time", lambda: 0.0)
        assert not stop.now
        passed = time.monotonic() + 61
        monkeypatch.setattr(time, "monotonic", lambda: passed)
        stop.running = True
        assert stop.now
