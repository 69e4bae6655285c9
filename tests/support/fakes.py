"""A trainer and a searcher of a few lines each, so that the engine is tested without Keras."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from pathlib import Path

import numpy as np

from hptune.executors import OnEpoch
from hptune.oracles.searcher import NoSuggestion, Suggestion
from hptune.space import Choice, Condition, Float, Integer, Space, Tier
from hptune.space.scales import Scale
from hptune.study import Identity
from hptune.study.proposal import Move, Proposal, Verdict
from hptune.study.trial import Direction, Job, Objective, Outcome, OutcomeState, Trial, TrialState

OBJECTIVE = Objective(name="val_accuracy", direction=Direction.MAX)

SPACE = Space(
    name="fake",
    hyperparameters=(
        Float(
            name="learning_rate",
            tier=Tier.FIRST,
            low=1e-4,
            high=1.0,
            scale=Scale.LOG,
            default=1e-3,
            limits=(1e-8, 10.0),
        ),
        Choice(name="optimizer", options=("adam", "sgd")),
        Float(
            name="momentum",
            tier=Tier.SECOND,
            low=0.5,
            high=0.99,
            scale=Scale.LOG_COMPLEMENT,
            default=0.9,
            limits=(0.0, 0.9999),
            when=(Condition(parent="optimizer", values=("sgd",)),),
        ),
        Integer(name="units", tier=Tier.SECOND, low=8, high=64, scale=Scale.LOG, default=16, limits=(1, 512)),
    ),
)


def identity(**changed: object) -> Identity:
    fields: dict[str, object] = {
        "data": "digits",
        "data_fingerprint": "d1",
        "model": "mlp",
        "model_fingerprint": "m1",
        "objective": "val_accuracy",
        "direction": Direction.MAX,
        "epochs": 9,
        "oracle": "coarse-to-fine",
        "seed": 0,
        "settings": {"target": None},
    }
    return Identity(**(fields | changed))  # type: ignore[arg-type]


class FakeTrainer:
    """Learns a known function of the values; writes a checkpoint that says how far it got."""

    def __init__(self, *, diverge_above: float = math.inf, fail: bool = False) -> None:
        self.jobs: list[Job] = []
        self.diverge_above = diverge_above
        self.fail = fail

    @staticmethod
    def score(values: Mapping[str, object], epoch: int) -> float:
        rate = float(values["learning_rate"])  # type: ignore[arg-type]
        return math.exp(-((math.log10(rate) + 2) ** 2)) * (1 - 0.5**epoch)

    def run(self, job: Job, on_epoch: Callable[[int, Mapping[str, float]], bool]) -> Outcome:
        self.jobs.append(job)
        if job.initial_epoch:
            assert Path(job.checkpoint).read_text() == f"{job.trial_id} {job.initial_epoch}"
        if self.fail:
            return Outcome(
                job_id=job.id, state=OutcomeState.FAILED, reason="KeyError: 'x'", traceback="Traceback …"
            )
        curve: list[Mapping[str, float]] = []
        for epoch in range(job.initial_epoch + 1, job.epochs + 1):
            if float(job.values["learning_rate"]) > self.diverge_above:
                return Outcome(job_id=job.id, state=OutcomeState.INFEASIBLE, reason="diverged at epoch 1")
            curve.append({"val_accuracy": self.score(job.values, epoch)})
            if on_epoch(epoch, curve[-1]):
                return self._end(job, OutcomeState.INTERRUPTED, curve)
        return self._end(job, OutcomeState.DONE, curve)

    def _end(self, job: Job, state: OutcomeState, curve: list[Mapping[str, float]]) -> Outcome:
        wanted = job.keep_if is None or max(e["val_accuracy"] for e in curve) >= job.keep_if
        keep = job.keep_as if wanted or state is OutcomeState.INTERRUPTED else ""
        if keep:
            Path(keep).write_text(f"{job.trial_id} {job.initial_epoch + len(curve)}")
        return Outcome(job_id=job.id, state=state, curve=tuple(curve), seconds=0.1, checkpoint=keep)


class FakeParallel:
    """Holds up to three jobs at a time and ends the newest first."""

    slots = 3

    def __init__(self, trainer: FakeTrainer) -> None:
        self.trainer = trainer
        self.stopped = False
        self.waiting: list[tuple[Job, OnEpoch, Future[Outcome]]] = []

    def submit(self, job: Job, on_epoch: OnEpoch) -> Future[Outcome]:
        self.waiting.append((job, on_epoch, Future()))
        return self.waiting[-1][2]

    def poll(self, seconds: float) -> None:
        job, on_epoch, future = self.waiting.pop()
        if self.stopped:
            state = OutcomeState.INTERRUPTED
            future.set_result(Outcome(job_id=job.id, state=state, checkpoint=job.checkpoint))
            return
        outcome = self.trainer.run(job, lambda epoch, report: on_epoch(job, epoch, report))
        self.stopped = outcome.state is OutcomeState.INTERRUPTED
        future.set_result(outcome)

    def close(self) -> None:
        self.waiting.clear()


class FakeSearcher:
    """Draws configurations; every third ask goes on with the best one that stopped at a rung."""

    def __init__(self, *, seed: int = 0, rungs: tuple[int, ...] = (3, 9), most: int = 10**9) -> None:
        self.seed, self.rungs, self.most = seed, rungs, most
        self.asks = 0
        self.reported: list[tuple[int, TrialState, float | None]] = []
        self._trial_of: dict[int, int] = {}
        self._job: dict[int, tuple[Mapping[str, object], int]] = {}
        self._waiting: dict[int, float] = {}
        self._last: tuple[Mapping[str, object], int] | None = None
        self.passes: list[int] = []

    def begin_pass(self, number: int, space: Space, earlier: tuple[Trial, ...] = ()) -> None:
        self.passes.append(number)
        self.space = space

    def ask(self) -> Suggestion | NoSuggestion:
        if self.asks >= self.most:
            return NoSuggestion.EXHAUSTED
        rng = np.random.default_rng([self.seed, self.asks])
        self.asks += 1
        resumes, initial, values = None, 0, self.space.sample(rng)
        if self.asks % 3 == 0 and self._waiting:
            resumes = max(self._waiting, key=self._waiting.__getitem__)
            del self._waiting[resumes]
            values, initial = self._job[resumes]  # type: ignore[assignment]
        epochs = next(rung for rung in self.rungs if rung > initial)
        self._last = (values, epochs)
        return Suggestion(
            values=values,
            oracle_values={**values, "tuner/epochs": epochs, "tuner/initial_epoch": initial},
            resumes=resumes,
            initial_epoch=initial,
            epochs=epochs,
            memo={"asks": self.asks},
            note="fake",
        )

    def started(self, job_id: int, trial_id: int) -> None:
        assert self._last is not None
        self._trial_of[job_id] = trial_id
        self._job[trial_id] = self._last

    def report(
        self, job_id: int, state: TrialState, score: float | None, *, epochs: int = 0, added: object = None
    ) -> None:
        self.reported.append((job_id, state, score))
        if state is TrialState.PAUSED and score is not None:
            self._waiting[self._trial_of[job_id]] = score

    def replay_ask(
        self, job_id: int, trial_id: int, oracle_values: Mapping[str, object], memo: object
    ) -> None:
        again = self.ask()
        assert isinstance(again, Suggestion)
        assert again.oracle_values == oracle_values
        self.started(job_id, trial_id)


def keep_all(space: Space, trials: tuple[Trial, ...]) -> Proposal:
    """A proposal that narrows the learning rate's range by a tenth at each end."""
    moves = []
    for hp in space:
        new = hp
        if isinstance(hp, Float) and hp.name == "learning_rate":
            low, high = hp.from_units([0.1, 0.9])
            new = Float(name=hp.name, tier=hp.tier, low=low, high=high, scale=hp.scale, limits=hp.limits)
        verdict = Verdict.KEEP if new is hp else Verdict.NARROW
        moves.append(Move(name=hp.name, verdict=verdict, old=hp, new=new, reason=f"{len(trials)} trials"))
    return Proposal(space=space, moves=tuple(moves))
