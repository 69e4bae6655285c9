"""When a search runs in a process that may die, and what a watched process tells and does not call."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from support.fakes import SPACE, identity

from hptune.data import under_way as told
from hptune.data.under_way import Death, Died, Watch, be_watched, under_way
from hptune.executors.inline import name_of
from hptune.search.isolation import forget_death, isolation_of, marked_under_way
from hptune.search.options import SearchOptions
from hptune.search.task import SearchTask
from hptune.study import Study, StudyLock
from hptune.study.trial import Job, Trial, TrialState

TASK = SearchTask(data="digits", model="m.py:build", epochs=9)


def options(folder: Path, task: SearchTask = TASK) -> SearchOptions:
    return SearchOptions(task=task, study=folder, passes=1, trials=3, oracle="coarse-to-fine")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A study with two jobs that are open."""
    with Study.create(tmp_path / "s", identity()) as study:
        study.open_pass(SPACE, proposal=None, origin="given")
        for _ in range(2):
            ask(study)
    return tmp_path / "s"


def ask(study: Study) -> Job:
    trial = Trial(id=0, pass_number=1, values=SPACE.defaults, seed=1, state=TrialState.RUNNING)
    return study.record_ask(trial=trial, initial_epoch=0, epochs=3, oracle_values={}, pass_number=1)


def mark(folder: Path, **noted: bool) -> None:
    with Study.open(folder, read_only=False) as study:
        study.note(**noted)


def test_a_search_is_isolated_where_it_is_asked_for(tmp_path: Path) -> None:
    assert isolation_of(options(tmp_path), None) is None
    assert isolation_of(options(tmp_path), False) is None
    asked = isolation_of(options(tmp_path), True)
    assert asked is not None
    assert (asked.why, asked.deaths) == ("", {})


def test_a_search_that_died_is_isolated_and_its_job_has_had_its_first_try(folder: Path) -> None:
    assert isolation_of(options(folder), None) is None
    mark(folder, under_way=True)
    found = isolation_of(options(folder), None)
    assert found is not None
    assert found.why == "its process died while trial 1 was under way"
    assert found.deaths == {"trial 1, job 1": Death(times=1, reason="its process died")}
    # With workers it was no job that ended the main process.
    several = isolation_of(replace(options(folder), workers=2), None)
    assert several is not None
    assert several.deaths == {}
    assert isolation_of(options(folder), False) is None
    assert isolation_of(replace(options(folder), fresh=True), None) is None
    assert isolation_of(options(folder, replace(TASK, model="mlp")), None) is None
    with StudyLock(folder):
        assert isolation_of(options(folder), None) is None
    forget_death(folder)
    assert isolation_of(options(folder), None) is None


def test_a_study_whose_trials_kill_processes_is_isolated_from_then_on(folder: Path) -> None:
    mark(folder, isolate=True)
    found = isolation_of(options(folder), None)
    assert found is not None
    assert (found.why, found.deaths) == ("processes died of its trials", {})


def test_a_mark_stays_only_where_the_process_dies(folder: Path) -> None:
    with Study.open(folder, read_only=False) as study:
        with pytest.raises(KeyboardInterrupt), marked_under_way(study, TASK):  # noqa: PT012
            assert study.notes.under_way
            raise KeyboardInterrupt
        assert not study.notes.under_way
        with marked_under_way(study, replace(TASK, model="mlp")):
            assert not study.notes.under_way


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Watch, int]]:
    """A watch, and where what it tells is read."""
    reading, writing = os.pipe()
    monkeypatch.setattr(told, "_watch", None)
    watch = Watch(told=writing)
    be_watched(watch)
    yield watch, reading
    os.close(reading)
    os.close(writing)


def lines(reading: int) -> list[list[str]]:
    return [json.loads(line) for line in os.read(reading, 65536).splitlines()]


def test_what_is_under_way_is_told_by_the_outermost_call(watched: tuple[Watch, int]) -> None:
    job = Job(id=4, trial_id=3, values={}, seed=1, initial_epoch=0, epochs=1)
    with under_way(name_of(job), tries=2), under_way("inner"):
        pass
    with pytest.raises(ValueError, match="boom"), under_way("build"):
        raise ValueError("boom")
    found = [["job", "trial 3, job 4"], ["end", ""], ["call", "build"], ["end", ""]]
    assert lines(watched[1]) == found


def test_what_processes_died_of_is_not_called_again(watched: tuple[Watch, int]) -> None:
    watch, _ = watched
    watch.deaths = {
        "once": Death(times=1, reason="its process died (SIGSEGV)"),
        "late": Death(times=1, reason="took longer than 2 s", final=True),
    }
    with pytest.raises(Died, match="SIGSEGV"), under_way("once"):
        raise AssertionError("it was called")
    with pytest.raises(Died, match="took longer"), under_way("late", tries=2):
        raise AssertionError("it was called")
    with under_way("once", tries=2):
        pass


def test_a_forked_child_tells_nothing(watched: tuple[Watch, int]) -> None:
    watch, reading = watched
    watch.process += 1
    watch.tell("over", "0")
    watch.process -= 1
    watch.tell("study")
    assert lines(reading) == [["study", ""]]


def test_nothing_is_told_where_nobody_watches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(told, "_watch", None)
    with under_way("build"):
        pass
