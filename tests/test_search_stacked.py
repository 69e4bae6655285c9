"""A real search whose configurations are trained as one model."""

from __future__ import annotations

from pathlib import Path

import pytest

from hptune.errors import SearchInterruptedError
from hptune.listener import Listener, Stop
from hptune.search import SearchOptions, search
from hptune.study import Study
from hptune.subject import Subject
from hptune.trial import Job, TrialState


def options(folder: Path, **more: int | None) -> SearchOptions:
    subject = Subject(data="iris", model="mlp", epochs=4)
    wanted = {"passes": 2, "trials": 4, "stack": 4} | more
    return SearchOptions(subject=subject, study=folder / "s", oracle="coarse-to-fine", **wanted)


def test_a_stacked_search_spends_its_budget_and_scores_its_trials(tmp_path: Path) -> None:
    search(options(tmp_path), listener=Listener(), stop=Stop())
    with Study.open(tmp_path / "s") as study:
        assert 12 < study.spent() <= 16
        assert study.open_jobs() == ()
        scored = [t for t in study.trials() if t.state is not TrialState.INFEASIBLE]
        assert scored
        assert all(t.score is not None and len(t.curve) == t.epochs for t in scored)


class StopsAfter(Listener):
    """Asks to stop after so many epochs, as Ctrl-C does."""

    def __init__(self, stop: Stop, epochs: int) -> None:
        self.stop, self.left = stop, epochs

    def epoch(self, job: Job, epoch: int, report: object) -> None:
        self.left -= 1
        self.stop.asked = self.left <= 0


def test_a_stacked_search_that_was_stopped_finds_what_it_would_have_found(tmp_path: Path) -> None:
    def story(name: str) -> list[object]:
        with Study.open(tmp_path / name / "s") as study:
            return [(t.values, t.state, t.curve) for t in study.trials()]

    wanted = {"stack": 4, "trials": 6, "passes": 2}
    search(options(tmp_path / "whole", **wanted), listener=Listener(), stop=Stop())
    cut = options(tmp_path / "cut", **wanted)
    for epochs in (2, 11):
        stop = Stop()
        with pytest.raises(SearchInterruptedError):
            search(cut, listener=StopsAfter(stop, epochs), stop=stop)
    search(cut, listener=Listener(), stop=Stop())
    assert story("cut") == story("whole")
