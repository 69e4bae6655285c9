"""The decision: which configuration is trained next, from where, and how far.

    promotions  →  warm starts and the first bracket  →  later brackets  →  the model alone

All of it is a pure function of `SearchState`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hptune.space import Values
from hptune.strategy.acquisition import log_expected_improvement, log_share_observable, probability_above
from hptune.strategy.candidates import CANDIDATES, all_rows, draw_candidates
from hptune.strategy.encoding import Box, Cube
from hptune.strategy.halving import Bracket, check_rungs, coarse_brackets, promotion
from hptune.strategy.history import History, Standing, keys_of, read_history
from hptune.strategy.initial_design import fit_to, soft_tier_row
from hptune.strategy.posterior import MOST_LEADERS, Posterior, fit_posterior
from hptune.strategy.state import Decision, NoSuggestion, SearchState
from hptune.study.trial import TrialState

__all__ = ["DOUBT", "DOUBT_EVERY", "JUDGED", "MARGIN", "NOISE_KNOWN", "PAUSE_BELOW", "suggest"]

Array = NDArray[np.float64]

DOUBT = 0.7
"""Every so often the model is asked with length scales exp(−0.7) ≈ half as long: a search that
trusts one fit for ever is caught where that fit is wrong."""

DOUBT_EVERY = 4
"""How many trials are started between two such asks."""

JUDGED = "judged"
"""The memo's key for the last observation whose trial was judged."""

MARGIN = 0.01
"""What counts as an improvement, in standard deviations of the scores: less is polishing."""

NOISE_KNOWN = 25
"""Judgements below which what the model calls noise is little more than was assumed."""

PAUSE_BELOW = 0.05
"""A training pauses when the model gives it a smaller chance to beat the best finished one."""

_COUNTABLE = 4096
_REDRAWS = 8
_SLACK = 1e-9


@dataclass(frozen=True)
class AskContext:
    """One ask's working data, made from the state alone."""

    state: SearchState
    cube: Cube
    history: History
    bracket: Bracket
    brackets: int
    rng: np.random.Generator

    @classmethod
    def of(cls, state: SearchState) -> AskContext:
        cube = Cube.of(state.root, state.space)
        bracket, brackets = coarse_brackets(state.epochs, state.budget)
        rng = np.random.default_rng([abs(state.seed), state.asks])
        return cls(state, cube, read_history(cube, state), bracket, brackets, rng)

    @property
    def left(self) -> float:
        return self.state.budget - self.state.epochs_used + _SLACK

    @property
    def coarse_trials(self) -> int:
        """Trials that the coarse phase begins."""
        return self.bracket.sizes[0] * self.brackets

    @cached_property
    def boxes(self) -> tuple[Box, ...]:
        """Where candidates come from: today's ranges, and the whole coarse space beside them."""
        outer = self.cube.box(self.cube.outer)
        return (self.cube.box(self.cube.space), outer) if self.cube.is_narrowed else (outer,)

    @cached_property
    def countable(self) -> Array | None:
        """Every configuration there is, where they are few."""
        return all_rows(self.cube, self.boxes[-1], _COUNTABLE)

    @cached_property
    def started(self) -> list[Standing]:
        """The trials that have a score and did not break down."""
        return [t for t in self.history.standings if t.score is not None and not t.state.is_bad]

    @cached_property
    def finished(self) -> list[Standing]:
        """Those of them that had all the epochs, or ended by themselves."""
        over = [t for t in self.started if not t.runs]
        return [t for t in over if t.epochs >= self.state.epochs or t.state is TrialState.COMPLETE]

    def is_resumable(self, trial: Standing) -> bool:
        """Whether a trial is paused, lies inside the hard bounds, and fits into the budget to its end."""
        ahead = self.state.epochs - trial.epochs
        if not trial.is_paused or not 0 < ahead <= self.left:
            return False
        return self.allows(trial)

    def allows(self, trial: Standing) -> bool:
        """Whether a trial lies inside today's hard bounds."""
        return self.cube.still_allows(self.state.observations[trial.latest].values)

    def can_start(self, cost: int) -> bool:
        """Whether the budget pays for a short training and for finishing one that has started."""
        alive = [t for t in self.history.standings if t.runs or t.is_paused]
        ahead = min((self.state.epochs - t.epochs for t in alive), default=self.state.epochs - cost)
        return cost + (0 if self.finished else ahead) <= self.left

    def new(self, rows: Array) -> NDArray[np.bool_]:
        """Return for each row whether it was never started, shape (rows,)."""
        return np.array([key not in self.history.tried for key in keys_of(rows)], dtype=bool)


def suggest(state: SearchState) -> Decision | NoSuggestion:
    """Return the next stretch of training, or why there is none."""
    context = AskContext.of(state)
    return _promote(context) or _start_coarse(context) or _model_decides(context)


def _promote(context: AskContext) -> Decision | None:
    coarse = context.history.standings[: context.coarse_trials]
    due = promotion([t for t in coarse if not t.is_paused or context.is_resumable(t)], context.bracket)
    if due is None:
        return None
    trial, until = due
    rung = context.bracket.rungs.index(until) + 1
    return _resume(
        context, trial, until, f"coarse: the best at rung {rung - 1} is promoted to rung {rung}", {}
    )


def _resume(context: AskContext, trial: Standing, until: int, note: str, memo: dict[str, Any]) -> Decision:
    latest = context.state.observations[trial.latest]
    return Decision(
        values=dict(latest.values),
        trial_id=trial.trial_id,
        initial_epoch=trial.epochs,
        epochs=until,
        note=note,
        memo={**context.state.memo, **memo},
    )


def _start(context: AskContext, row: Array, until: int, note: str, memo: dict[str, Any]) -> Decision:
    return Decision(
        values=context.cube.decode(row[None, :])[0],
        trial_id=None,
        initial_epoch=0,
        epochs=until,
        note=note,
        memo={**context.state.memo, **memo},
    )


def _start_coarse(context: AskContext) -> Decision | None:
    started = len(context.history.standings)
    first_rung = context.bracket.rungs[0]
    if started >= context.coarse_trials or not context.can_start(first_rung):
        return None
    size = context.bracket.sizes[0]
    where = f"coarse: bracket {started // size + 1}/{context.brackets}, rung 1/{len(context.bracket.rungs)}"
    known = _known_start(context)
    if known is not None:
        row, name = known
        return _start(context, row, first_rung, f"start: {name}", {})
    if started < max(size, _first_trials(context)) or len(context.history.y) < 2:
        row_or_none = _first_row(context, started)
        return None if row_or_none is None else _start(context, row_or_none, first_rung, where, {})
    posterior, memo = _posterior(context, refit=True)
    rows = _untried(context, posterior.centres)
    if not len(rows):
        return None
    best = int(np.argmax(_promise(context, posterior, rows)))
    return _start(context, rows[best], first_rung, f"{where}, by the model", memo)


def _first_trials(context: AskContext) -> int:
    return context.coarse_trials if len(context.bracket.rungs) == 1 else context.bracket.sizes[0]


def _known_start(context: AskContext) -> tuple[Array, str] | None:
    """Return the first warm start that was not started yet, and its name."""
    state, space = context.state, context.cube.space
    known: list[tuple[str, Values]] = [("defaults", space.defaults)] if state.with_defaults else []
    fitted = fit_to(space, [start.values for start in state.warm_starts])
    known += [(start.origin, values) for start, values in zip(state.warm_starts, fitted, strict=True)]
    for name, values in known:
        row = context.cube.snap(context.cube.encode([values]))
        if context.new(row).all():
            return row[0], name
    return None


def _first_row(context: AskContext, index: int) -> Array | None:
    """Return a configuration of the first bracket; None where all were tried."""
    for attempt in range(_REDRAWS):
        drawn = soft_tier_row(context.cube, context.boxes[0], index + 1000 * attempt, context.state.seed)
        row = context.cube.snap(drawn[None, :])
        if context.new(row).all():
            return np.asarray(row[0], dtype=np.float64)
    rows = _untried(context, np.empty((0, context.cube.columns)))
    return np.asarray(rows[0], dtype=np.float64) if len(rows) else None


def _posterior(context: AskContext, *, refit: bool) -> tuple[Posterior, dict[str, Any]]:
    doubts = refit and len(context.history.standings) % DOUBT_EVERY == DOUBT_EVERY - 1
    return fit_posterior(
        context.cube,
        context.history,
        context.state.epochs,
        context.state.memo,
        context.rng,
        refit=refit,
        doubt=DOUBT if doubts else 0.0,
    )


def _untried(context: AskContext, centres: Array) -> Array:
    """Return candidates that were not tried; none where the space is exhausted."""
    rows = context.countable
    if rows is None:
        for _ in range(_REDRAWS):
            rows = draw_candidates(context.cube, context.boxes, centres, CANDIDATES, context.rng)
            fresh = context.new(rows)
            if fresh.any():
                return np.asarray(rows[fresh], dtype=np.float64)
        return np.empty((0, context.cube.columns))
    return np.asarray(rows[context.new(rows)], dtype=np.float64)


def _promise(context: AskContext, posterior: Posterior, rows: Array) -> Array:
    """Return the logarithm of the improvement that training each row to the end promises.

    It is the expected improvement over the best trial that was started. Once noise is known, it counts by the
    share that an observation would show: noise hides the rest.
    """
    mean, deviation, alone = _improvement(posterior, rows, _best_inside(context, posterior, context.started))
    promise = log_expected_improvement(mean, deviation, MARGIN)
    if len(context.history.y) < NOISE_KNOWN:
        return promise
    return promise + log_share_observable(alone, posterior.noise)


def _improvement(posterior: Posterior, rows: Array, best: Array) -> tuple[Array, Array, Array]:
    """Return mean and deviation of each row's improvement over `best`, and the rows' own deviation.

    Both are predicted jointly: what is like the best one is as good, however good that is. The best itself,
    where it is one of the rows, keeps its own deviation: it need not beat itself.
    """
    mean, deviation, alone = posterior.improvement(rows, best)
    itself = (rows == best).all(axis=1)
    return mean, np.where(itself, alone, deviation), alone


def _best_inside(context: AskContext, posterior: Posterior, *groups: list[Standing]) -> Array:
    """Return the place of the trial that the model expects most of, shape (1, columns).

    Only trials inside the hard bounds count: what was ruled out since is not asked for. The first group that
    has one counts; without any it is the best of all observations, imported ones included.
    """
    for trials in groups:
        leaders = sorted(trials, key=lambda t: -(t.score or 0.0))
        for start in range(0, len(leaders), MOST_LEADERS):
            some = leaders[start : start + MOST_LEADERS]
            rows = np.array([t.row for t in some])
            order = np.argsort(-posterior.mean_at_the_end(rows), kind="stable")
            best = next((i for i in order if context.allows(some[i])), None)
            if best is not None:
                return rows[[best]]
    return posterior.best


def _model_decides(context: AskContext) -> Decision | NoSuggestion:
    if not context.cube.axes:
        return _the_only_one(context)
    if len(context.history.y) < 1 and len(context.history.infeasible) < 1:
        return _without_model(context)
    due = _due(context)
    if due:
        posterior, memo = _posterior(context, refit=False)
        for trial, probability in zip(due, _probabilities(context, posterior, due), strict=True):
            if probability >= PAUSE_BELOW:
                memo = {**memo, JUDGED: trial.latest}
                note = f"continue: P(beats best) {probability:.2f}"
                return _resume(context, trial, _next_check(context, trial), note, memo)
    return _best_buy(context)


def _without_model(context: AskContext) -> Decision | NoSuggestion:
    """Nothing was reported yet: fill the space while the first results are awaited."""
    rung = context.bracket.rungs[0]
    payable = context.can_start(rung)
    if payable:
        row = _first_row(context, len(context.history.standings))
        if row is not None:
            return _start(context, row, rung, "coarse: nothing was reported yet", {})
    return _no_suggestion(context, exhausted=payable)


def _the_only_one(context: AskContext) -> Decision | NoSuggestion:
    """Nothing is searched: train the one configuration there is to the end."""
    paused = [t for t in context.history.standings if context.is_resumable(t)]
    if paused:
        return _resume(context, paused[0], context.state.epochs, "continue: the only configuration", {})
    return _no_suggestion(context, exhausted=True)


def _no_suggestion(context: AskContext, *, exhausted: bool) -> NoSuggestion:
    if context.history.running:
        return NoSuggestion.WAIT
    return NoSuggestion.EXHAUSTED if exhausted else NoSuggestion.BUDGET_USED


def _due(context: AskContext) -> list[Standing]:
    """Return resumable trials that were not judged since they were reported, the earliest first."""
    judged = int(context.state.memo.get(JUDGED, -1))
    own = {trial.trial_id for trial in context.history.standings[context.coarse_trials :]}
    due = [
        trial
        for trial in context.history.standings
        if trial.latest > judged
        and context.is_resumable(trial)
        # What the coarse bracket paused is resumed only where it is the best buy.
        and (trial.trial_id in own or trial.epochs not in context.bracket.rungs[:-1])
    ]
    return sorted(due, key=lambda trial: trial.latest)


def _next_check(context: AskContext, trial: Standing) -> int:
    return next(e for e in check_rungs(context.state.epochs) if e > trial.epochs)


def _probabilities(context: AskContext, posterior: Posterior, trials: list[Standing]) -> Array:
    """Return each trial's probability, fully trained, to beat the best finished one, shape (trials,)."""
    best = _best_inside(context, posterior, context.finished, context.started)
    mean, deviation, _ = _improvement(posterior, np.array([t.row for t in trials]), best)
    return probability_above(mean, deviation, MARGIN)


def _best_buy(context: AskContext) -> Decision | NoSuggestion:
    """Choose between new configurations and paused ones: the promise per remaining epoch."""
    full = context.state.epochs
    paused = [t for t in context.history.standings if context.is_resumable(t)]
    can_start = full <= context.left
    if not paused and not can_start:
        return _no_suggestion(context, exhausted=False)
    posterior, memo = _posterior(context, refit=True)
    memo = {**memo, JUDGED: max((t.latest for t in context.history.standings if not t.runs), default=-1)}
    rows = np.array([t.row for t in paused]).reshape(len(paused), context.cube.columns)
    if can_start:
        rows = np.concatenate([rows, _untried(context, posterior.centres)])
    if not len(rows):
        return _no_suggestion(context, exhausted=True)
    promise = _promise(context, posterior, rows)
    ahead = np.array([full - t.epochs for t in paused] + [full] * (len(rows) - len(paused)))
    best = int(np.argmax(promise - np.log(ahead)))
    if best < len(paused):
        note = "resume: the best buy among all that are paused"
        return _resume(context, paused[best], _next_check(context, paused[best]), note, memo)
    note = f"model: log promise {promise[best]:.2f}"
    return _start(context, rows[best], check_rungs(full)[0], note, memo)
