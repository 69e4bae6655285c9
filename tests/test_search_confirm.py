"""Finalists are trained again with fresh seeds, once each, and compared."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from support.fakes import OBJECTIVE, SPACE, FakeSearcher, FakeTrainer, identity, keep_all

from hptune.__main__ import run
from hptune.analysis.finalists import Confirmed, ranked
from hptune.errors import SearchInterruptedError, StudyError, StudyLockedError
from hptune.executors.inline import InlineExecutor
from hptune.search.confirm import Watcher, confirm_study, fresh_seed
from hptune.search.engine import Engine
from hptune.search.events import Stop
from hptune.study import Confirmation, Study, StudyLock
from hptune.study.trial import Job, Outcome, OutcomeState
from hptune.views import tables


class Seeded:
    """A trainer whose scores depend on the seed by up to `noise`; some seeds may break it."""

    def __init__(self, noise: float = 0.001, breaks: Callable[[Job], bool] = lambda job: False) -> None:
        self.jobs: list[Job] = []
        self.noise, self.breaks = noise, breaks

    def run(self, job: Job, on_epoch: Callable[[int, Mapping[str, float]], bool]) -> Outcome:
        self.jobs.append(job)
        if self.breaks(job):
            return Outcome(job_id=job.id, state=OutcomeState.INFEASIBLE, reason="diverged at epoch 1")
        curve = []
        for epoch in range(1, job.epochs + 1):
            luck = self.noise * (job.seed % 1000) / 1000
            curve.append({"val_accuracy": FakeTrainer.score(job.values, epoch) - luck})
            if on_epoch(epoch, curve[-1]):
                return Outcome(job_id=job.id, state=OutcomeState.INTERRUPTED, curve=tuple(curve))
        return Outcome(job_id=job.id, state=OutcomeState.DONE, curve=tuple(curve), seconds=0.5)


@pytest.fixture
def study(tmp_path: Path) -> Iterator[Study]:
    with Study.create(tmp_path / "studies" / "s", identity(), command="hptune search") as study:
        study.open_pass(SPACE, proposal=None, origin="given")
        Engine(
            study=study,
            searcher=FakeSearcher(),
            executor=InlineExecutor(FakeTrainer()),
            pass_ends=(60,),
            narrow=keep_all,
        ).run()
        yield study


def confirmed(
    study: Study, trainer: Seeded, *, top: int = 3, seeds: int = 4, stop: Stop | None = None
) -> Confirmed:
    return confirm_study(
        study, top=top, seeds=seeds, load=lambda *_: trainer, watcher=Watcher(), stop=stop or Stop()
    )


def test_every_finalist_is_trained_with_fresh_seeds_for_as_long_as_it_was(study: Study) -> None:
    trainer = Seeded()
    found = confirmed(study, trainer)
    best = {t.id: t for t in study.best(3)}
    assert {f.trial.id for f in found.finalists} == set(best)
    assert len(trainer.jobs) == 12
    for job in trainer.jobs:
        trial = best[job.trial_id]
        assert (job.values, job.initial_epoch, job.epochs) == (trial.values, 0, trial.epochs)
        assert (job.checkpoint, job.keep_as) == ("", "")
    seeds = [job.seed for job in trainer.jobs]
    assert len(set(seeds)) == 12
    assert not set(seeds) & {t.seed for t in study.trials()}
    assert [c.seed for f in found.finalists for c in f.confirmations] == [
        fresh_seed(0, f.trial, c.number) for f in found.finalists for c in f.confirmations
    ]


def test_the_search_itself_stays_as_it_was(study: Study) -> None:
    before = study.trials(), study.epochs_used(), list(study.events())
    confirmed(study, Seeded())
    assert (study.trials(), study.epochs_used(), list(study.events())) == before


def test_a_seed_is_never_the_trials_own(study: Study) -> None:
    trial = study.best(1)[0]
    drawn = fresh_seed(0, trial, 1)
    assert fresh_seed(0, replace(trial, seed=drawn), 1) != drawn


def test_again_nothing_is_trained_and_more_seeds_add_to_it(study: Study) -> None:
    first = confirmed(study, Seeded(), seeds=2)
    idle = Seeded()
    assert confirmed(study, idle, seeds=2) == first
    assert idle.jobs == []
    more = Seeded()
    found = confirmed(study, more, seeds=3)
    assert len(more.jobs) == 3
    assert all(len(f.confirmations) == 3 for f in found.finalists)


def test_an_interrupted_one_goes_on_with_the_same_result(study: Study, tmp_path: Path) -> None:
    stop = Stop()
    trainer = Seeded()
    whole_run = trainer.run

    def run_and_stop(job: Job, on_epoch: Callable[[int, Mapping[str, float]], bool]) -> Outcome:
        stop.asked = len(trainer.jobs) == 4
        return whole_run(job, on_epoch)

    trainer.run = run_and_stop  # type: ignore[method-assign]
    with pytest.raises(SearchInterruptedError):
        confirmed(study, trainer, stop=stop)
    assert len(study.confirmations()) == 4
    rest = Seeded()
    found = confirmed(study, rest)
    assert len(rest.jobs) == 8
    assert len(study.confirmations()) == 12
    assert [len(f.confirmations) for f in found.finalists] == [4, 4, 4]


def test_a_trial_that_went_on_is_confirmed_anew(study: Study) -> None:
    confirmed(study, Seeded(), top=1, seeds=2)
    best = study.best(1)[0]
    old = study.confirmations()
    longer = [replace(c, asked=c.asked + 1) for c in old]
    for confirmation in longer:
        study.record_confirmation(confirmation)
    assert study.confirmations() == old
    study._database.execute("UPDATE trials SET epochs = epochs + 1 WHERE id = ?", (best.id,))
    assert study.confirmations() == tuple(longer)


def test_a_confirmation_comes_back_from_the_database_as_it_was(study: Study) -> None:
    trial = study.best(1)[0]
    given = Confirmation(
        trial_id=trial.id,
        asked=trial.epochs,
        number=1,
        seed=2**31 - 2,
        score=None,
        best_epoch=None,
        epochs=0,
        seconds=0.25,
        reason="diverged at epoch 1 (loss nan)",
    )
    study.record_confirmation(given)
    assert study.confirmations() == (given,)


def test_finalists_are_ordered_by_their_means_not_by_the_search(study: Study) -> None:
    worst = study.best(3)[2]
    trainer = Seeded(noise=0.0)
    found = confirmed(study, trainer, seeds=2)
    lifted = [
        replace(c, score=1.0) if c.trial_id == worst.id else c
        for c in study.confirmations()
        if c.score is not None
    ]
    order = [f.trial.id for f in ranked([f.trial for f in found.finalists], lifted, OBJECTIVE)]
    assert order[0] == worst.id
    assert [f.trial.id for f in found.finalists] == [t.id for t in study.best(3)]


def test_one_that_some_seed_breaks_comes_after_those_that_no_seed_does(study: Study) -> None:
    first = study.best(1)[0]
    broken = fresh_seed(0, first, 2)
    found = confirmed(study, Seeded(breaks=lambda job: job.seed == broken))
    assert found.finalists[-1].trial.id == first.id
    assert len(found.finalists[-1].lost) == 1
    text = tables.confirmed_text(found)
    said = f"Trial {first.id}: 1 of 4 seeds could not be trained: diverged at epoch 1."
    assert said in text


def test_the_text_tells_means_and_who_is_better_by_more_than_luck(study: Study) -> None:
    found = confirmed(study, Seeded(noise=1e-6), top=2)
    lines = tables.confirmed_text(found).splitlines()
    assert lines[2].split() == ["trial", "search", "mean", "deviation", "worst..best", "seeds", "epochs"]
    assert lines[3].split()[0] == str(found.finalists[0].trial.id)
    assert "±" in lines[3]
    assert all(len(line) <= 80 for line in lines)
    first, second = (f.trial.id for f in found.finalists)
    said = " ".join(lines)
    assert f"Trial {first} is significantly better than trial {second}" in said
    noisy = ranked([f.trial for f in found.finalists], _noisy(found), OBJECTIVE)
    tied = tables.confirmed_text(replace(found, finalists=noisy))
    assert "do not differ significantly" in " ".join(tied.split())


def _noisy(found: Confirmed) -> list[Confirmation]:
    shift = {1: 0.2, 2: -0.2, 3: 0.19, 4: -0.21}
    return [
        replace(c, score=0.5 + shift[c.number] + 0.001 * c.trial_id)
        for f in found.finalists
        for c in f.confirmations
    ]


def test_json_has_every_seed_and_every_pair(study: Study) -> None:
    content = json.loads(tables.confirmed_json(confirmed(study, Seeded())))
    assert content["version"] == 2
    assert [len(f["seeds"]) for f in content["finalists"]] == [4, 4, 4]
    assert len(content["pairs"]) == 3


def test_without_a_score_there_is_nothing_to_confirm(tmp_path: Path) -> None:
    with Study.create(tmp_path / "s", identity()) as empty:
        empty.open_pass(SPACE, proposal=None, origin="given")
        with pytest.raises(StudyError, match="no trial has a score"):
            confirmed(empty, Seeded())


def test_the_command_waits_for_no_search(
    study: Study, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(study.folder.parent.parent)
    with StudyLock(study.folder):
        assert run(["confirm"]) == StudyLockedError.exit_code
    assert "another `hptune search` is running" in capsys.readouterr().err


def test_a_report_that_cant_be_written_is_a_warning_beside_the_scores(
    study: Study, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(study.folder.parent.parent)
    monkeypatch.setattr("hptune.search.confirm._load", lambda *_: Seeded())
    (study.folder / "report.html").mkdir()
    assert run(["confirm", "--top", "2", "--seeds", "2"]) == 0
    captured = capsys.readouterr()
    assert "of the finalists with fresh seeds" in captured.out
    assert "report.html: can't be written" in captured.err
    assert "hptune report -o FILE" in captured.err


def test_the_command_prints_what_is_known_without_loading_data(
    study: Study, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(study.folder.parent.parent)
    monkeypatch.setattr("hptune.search.confirm._load", lambda *_: Seeded())
    assert run(["confirm", "--top", "2", "--seeds", "3", "--json"]) == 0
    captured = capsys.readouterr()
    assert captured.err.splitlines()[0] == "2 finalists: 6 trainings, 54 epochs"
    assert "With fresh seeds trial" in (study.folder / "report.html").read_text(encoding="utf-8")
    assert len(captured.err.splitlines()) == 7
    first = json.loads(captured.out)
    monkeypatch.undo()
    monkeypatch.chdir(study.folder.parent.parent)
    assert run(["confirm", "--top", "2", "--seeds", "3", "--json"]) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out) == first
    assert run(["confirm", "--top", "2", "--seeds", "3", "--csv"]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert rows[0].startswith("trial,search_score,mean,deviation,worst,best,seeds")
    assert [int(row.split(",")[0]) for row in rows[1:]] == [f["trial"] for f in first["finalists"]]
    assert captured.err.splitlines() == ["2 finalists: 0 trainings, 0 epochs, 6 done already"]
