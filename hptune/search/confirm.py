"""Trains a study's finalists again with fresh seeds, and finds which differ significantly.

The best score of many trials is partly the luckiest: with other seeds it comes out lower. Means over
the same number of fresh seeds compare fairly.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from hptune.analysis.finalists import Confirmed, ranked
from hptune.data.under_way import Died, under_way
from hptune.errors import InputError, SearchInterruptedError, StudyError
from hptune.executors import JobTrainer
from hptune.executors.inline import TRIES
from hptune.search.events import Stop
from hptune.search.isolation import marked_under_way
from hptune.search.task import asked_epochs, load_again, task_of
from hptune.search.trust import require_trust
from hptune.study import Confirmation, Study, StudyLock
from hptune.study.trial import Job, Objective, Outcome, OutcomeState, Trial
from hptune.views.report import write_report

__all__ = ["Watcher", "confirm", "confirm_study", "fresh_seed"]


class Watcher:
    """Hears what a confirmation does. This one ignores it."""

    def planned(self, trials: int, trainings: int, epochs: int, known: int) -> None:
        """See what is to be trained: `trainings` of `epochs` in all, beside `known` ones."""

    def epoch(self, trial: Trial, number: int, epoch: int) -> None:
        """Note that a training has had another epoch."""

    def ended(self, confirmation: Confirmation) -> None:
        """Note how a training ended."""

    def warned(self, text: str) -> None:
        """Hear of something that went wrong beside the confirmation."""


@dataclass(frozen=True, kw_only=True)
class _Due:
    """One training that is still to be done."""

    trial: Trial
    number: int
    seed: int
    epochs: int
    """As many as the trial had; of one that was trained in one go, as many as it was asked for."""
    job: Job = field(init=False)

    def __post_init__(self) -> None:
        job = Job(
            id=0,
            trial_id=self.trial.id,
            values=self.trial.values,
            seed=self.seed,
            initial_epoch=0,
            epochs=self.epochs,
            part=f"confirmation {self.number}",
        )
        object.__setattr__(self, "job", job)


def confirm(
    folder: Path, *, top: int, seeds: int, watcher: Watcher, stop: Stop, trust: bool = False
) -> Confirmed:
    """Train the `top` best trials of the study in `folder` with `seeds` fresh seeds each.

    Each training is written down as it ends, and what is written down is not trained again. The study's
    report is rewritten. Raises StudyLockedError while a search runs, SearchInterruptedError when the user
    asks to stop, and StudyError where it names code elsewhere that nobody vouched for (`trust`).
    """

    def load(study: Study, trials: Sequence[Trial]) -> JobTrainer:
        require_trust(study, trust=trust)
        return _load(study, trials)

    # Raises where there is no study: taking the lock makes a file.
    Study.open(folder).close()
    with StudyLock(folder, "confirm"), Study.open(folder, read_only=False) as study:
        with marked_under_way(study, task_of(study)):
            found = confirm_study(study, top=top, seeds=seeds, load=load, watcher=watcher, stop=stop)
        try:
            write_report(study)
        except (InputError, StudyError) as error:
            # The scores are what was asked for; the page can be written later.
            watcher.warned(f"{error.message} (write it elsewhere with `hptune report -o FILE`)")
    return found


def confirm_study(
    study: Study,
    *,
    top: int,
    seeds: int,
    load: Callable[[Study, Sequence[Trial]], JobTrainer],
    watcher: Watcher,
    stop: Stop,
) -> Confirmed:
    """Confirm an open study that this process may write; `load` makes the trainer of trials, if needed."""
    trials = study.best(top)
    if not trials:
        raise StudyError(f"{study.folder}: no trial has a score yet", hint="Let the search run first.")
    wanted = [(trial, number) for number in range(1, seeds + 1) for trial in trials]
    known = {(c.trial_id, c.number) for c in study.confirmations()}
    due = [
        _Due(
            trial=trial,
            number=number,
            seed=fresh_seed(study.identity.seed, trial, number),
            epochs=asked_epochs(study, trial) or trial.epochs,
        )
        for trial, number in wanted
        if (trial.id, number) not in known
    ]
    epochs = sum(d.epochs for d in due)
    watcher.planned(len(trials), len(due), epochs, len(wanted) - len(due))
    if due:
        _train(study, due, load(study, trials), watcher, stop)
    return Confirmed(
        study=str(study.folder),
        objective=study.identity.goal,
        finalists=ranked(trials, study.confirmations(), study.identity.goal),
    )


def fresh_seed(study_seed: int, trial: Trial, number: int) -> int:
    """Return the seed of a trial's `number`-th confirmation, never the one the trial was trained with."""
    drawn = np.random.default_rng([study_seed, trial.id, number]).integers(2**31 - 1, size=2)
    return int(drawn[0] if drawn[0] != trial.seed else drawn[1])


def _load(study: Study, trials: Sequence[Trial]) -> JobTrainer:
    return task_of(study).trainer(*load_again(study, trials), study.identity.goal)


def _train(study: Study, due: list[_Due], trainer: JobTrainer, watcher: Watcher, stop: Stop) -> None:
    """Train and write down one after the other, all finalists with one seed before the next."""
    stop.running = True
    for one in due:

        def on_epoch(epoch: int, report: object, one: _Due = one) -> bool:
            watcher.epoch(one.trial, one.number, epoch)
            return stop.now

        outcome = None if stop.now else _outcome(one.job, trainer, on_epoch)
        whole = outcome is not None and len(outcome.curve) == one.job.epochs
        if outcome is None or (outcome.state is OutcomeState.INTERRUPTED and not whole):
            raise SearchInterruptedError(
                "what was trained is kept", hint="The same command resumes from here."
            )
        confirmation = _noted(one, outcome, study.identity.goal)
        study.record_confirmation(confirmation)
        watcher.ended(confirmation)


def _outcome(job: Job, trainer: JobTrainer, on_epoch: Callable[[int, object], bool]) -> Outcome:
    """Train, unless processes died of it before."""
    try:
        with under_way(f"trial {job.trial_id}, {job.part}", tries=TRIES):
            return trainer.run(job, on_epoch)
    except Died as died:
        return Outcome(job_id=job.id, state=OutcomeState.INFEASIBLE, reason=str(died))


def _noted(due: _Due, outcome: Outcome, objective: Objective) -> Confirmation:
    trained = outcome.state in (OutcomeState.DONE, OutcomeState.INTERRUPTED)
    best = objective.best_epoch(outcome.curve) if trained else None
    return Confirmation(
        trial_id=due.trial.id,
        asked=due.trial.epochs,
        number=due.number,
        seed=due.seed,
        score=None if best is None else outcome.curve[best - 1][objective.name],
        best_epoch=best,
        epochs=len(outcome.curve),
        seconds=outcome.seconds,
        reason=outcome.reason,
    )
