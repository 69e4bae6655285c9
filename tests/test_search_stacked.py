"""A real search whose configurations are trained as one model."""

from __future__ import annotations

from pathlib import Path

import pytest

from hptune.engine import Listener, Stop
from hptune.errors import UsageError
from hptune.search import SearchOptions, search
from hptune.study import Study
from hptune.subject import Subject
from hptune.trial import TrialState


def options(folder: Path, **more: int) -> SearchOptions:
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


def test_a_stack_and_several_workers_exclude_each_other(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--stack"):
        search(options(tmp_path, workers=2), listener=Listener(), stop=Stop())
