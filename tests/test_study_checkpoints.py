"""A study from anyone can name weights anywhere; nothing outside its folder is touched."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.fakes import OBJECTIVE, SPACE, FakeSearcher, FakeTrainer, identity, keep_all

from hptune.errors import StudyError
from hptune.executors.inline import InlineExecutor
from hptune.search.engine import Engine
from hptune.study import Study
from hptune.study.checkpoints import Checkpoints, weights_path
from hptune.study.trial import Trial, TrialState

ELSEWHERE = (
    "../victim.txt",
    "checkpoints/../../victim.txt",
    "checkpoints/trial-00001-e0009.npz/../../../victim.txt",
    "/etc/hostname",
    "study.db",
    "checkpoints/",
    "checkpoints\\..\\victim.txt",
    "checkpoints/trial-1-e1.npz\n",
)


@pytest.mark.parametrize("checkpoint", ELSEWHERE)
def test_weights_outside_the_folder_are_refused(tmp_path: Path, checkpoint: str) -> None:
    with pytest.raises(StudyError, match="which no search wrote"):
        weights_path(tmp_path / "s", checkpoint)


@pytest.mark.parametrize("linked", ["checkpoints", "checkpoints/trial-00001-e0009.npz"])
def test_a_link_is_refused(tmp_path: Path, linked: str) -> None:
    folder, target = tmp_path / "s", tmp_path / "elsewhere"
    (folder / linked).parent.mkdir(parents=True, exist_ok=True)
    target.mkdir()
    (folder / linked).symlink_to(target)
    with pytest.raises(StudyError, match="a link"):
        weights_path(folder, "checkpoints/trial-00001-e0009.npz")


@pytest.mark.parametrize("absolute", [False, True])
def test_a_search_deletes_no_file_that_an_edited_study_names(tmp_path: Path, absolute: bool) -> None:
    victim = tmp_path / "victim.txt"
    victim.write_text("precious")
    with Study.create(tmp_path / "s", identity()) as study:
        study.open_pass(SPACE, proposal=None, origin="given")
        ends = (30,)

        def search(end: int) -> None:
            Engine(
                study=study,
                searcher=FakeSearcher(),
                executor=InlineExecutor(FakeTrainer()),
                pass_ends=(end,),
                narrow=keep_all,
            ).run()

        search(ends[0])
        named = str(victim) if absolute else "../victim.txt"
        study._database.execute("UPDATE trials SET checkpoint = ?", (named,))
        with pytest.raises(StudyError, match="which no search wrote"):
            search(600)
    assert victim.read_text() == "precious"


def test_deleting_goes_by_the_same_rule(tmp_path: Path) -> None:
    trial = Trial(id=1, pass_number=1, values={}, seed=1, state=TrialState.PAUSED, checkpoint="../victim.txt")
    (tmp_path / "victim.txt").write_text("precious")
    with pytest.raises(StudyError):
        Checkpoints(tmp_path / "s", OBJECTIVE).delete([trial])
    assert (tmp_path / "victim.txt").exists()
