"""Trains a trial several times, over folds and seeds, and reports the mean."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from hptune.space import Hyperparameter, Value, Values
from hptune.study.trial import Job, Objective, Outcome, OutcomeState
from hptune.training.epoch_callback import OnEpoch, never_stop
from hptune.training.members import Member, MemberTrainer, Report, mean_curve, pack, unpack
from hptune.training.preflight import Preflight

__all__ = ["RepeatedTrainer", "seed_of"]


def seed_of(seed: int, execution: int) -> int:
    """Return the seed of a trial's execution, from 0; the first has the trial's own."""
    if execution == 0:
        return seed
    return int(np.random.default_rng([seed, execution]).integers(2**31 - 1))


class RepeatedTrainer:
    """Trains each job once for every fold and every seed; its curve is the mean of theirs.

    The members are trained one after the other, each as far as the job goes, so a job takes as
    many times the time of one training. An epoch of the curve is one that all of them have had.
    A checkpoint holds all members: cut into several jobs, interrupted or not, the means come out
    the same bits.
    """

    def __init__(
        self, trainers: Sequence[MemberTrainer], *, executions: int = 1, objective: Objective | None
    ) -> None:
        """Take one trainer for each fold (one where there are none) and the number of seeds."""
        self._objective = objective
        self._members: dict[str, tuple[MemberTrainer, int]] = {}
        for fold, trainer in enumerate(trainers, start=1):
            for execution in range(executions):
                parts = [f"fold {fold}"] * (len(trainers) > 1) + [f"run {execution + 1}"] * (executions > 1)
                self._members[", ".join(parts)] = (trainer, execution)
        self._trainers = tuple(trainers)

    def preflight(self, values: Values) -> Preflight:
        """Train one batch of every fold; returns the metrics that all report, and the first difference."""
        found = [trainer.preflight(values) for trainer in self._trainers]
        return Preflight(
            reported=tuple(n for n in found[0].reported if all(n in one.reported for one in found)),
            numpy_difference=next((one.numpy_difference for one in found if one.numpy_difference), ""),
            own_epochs=max(one.own_epochs for one in found),
            in_one_go=any(one.in_one_go for one in found),
            stateful=found[0].stateful,
            callbacks=found[0].callbacks,
        )

    def run(self, job: Job, on_epoch: OnEpoch = never_stop) -> Outcome:
        """Train every member of a job to its epochs.

        `on_epoch` is called after each epoch of each member with what that one reported and with
        the epochs that all of them together come to, rounded down; True stops the member there.
        A member that can't be trained ends the job, which says which one it was.
        """
        assert self._objective is not None, "a job needs an objective"
        began = time.perf_counter()
        with _folder(job) as folder:
            stretch = _Stretch(job=job, on_epoch=on_epoch, objective=self._objective, folder=folder)
            stretch.begin(tuple(self._members))
            for number, member in enumerate(stretch.members):
                trainer, execution = self._members[member.name]
                if stretch.asked and not stretch.is_done(member):
                    return stretch.outcome(OutcomeState.INTERRUPTED, began)
                state = stretch.train(number, trainer, seed_of(job.seed, execution))
                if state is not OutcomeState.DONE:
                    return stretch.outcome(state, began)
            return stretch.outcome(OutcomeState.DONE, began)


@dataclass(kw_only=True)
class _Stretch:
    """One job under way."""

    job: Job
    on_epoch: OnEpoch
    objective: Objective
    folder: Path
    """For the members' own checkpoints."""
    members: list[Member] = field(default_factory=list)
    asked: bool = False
    """Somebody asked to stop."""
    _best: float | None = None
    """Best mean so far."""
    _timings: Counter[str] = field(default_factory=Counter)
    _parameters: int | None = None
    _unsearched: dict[str, Value] = field(default_factory=dict)
    _declared: dict[str, Hyperparameter] = field(default_factory=dict)
    _ended_by: Outcome | None = None
    _reason: str = ""

    def begin(self, names: tuple[str, ...]) -> None:
        """Put every member where the checkpoint has it, or at its start."""
        if self.job.checkpoint:
            self.members, self._best = unpack(Path(self.job.checkpoint), self.folder)
            # Written by a process that was killed before it recorded these epochs: they start over.
            if min((m.epochs for m in self.members if not m.ended), default=0) > self.job.initial_epoch:
                self.members, self._best = [], None
                self.job = replace(self.job, checkpoint="", initial_epoch=0)
        if [member.name for member in self.members] != list(names):
            assert not self.members, "the checkpoint is that of other folds or seeds"
            self.members = [Member(name=name) for name in names]

    def is_done(self, member: Member) -> bool:
        """Return whether a member has all the epochs that it shall have."""
        return member.ended or member.epochs >= self.job.epochs

    def train(self, number: int, trainer: MemberTrainer, seed: int) -> OutcomeState:
        """Train one member as far as the job goes."""
        member = self.members[number]
        if self.is_done(member):
            return OutcomeState.DONE
        # Without weights of its own it starts over: those epochs are known, and come out the same.
        known = 0 if member.file is not None else member.epochs
        job = replace(
            self.job,
            seed=seed,
            part=f"{self.job.part} {member.name}".strip(),
            initial_epoch=member.epochs - known,
            checkpoint="" if member.file is None else str(member.file),
            keep_as=str(self.folder / f"{number}-e{self.job.epochs}.npz") if self.job.keep_as else "",
            keep_if=None,
        )
        outcome = trainer.run(job, lambda epoch, report: self._heard(member, epoch, report))
        member.take(outcome.curve[known:], self.objective)
        member.ended = outcome.ended
        self._unsearched.update(outcome.unsearched)
        self._declared.update((hp.name, hp) for hp in outcome.declared)
        if outcome.checkpoint and len(outcome.curve) >= known:
            member.file = Path(outcome.checkpoint)
        self._timings.update(outcome.timings)
        self._parameters = outcome.parameters if self._parameters is None else self._parameters
        self._ended_by, self._reason = outcome, f"{member.name}: {outcome.reason}" if outcome.reason else ""
        return outcome.state

    def _heard(self, member: Member, epoch: int, report: Mapping[str, float]) -> bool:
        """Hand on an epoch of a member, counted in epochs of the mean."""
        others = [other for other in self.members if other is not member]
        had = sum(self.job.epochs if self.is_done(other) else other.epochs for other in others)
        together = max(self.job.initial_epoch, (had + epoch) // len(self.members))
        self.asked = self.on_epoch(together, report) or self.asked
        return self.asked

    def outcome(self, state: OutcomeState, began: float) -> Outcome:
        """Return what the job came to, its weights kept where it asks for that."""
        curve = mean_curve(self.members, self.objective)
        last = self._ended_by
        failed = state in (OutcomeState.INFEASIBLE, OutcomeState.FAILED)
        return Outcome(
            job_id=self.job.id,
            state=state,
            curve=tuple(curve),
            ended=not failed and all(member.ended for member in self.members),
            reason=self._reason,
            traceback=last.traceback if last is not None else "",
            seconds=time.perf_counter() - began,
            timings=dict(self._timings),
            parameters=self._parameters,
            unsearched=self._unsearched,
            declared=tuple(self._declared.values()),
            checkpoint="" if failed else self._keep(curve, state),
        )

    def _keep(self, curve: Sequence[Report], state: OutcomeState) -> str:
        """Write one checkpoint of all members; returns its path, or ""."""
        values = [report[self.objective.name] for report in curve if self.objective.name in report]
        for value in values:
            if self._best is None or self.objective.better(value, self._best):
                self._best = value
        interrupted = state is OutcomeState.INTERRUPTED
        if not self.job.keeps(self._best, self.objective, interrupted=interrupted):
            return ""
        pack(Path(self.job.keep_as), self.members, self._best)
        return self.job.keep_as


@contextmanager
def _folder(job: Job) -> Iterator[Path]:
    """Give an empty folder for the time of a job, beside its checkpoint where it keeps one."""
    if not job.keep_as:
        with tempfile.TemporaryDirectory() as name:
            yield Path(name)
        return
    # A process that was killed may have left it; only this job uses its name.
    target = Path(job.keep_as)
    folder = target.with_name(f".{target.name}.members")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
