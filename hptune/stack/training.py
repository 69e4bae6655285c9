"""One job in a stack: from its checkpoint to its outcome, as train/session.py does for a model alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hptune.models import Training
from hptune.recipes import Recipe
from hptune.stack.begin import first_weights
from hptune.stack.layout import Layout
from hptune.stack.member import Member
from hptune.stack.structure import Settings
from hptune.train.conductor import Conductor, OnEpoch
from hptune.train.failures import Infeasible
from hptune.train.progress import Progress, load_snapshot, save_snapshot
from hptune.trial import Job, Objective, Outcome, OutcomeState

__all__ = ["Stacked", "begin"]


@dataclass(eq=False)
class Stacked:
    """One job while it is trained."""

    job: Job
    member: Member
    conductor: Conductor
    objective: Objective | None
    epoch: int
    """Epochs so far."""
    seconds: float = 0.0
    """Its share of the wall time so far."""
    timings: dict[str, float] = field(default_factory=dict)
    outcome: Outcome | None = None
    """None while it goes on."""

    def begin_epoch(self) -> float:
        """Set what the epoch depends on; returns the learning rate."""
        self.conductor.on_epoch_begin(self.epoch)
        return self.member.optimizer.learning_rate

    def end_epoch(self, trained: Mapping[str, float], validated: Mapping[str, float]) -> None:
        """Take in what an epoch came to; the job has an outcome where it was the last."""
        self.conductor.validate = lambda: validated
        try:
            self.conductor.on_epoch_end(self.epoch, trained)
        except Infeasible as infeasible:
            self._end(OutcomeState.INFEASIBLE, str(infeasible))
            return
        self.epoch += 1
        if self.member.stop_training or self.epoch >= self.job.epochs:
            self._end(OutcomeState.INTERRUPTED if self.conductor.stopped else OutcomeState.DONE)

    def end_untrained(self) -> None:
        """End a job that has no epoch to train."""
        self._end(OutcomeState.DONE)

    def spend(self, what: str, seconds: float) -> None:
        """Note where wall time went."""
        self.seconds += seconds
        self.timings[what] = self.timings.get(what, 0.0) + seconds

    def _end(self, state: OutcomeState, reason: str = "") -> None:
        bad = state is OutcomeState.INFEASIBLE
        layout = self.member.layout
        self.outcome = Outcome(
            job_id=self.job.id,
            state=state,
            curve=tuple(self.conductor.curve),
            ended=not bad and self.conductor.progress.ended,
            reason=reason,
            seconds=self.seconds,
            timings=self.timings,
            parameters=layout.trained_size + layout.moving_size,
            checkpoint="" if bad else self._keep(),
        )

    def _keep(self) -> str:
        """Write the weights where the job asks for it; returns their path, or ""."""
        job, conductor = self.job, self.conductor
        keeps = job.keeps(conductor.progress.best, self.objective, interrupted=conductor.stopped)
        if conductor.snapshot is None or not keeps:
            return ""
        save_snapshot(Path(job.keep_as), conductor.snapshot)
        return job.keep_as


def begin(
    job: Job,
    recipe: Recipe,
    settings: Settings,
    layout: Layout,
    training: Training,
    objective: Objective | None,
    on_epoch: OnEpoch,
) -> Stacked:
    """Return a job ready to train from its checkpoint, or from the weights of its seed.

    Raises ValueError where the checkpoint is another model's.
    """
    member = Member(layout, settings)
    snapshot = load_snapshot(job.checkpoint) if job.checkpoint else None
    if snapshot is None:
        member.hold(layout.begin(first_weights(recipe, layout, job.seed)))
    else:
        member.hold(layout.resume(snapshot.weights, snapshot.optimizer, settings.averaged))
    conductor = Conductor(
        job=job,
        training=training,
        objective=objective,
        on_epoch=on_epoch,
        progress=snapshot.progress if snapshot else Progress(),
        best_weights=snapshot.best_weights if snapshot else None,
        keep_best=bool(job.keep_as),
    )
    conductor.snapshot = snapshot
    conductor.set_model(member)
    stacked = Stacked(job, member, conductor, objective, epoch=job.initial_epoch)
    if conductor.progress.ended or job.epochs <= job.initial_epoch:
        stacked.end_untrained()
    return stacked
