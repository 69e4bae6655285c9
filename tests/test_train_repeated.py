"""Means over folds and seeds: what is averaged, what is kept, and that it comes out the same however cut."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hptune.study.trial import Direction, Job, Objective, Outcome, OutcomeState
from hptune.training.folds_and_seeds import RepeatedTrainer, seed_of
from hptune.training.preflight import Preflight

GOAL = Objective(name="val_accuracy", direction=Direction.MAX)


class Fold:
    """A fold whose scores are known: `height` · (1 − ½^epoch), and a little of the seed."""

    def __init__(
        self, height: float, *, ends: int = 99, diverges: int = 99, names: tuple[str, ...] = ("val_accuracy",)
    ) -> None:
        self.height, self.ends, self.diverges, self.names = height, ends, diverges, names
        self.jobs: list[Job] = []
        self.difference = ""

    def score(self, epoch: int, seed: int = 0) -> float:
        return self.height * (1 - 0.5**epoch) + seed % 7 / 1000

    def preflight(self, values: Mapping[str, Any]) -> Preflight:
        return Preflight(reported=self.names, numpy_difference=self.difference)

    def run(self, job: Job, on_epoch: Callable[[int, Mapping[str, float]], bool]) -> Outcome:
        self.jobs.append(job)
        if job.initial_epoch:
            assert Path(job.checkpoint).read_text() == f"{job.seed} {job.initial_epoch}"
        curve: list[Mapping[str, float]] = []
        state = OutcomeState.DONE
        for epoch in range(job.initial_epoch + 1, min(job.epochs, self.ends) + 1):
            if epoch >= self.diverges:
                reason = f"diverged at epoch {epoch}"
                return Outcome(
                    job_id=job.id, state=OutcomeState.INFEASIBLE, curve=tuple(curve), reason=reason
                )
            curve.append({"val_accuracy": self.score(epoch, job.seed), "learning_rate": 0.1})
            if on_epoch(epoch, curve[-1]) and epoch < job.epochs:
                state = OutcomeState.INTERRUPTED
                break
        if job.keep_as:
            Path(job.keep_as).write_text(f"{job.seed} {job.initial_epoch + len(curve)}")
        return Outcome(
            job_id=job.id,
            state=state,
            curve=tuple(curve),
            ended=job.initial_epoch + len(curve) >= self.ends,
            checkpoint=job.keep_as,
            timings={"fit": 0.5},
            parameters=10,
        )


def job(epochs: int = 4, **more: Any) -> Job:
    return Job(
        **{"id": 1, "trial_id": 1, "values": {}, "seed": 0, "initial_epoch": 0, "epochs": epochs} | more
    )


def never(epoch: int, report: Mapping[str, float]) -> bool:
    return False


def test_the_curve_is_the_mean_and_every_folds_score_is_kept() -> None:
    folds = Fold(0.6), Fold(0.9)
    outcome = RepeatedTrainer(folds, objective=GOAL).run(job(), never)
    assert outcome.state is OutcomeState.DONE
    assert len(outcome.curve) == 4
    for epoch, report in enumerate(outcome.curve, 1):
        first, second = folds[0].score(epoch), folds[1].score(epoch)
        assert report == {
            "val_accuracy": pytest.approx((first + second) / 2),
            "learning_rate": 0.1,
            "val_accuracy[fold 1]": first,
            "val_accuracy[fold 2]": second,
        }
    assert outcome.timings == {"fit": 1.0}
    assert outcome.parameters == 10


def test_every_execution_has_a_seed_of_its_own_and_the_first_the_trials() -> None:
    fold = Fold(0.6)
    outcome = RepeatedTrainer([fold], executions=3, objective=GOAL).run(job(seed=5), never)
    seeds = [done.seed for done in fold.jobs]
    assert seeds == [5, seed_of(5, 1), seed_of(5, 2)]
    assert len(set(seeds)) == 3
    kept = [outcome.curve[-1][f"val_accuracy[run {n}]"] for n in (1, 2, 3)]
    assert kept == [fold.score(4, seed) for seed in seeds]
    assert outcome.curve[-1]["val_accuracy"] == pytest.approx(math.fsum(kept) / 3)


def test_folds_and_executions_multiply() -> None:
    folds = Fold(0.6), Fold(0.9)
    outcome = RepeatedTrainer(folds, executions=2, objective=GOAL).run(job(), never)
    names = {name for name in outcome.curve[0] if "[" in name}
    assert names == {f"val_accuracy[fold {f}, run {r}]" for f in (1, 2) for r in (1, 2)}
    assert [done.seed for done in folds[0].jobs] == [done.seed for done in folds[1].jobs]


def test_the_learning_rate_of_a_mean_is_that_of_each_to_the_last_bit() -> None:
    outcome = RepeatedTrainer([Fold(0.6)] * 3, objective=GOAL).run(job(), never)
    assert {report["learning_rate"] for report in outcome.curve} == {0.1}


def test_a_fold_that_can_not_be_trained_is_named_and_ends_the_job(tmp_path: Path) -> None:
    last = Fold(0.5)
    trainer = RepeatedTrainer([Fold(0.6), Fold(0.9, diverges=3), last], objective=GOAL)
    outcome = trainer.run(job(keep_as=str(tmp_path / "all.npz")), never)
    assert outcome.state is OutcomeState.INFEASIBLE
    assert outcome.reason == "fold 2: diverged at epoch 3"
    assert outcome.checkpoint == ""
    assert last.jobs == []
    assert list(tmp_path.iterdir()) == []


def test_jobs_go_on_where_the_last_one_stopped(tmp_path: Path) -> None:
    whole = RepeatedTrainer([Fold(0.6), Fold(0.9)], objective=GOAL).run(job(9), never)
    trainer = RepeatedTrainer([Fold(0.6), Fold(0.9)], objective=GOAL)
    first = trainer.run(job(3, keep_as=str(tmp_path / "3.npz")), never)
    assert first.checkpoint == str(tmp_path / "3.npz")
    second = trainer.run(
        job(9, initial_epoch=3, checkpoint=first.checkpoint, keep_as=str(tmp_path / "9.npz")), never
    )
    assert first.curve + second.curve == whole.curve
    assert len(second.curve) == 6
    # One file for each checkpoint, and nothing beside it.
    assert {path.name for path in tmp_path.iterdir()} == {"3.npz", "9.npz"}


def test_weights_ahead_of_the_record_start_over(tmp_path: Path) -> None:
    trainer = RepeatedTrainer([Fold(0.6), Fold(0.9)], objective=GOAL)
    whole = trainer.run(job(9, keep_as=str(tmp_path / "9.npz")), never)
    again = job(9, initial_epoch=3, checkpoint=whole.checkpoint, keep_as=str(tmp_path / "again.npz"))
    assert trainer.run(again, never).curve == whole.curve


@pytest.mark.parametrize("after", range(1, 12))
def test_an_interrupted_job_loses_no_epoch_of_any_fold(after: int, tmp_path: Path) -> None:
    whole = RepeatedTrainer([Fold(0.6), Fold(0.9), Fold(0.7)], objective=GOAL).run(job(), never)
    folds = Fold(0.6), Fold(0.9), Fold(0.7)
    trainer = RepeatedTrainer(folds, objective=GOAL)
    heard: list[int] = []

    def stop(epoch: int, report: Mapping[str, float]) -> bool:
        heard.append(epoch)
        return len(heard) >= after

    first = trainer.run(job(keep_as=str(tmp_path / "a.npz")), stop)
    assert first.state is OutcomeState.INTERRUPTED
    assert len(heard) == after
    second = trainer.run(
        job(initial_epoch=len(first.curve), checkpoint=first.checkpoint, keep_as=str(tmp_path / "b.npz")),
        never,
    )
    assert second.state is OutcomeState.DONE
    assert first.curve + second.curve == whole.curve
    trained = sum(done.epochs - done.initial_epoch for fold in folds for done in fold.jobs[-1:])
    assert trained <= 12


def test_progress_is_counted_in_epochs_of_the_mean() -> None:
    heard: list[int] = []
    RepeatedTrainer([Fold(0.6), Fold(0.9)], objective=GOAL).run(
        job(), lambda epoch, report: bool(heard.append(epoch))
    )
    assert heard == [0, 1, 1, 2, 2, 3, 3, 4]


def test_a_fold_ended_by_early_stopping_counts_with_its_best_epoch() -> None:
    folds = Fold(0.6, ends=2), Fold(0.9)
    outcome = RepeatedTrainer(folds, objective=GOAL).run(job(), never)
    assert not outcome.ended
    assert len(outcome.curve) == 4
    held = [report["val_accuracy[fold 1]"] for report in outcome.curve]
    assert held == [folds[0].score(n) for n in (1, 2, 2, 2)]


def test_it_ends_where_all_folds_have_ended(tmp_path: Path) -> None:
    trainer = RepeatedTrainer([Fold(0.6, ends=2), Fold(0.9, ends=3)], objective=GOAL)
    outcome = trainer.run(job(9), never)
    assert outcome.ended
    assert len(outcome.curve) == 3


@pytest.mark.parametrize(("bar", "kept"), [(0.70, True), (0.71, False)])
def test_weights_are_kept_where_the_mean_reaches_the_bar(bar: float, kept: bool, tmp_path: Path) -> None:
    # After four epochs the folds have 0.5625 and 0.84375: 0.703 in the mean.
    path = str(tmp_path / "a.npz")
    outcome = RepeatedTrainer([Fold(0.6), Fold(0.9)], objective=GOAL).run(
        job(keep_as=path, keep_if=bar), never
    )
    assert outcome.checkpoint == (path if kept else "")
    assert Path(path).is_file() is kept


def test_only_metrics_that_every_fold_reports_can_be_searched() -> None:
    folds = [Fold(0.6, names=("loss", "val_loss", "val_auc")), Fold(0.9, names=("loss", "val_loss"))]
    assert RepeatedTrainer(folds, objective=None).preflight({}).reported == ("loss", "val_loss")


def test_one_fold_where_numpy_differs_leaves_all_to_keras() -> None:
    folds = [Fold(0.6), Fold(0.9)]
    assert RepeatedTrainer(folds, objective=None).preflight({}).numpy_difference == ""
    folds[1].difference = "the loss is another"
    assert RepeatedTrainer(folds, objective=None).preflight({}).numpy_difference == "the loss is another"


def test_what_a_killed_process_left_is_cleared_away(tmp_path: Path) -> None:
    left = tmp_path / ".a.npz.members"
    left.mkdir()
    (left / "0-e4.npz").write_text("half")
    wanted = replace(job(), keep_as=str(tmp_path / "a.npz"))
    assert RepeatedTrainer([Fold(0.6), Fold(0.9)], objective=GOAL).run(wanted, never).checkpoint
    assert [path.name for path in tmp_path.iterdir()] == ["a.npz"]
