"""The loop: ask → record → submit → record → report, pass after pass, until the budget is used."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field, replace

import numpy as np

from hptune.errors import SearchInterruptedError
from hptune.executors import Executor
from hptune.oracles.driven import WrongMemoError
from hptune.oracles.searcher import NoSuggestion, Searcher, Suggestion
from hptune.search.events import Listener, Stop
from hptune.search.found import Found, FoundNames, WithConditions
from hptune.search.patience import Patience
from hptune.space import Hyperparameter, Space, Value
from hptune.study import Pass, Report, Study
from hptune.study.checkpoints import Checkpoints
from hptune.study.damage import damaged_memo
from hptune.study.proposal import Proposal
from hptune.study.trial import Job, Outcome, OutcomeState, Trial, TrialState

__all__ = ["Engine"]

GIVE_UP_REPEATING = 100
"""Known configurations in a row that an oracle may suggest before its space counts as exhausted."""
POLL_SECONDS = 0.1
"""How often epochs of other processes are asked for."""
PROGRESS_SECONDS = 1.0
"""How often the epoch of running jobs is written down for whoever watches."""


@dataclass
class Engine:
    """One search over one study, held by this process."""

    study: Study
    searcher: Searcher
    executor: Executor
    pass_ends: tuple[int, ...]
    """Epochs used in all when each pass ends; the last is the budget."""
    narrow: Callable[[Space, tuple[Trial, ...]], Proposal]
    """What a pass teaches: its space and all trials so far → a proposal."""
    with_conditions: WithConditions = lambda found, values, space: found
    """When a model asks for what a trial found."""
    listener: Listener = field(default_factory=Listener)
    stop: Stop = field(default_factory=Stop)
    in_one_go: bool = False
    """Trials are trained to their end at once, whichever rung was suggested."""
    retries: deque[int] = field(default_factory=deque)
    """Failed trials that are tried again before anything is asked for."""
    left: bool = False
    """Whoever was asked between two passes chose to stop there."""
    _epochs_used: int = 0
    """Epochs trained, and one for each job that ended badly without any: else no budget would end those."""
    _pending: int = 0
    """Epochs that the jobs under way will cost."""
    _trials: dict[int, Trial] = field(default_factory=dict)
    """Without their curves."""
    _by_values: dict[str, int] = field(default_factory=dict)
    _latest: int = 0
    """The trial that was begun last."""
    _held: Suggestion | None = None
    """Suggested when what was left of the budget was promised to running jobs: the next to begin."""
    _reached: int = 0
    """The last pass that the oracle knows of."""
    _patience: Patience = field(default_factory=Patience)
    _found: FoundNames = field(init=False)
    _epoch_of: dict[int, int] = field(default_factory=dict)
    _again: dict[int, int] = field(default_factory=dict)
    """Epochs on record that a job under way trains again, for lack of weights."""
    _written_at: float = 0.0
    _checkpoints: Checkpoints = field(init=False)

    def __post_init__(self) -> None:
        self._checkpoints = Checkpoints(self.study.folder, self.study.identity.goal)

    @property
    def budget(self) -> int:
        """Epochs that the whole search may cost."""
        return self.pass_ends[-1]

    def run(self) -> None:
        """Continue from wherever the study stands, which has a pass to run.

        Raises SearchInterruptedError when the user asks to stop, NoFeasibleTrialError when
        nothing can be trained.
        """
        passes = self.study.passes()
        the_pass, first = passes[-1], passes[0].opened_with
        self._found = FoundNames(
            space=first,
            root=first,
            with_conditions=self.with_conditions,
            known={hp.name: hp for hp in self.study.notes.found},
        )
        self._replay(passes)
        self.listener.on_study_opened(self.study, self.budget)
        waiting = deque(self.study.open_jobs())
        while True:
            end = self._end_of(the_pass)
            self.listener.on_pass_start(the_pass, end)
            self._run_pass(the_pass, end, waiting)
            if self.stop.asked:
                raise SearchInterruptedError(
                    "what was trained is kept", hint="The same command resumes from here."
                )
            following = None if self.stop.now else self._next_pass(the_pass)
            if following is None:
                break
            the_pass = following
        # What was interrupted and begins anew has no score yet, and is no failure.
        unbroken = not any(trial.state.is_bad for trial in self._trials.values())
        if not self._patience.any_score and unbroken and self.stop.now:
            raise SearchInterruptedError("the time was up before a trial had ended")
        if not self._patience.any_score:
            raise self._patience.given_up(self._trials.values())

    # Passes

    def _end_of(self, the_pass: Pass) -> int:
        return self.pass_ends[min(the_pass.number, len(self.pass_ends)) - 1]

    def _next_pass(self, the_pass: Pass) -> Pass | None:
        """Narrow and open the next pass where one is due and there is budget left for it."""
        if the_pass.number >= len(self.pass_ends) or self._epochs_used >= self.budget:
            return None
        # Its trials may have found more than it was opened with.
        space = self.study.passes()[-1].space
        proposal = self.narrow(space, self.study.trials())
        decided = self.listener.on_ranges_moved(proposal)
        if decided is None:
            self.left = True
            return None
        return self.study.open_pass(decided.next_space, proposal=decided, origin=decided.origin)

    def _reach(self, number: int, passes: tuple[Pass, ...]) -> None:
        """Bring the oracle to a pass, just before it is first asked in it: what was reported by then counts.

        So a resumed search and its replay know the same, whatever was under way in between.
        """
        for the_pass in passes[self._reached : number]:
            earlier = tuple(t for t in self._trials.values() if t.pass_number < the_pass.number)
            self._found.begin(the_pass.opened_with)
            self.searcher.begin_pass(the_pass.number, the_pass.opened_with, earlier)
            self._reached = the_pass.number

    def _replay(self, passes: tuple[Pass, ...]) -> None:
        """Bring the oracle, the budget and the counts to where the study stands."""
        self._epochs_used = self.study.epochs_used() + self.study.jobs_without_epoch()
        everything = self.study.trials(curves=False)
        for event in self.study.events():
            if isinstance(event, Report):
                self._patience.any_score = self._patience.any_score or event.score is not None
                trial = self._trials[event.trial_id] = _as_reported(everything[event.trial_id - 1], event)
                self._extend(event.found)
                self.searcher.report(
                    event.job_id, event.state, event.score, epochs=trial.epochs, added=event.added
                )
            elif event.retries:
                self._trials.pop(event.job.trial_id, None)
                self.searcher.retry(event.job.id, event.job.trial_id)
            else:
                self._reach(event.pass_number, passes)
                job = event.job
                try:
                    self.searcher.replay_ask(job.id, job.trial_id, event.oracle_values, event.memo)
                except WrongMemoError as error:
                    raise damaged_memo(self.study, job.id, event.memo) from error
        self._by_values = {_key(trial.values): trial.id for trial in everything}
        self._latest = len(everything)
        self._checkpoints.remember(everything)

    # One pass

    def _run_pass(self, the_pass: Pass, end: int, waiting: deque[Job]) -> None:
        running: dict[Future[Outcome], Job] = {}
        self._pending = sum(job.epochs - job.initial_epoch for job in waiting)
        over: NoSuggestion | None = None
        while True:
            while self._may_begin(running) and over is None:
                job = waiting.popleft() if waiting else self._retry() or self._ask(the_pass, end)
                if job in (NoSuggestion.EXHAUSTED, NoSuggestion.BUDGET_USED):
                    over = job
                if not isinstance(job, Job):
                    break
                running[self._submit(job)] = job
            if not running:
                break
            self.executor.poll(POLL_SECONDS)
            self._record_done(running)
        if over is NoSuggestion.EXHAUSTED:
            self.listener.on_space_exhausted(the_pass)

    def _may_begin(self, running: Mapping[Future[Outcome], Job]) -> bool:
        """Whether one more job may be submitted now."""
        return not self.stop.now and len(running) < self.executor.slots

    def _record_done(self, running: dict[Future[Outcome], Job]) -> None:
        """Record the jobs that are done, in the order in which they were asked for."""
        done = [future for future in running if future.done()]
        for future in sorted(done, key=lambda f: running[f].id):
            self._record(running.pop(future), future.result())

    def _retry(self) -> Job | None:
        """Return the job that tries the next failed trial again; None where there is none, or no budget."""
        if not self.retries:
            return None
        failed = self.study.failed_stretch(self.retries[0])
        committed = self._epochs_used - failed.charged + self._pending
        if committed > 0 and committed + failed.epochs - failed.initial_epoch > self.budget:
            return None
        trial_id = self.retries.popleft()
        # Its pass is the one in which the oracle is: what it asked for, it hears of.
        job = self.study.record_retry(trial_id, pass_number=self._reached)
        self.searcher.retry(job.id, trial_id)
        self._epochs_used = self.study.epochs_used() + self.study.jobs_without_epoch()
        self._pending += job.epochs - job.initial_epoch
        trial = self._trials.pop(trial_id)
        self.listener.on_trial_start(job, replace(trial, state=TrialState.RUNNING))
        return job

    def _ask(self, the_pass: Pass, end: int) -> Job | NoSuggestion | None:
        """Return the next job, why there is none, or None where the budget is used."""
        for _ in range(GIVE_UP_REPEATING):
            committed = self._epochs_used + self._pending
            if committed >= min(end, self.budget):
                return None
            if self._reached < the_pass.number:
                self._reach(the_pass.number, self.study.passes())
            suggestion = self._held or self._suggested()
            if isinstance(suggestion, NoSuggestion):
                return suggestion
            cost = suggestion.epochs - suggestion.initial_epoch
            self._held = suggestion if committed + cost > self.budget and committed > 0 else None
            if self._held:
                return None
            job = self._write_down(suggestion, the_pass)
            if job is not None:
                self._pending += cost
                return job
        return NoSuggestion.EXHAUSTED

    def _suggested(self) -> Suggestion | NoSuggestion:
        """Return what the search algorithm suggests next, to its end where trials are trained in one go."""
        suggestion = self.searcher.ask()
        if self.in_one_go and isinstance(suggestion, Suggestion):
            return replace(suggestion, epochs=self.study.identity.epochs)
        return suggestion

    def _write_down(self, suggestion: Suggestion, the_pass: Pass) -> Job | None:
        """Record an ask; returns None where its configuration was trained before, which is reported again."""
        trial = self._trial_for(suggestion, the_pass)
        # What has ended by itself is not trained again, whichever rung it is promoted to.
        over = trial.state is TrialState.COMPLETE
        known = trial.id != 0 and (suggestion.resumes is None or over)
        job = self.study.record_ask(
            trial=trial,
            initial_epoch=trial.epochs if known else suggestion.initial_epoch,
            epochs=max(trial.epochs, suggestion.epochs),
            oracle_values=suggestion.oracle_values,
            memo=suggestion.memo,
            pass_number=the_pass.number,
        )
        self.searcher.started(job.id, job.trial_id)
        if known and (over or trial.state.is_bad or trial.epochs >= suggestion.epochs):
            again = Outcome(
                job_id=job.id, state=OutcomeState.DONE, reason=trial.reason, checkpoint=trial.checkpoint
            )
            self._report(job, self.study.record_outcome(again, trial.state))
            self._epochs_used += trial.state.is_bad
            return None
        self._by_values[_key(job.values)] = job.trial_id
        self._latest = max(self._latest, job.trial_id)
        started = replace(trial, id=job.trial_id, state=TrialState.RUNNING)
        self.listener.on_trial_start(job, started)
        return job

    def _trial_for(self, suggestion: Suggestion, the_pass: Pass) -> Trial:
        if suggestion.resumes is not None:
            return self._trials[suggestion.resumes]
        earlier = self._by_values.get(_key(suggestion.values))
        if earlier is not None and earlier in self._trials:
            return self._trials[earlier]
        number = self._latest + 1
        seeds = np.random.default_rng([self.study.identity.seed, number])
        return Trial(
            id=0,
            pass_number=the_pass.number,
            values=suggestion.values,
            seed=int(seeds.integers(2**31 - 1)),
            state=TrialState.RUNNING,
            note=suggestion.note,
        )

    def _submit(self, job: Job) -> Future[Outcome]:
        full = job.epochs >= self.study.identity.epochs
        ready = self._checkpoints.prepare(job, full=full)
        self._again[job.id] = job.initial_epoch - ready.initial_epoch
        return self.executor.submit(ready, self._on_epoch)

    def _on_epoch(self, job: Job, epoch: int, report: Mapping[str, float]) -> bool:
        if job.id not in self._again:
            return self.stop.now  # A late report of a job that has ended.
        self.stop.running = True
        self._epoch_of[job.id] = epoch
        self.listener.on_epoch_end(job, epoch, report)
        now = time.monotonic()
        if now - self._written_at >= PROGRESS_SECONDS:
            self._written_at = now
            self.study.record_progress(self._epoch_of)
        return self.stop.now

    def _record(self, job: Job, outcome: Outcome) -> None:
        """Record how a job ended, report it to the oracle and delete weights that nobody needs."""
        self._pending -= job.epochs - job.initial_epoch
        self._epoch_of.pop(job.id, None)
        # Where it started over because its weights were gone, those epochs are on record.
        more = len(outcome.curve) - (job.epochs - job.initial_epoch)
        # A user's own fit may train more epochs than it was asked for: those are charged.
        again = max(self._again.pop(job.id, 0), min(more, job.initial_epoch))
        if again > 0:
            behind = len(outcome.curve) < again
            outcome = replace(
                outcome, curve=outcome.curve[again:], checkpoint="" if behind else outcome.checkpoint
            )
        trained = len(outcome.curve)
        outcome = replace(outcome, checkpoint=self._checkpoints.relative(outcome.checkpoint))
        if outcome.state is OutcomeState.INTERRUPTED and trained >= job.epochs - job.initial_epoch:
            outcome = replace(outcome, state=OutcomeState.DONE)
        found = self._look(job, outcome)
        outcome = replace(outcome, unsearched=found.left)
        state = self._state_after(job, outcome)
        trial = self.study.record_outcome(outcome, state, added=found.added, found=found.extension)
        self._tell(trial, found)
        self._epochs_used += len(outcome.curve) or int(trial.state.is_bad)
        trial = replace(trial, curve=())
        self._trials[trial.id] = trial
        if outcome.state is OutcomeState.INTERRUPTED:
            return
        self._extend(found.extension)
        self._rename(job, trial)
        self._report(job, trial, found.added)
        self._clear_away(trial)
        self._patience.count(trial, trained, self._trials.values())

    # What a model asks for that it was given no value of

    def _look(self, job: Job, outcome: Outcome) -> Found:
        """Return what a job found; one that was interrupted asks again."""
        if outcome.state is OutcomeState.INTERRUPTED:
            return Found()
        return self._found.look(job.values, outcome)

    def _extend(self, found: tuple[Hyperparameter, ...]) -> None:
        """Search further hyperparameters from here on, whether they are found now or replayed."""
        if not found:
            return
        self._found.extend(found)
        self.searcher.extend(self._found.space, found)
        if self._held is not None:
            # It was suggested before: it is tried with the defaults of these.
            held = self._held
            self._held = replace(
                held,
                values=self._found.complete(held.values, found),
                oracle_values=self._found.complete(held.oracle_values, found),
            )

    def _rename(self, job: Job, trial: Trial) -> None:
        """Know a trial by the values that it has now."""
        old, new = _key(job.values), _key(trial.values)
        if new != old:
            self._by_values.pop(old, None)
            self._by_values[new] = max(trial.id, self._by_values.get(new, 0))

    def _tell(self, trial: Trial, found: Found) -> None:
        """Say what is searched from here on, and, once for each, what is not."""
        for line in found.lines(trial.id):
            self.listener.on_remark(line)
        warning = self._found.warning(trial.id, found)
        if warning:
            self.listener.on_warning(warning)

    def _report(self, job: Job, trial: Trial, added: Mapping[str, Value] | None = None) -> None:
        self.searcher.report(job.id, trial.state, trial.score, epochs=trial.epochs, added=added)
        self.listener.on_trial_end(job, trial)

    def _state_after(self, job: Job, outcome: Outcome) -> TrialState:
        if outcome.state is OutcomeState.DONE:
            done = outcome.ended or job.epochs >= self.study.identity.epochs
            return TrialState.COMPLETE if done else TrialState.PAUSED
        return {
            OutcomeState.INTERRUPTED: TrialState.RUNNING,
            OutcomeState.INFEASIBLE: TrialState.INFEASIBLE,
            OutcomeState.FAILED: TrialState.FAILED,
        }[outcome.state]

    def _clear_away(self, trial: Trial) -> None:
        """Delete weights that can neither be resumed nor exported: first from the record."""
        gone = self._checkpoints.settle(trial)
        if gone:
            self.study.forget_checkpoints(gone)
            self._checkpoints.delete(self._trials[number] for number in gone)
            for number in gone:
                self._trials[number] = replace(self._trials[number], checkpoint="")


def _as_reported(trial: Trial, event: Report) -> Trial:
    """Return a trial as it was reported, where it failed then: it may have been tried again since."""
    if event.state is not TrialState.FAILED:
        return trial
    return replace(trial, state=event.state, score=None, best_epoch=None, epochs=event.epochs)


def _key(values: Mapping[str, Value]) -> str:
    """Return a text that is the same for the same configuration."""
    return json.dumps(dict(values), sort_keys=True)
