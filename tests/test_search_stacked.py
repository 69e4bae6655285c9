"""A real search whose configurations are trained as one model."""

from __future__ import annotations

from pathlib import Path

import pytest

from hptune.errors import SearchInterruptedError
from hptune.listener import Listener, Stop
from hptune.scales import Scale
from hptune.search import SearchOptions, search
from hptune.space import Choice, Fixed, Float, Integer, Space
from hptune.study import Study
from hptune.subject import Subject
from hptune.trial import Job, TrialState

SPACE = Space(
    hyperparameters=(
        Float(name="learning_rate", low=1e-4, high=0.1, scale=Scale.LOG),
        Choice(name="optimizer", options=("adam", "sgd")),
        Float(name="dropout", low=0.0, high=0.5),
        Integer(name="units", low=4, high=12),
        Fixed(name="layers", value=1),
        Fixed(name="batch_size", value=32),
    )
)
"""Two structures, so that most configurations are trained together."""


def options(folder: Path) -> SearchOptions:
    subject = Subject(data="iris", model="mlp", space=SPACE, epochs=4)
    return SearchOptions(
        subject=subject, study=folder / "s", oracle="coarse-to-fine", passes=2, trials=6, stack=4
    )


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A search that nobody stopped."""
    folder = tmp_path_factory.mktemp("whole")
    search(options(folder), listener=Listener(), stop=Stop())
    return folder


def test_a_stacked_search_spends_its_budget_and_scores_its_trials(whole: Path) -> None:
    with Study.open(whole / "s") as study:
        assert 18 < study.spent() <= 24
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


def test_a_stacked_search_that_was_stopped_finds_what_it_would_have_found(
    whole: Path, tmp_path: Path
) -> None:
    def story(folder: Path) -> list[object]:
        with Study.open(folder / "s") as study:
            return [(t.values, t.state, t.curve) for t in study.trials()]

    cut = options(tmp_path)
    for epochs in (2, 11):
        stop = Stop()
        with pytest.raises(SearchInterruptedError):
            search(cut, listener=StopsAfter(stop, epochs), stop=stop)
    search(cut, listener=Listener(), stop=Stop())
    assert story(tmp_path) == story(whole)
