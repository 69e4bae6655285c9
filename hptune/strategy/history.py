"""The observations as arrays for the model, and as standings of trials for the halving."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hptune.strategy.encoding import Cube
from hptune.strategy.state import SearchState
from hptune.study.trial import Objective, Observation, TrialState

__all__ = ["History", "Standing", "keys_of", "read_history"]

Array = NDArray[np.float64]

_SETTLED = (TrialState.PAUSED, TrialState.COMPLETE)


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Where one trial of this search stands."""

    trial_id: int
    row: Array
    """Its place in the cube, shape (columns,)."""
    epochs: int
    """Epochs it has had, or will have had while it runs."""
    score: float | None
    """Its last score, turned so that more is better."""
    state: TrialState
    latest: int
    """Index of its last observation."""

    @property
    def is_paused(self) -> bool:
        """Whether it is paused at a rung with a score."""
        return self.state is TrialState.PAUSED and self.score is not None

    @property
    def runs(self) -> bool:
        """Whether it is being trained."""
        return self.state is TrialState.RUNNING


@dataclass(frozen=True, kw_only=True)
class History:
    """All observations, imported trials included."""

    standings: tuple[Standing, ...]
    """This search's trials, in the order of their numbers."""
    x: Array
    """Place of each judgement with a score, shape (judgements, columns)."""
    epochs: Array
    """Epochs behind each judgement, shape (judgements,)."""
    y: Array
    """Scores, more is better, shape (judgements,)."""
    infeasible: Array
    """Places of what could not be trained, shape (infeasible, columns)."""
    tried: frozenset[bytes]
    """Keys of all configurations that were started."""

    @property
    def running(self) -> tuple[Standing, ...]:
        """The trials being trained."""
        return tuple(s for s in self.standings if s.runs)


def keys_of(rows: Array) -> list[bytes]:
    """Return what equal configurations share, one key per row."""
    return [row.tobytes() for row in np.round(rows, 9) + 0.0]


def _usable(score: float | None) -> bool:
    return score is not None and math.isfinite(score)


def _standings(observations: Sequence[Observation], rows: Array, objective: Objective) -> Iterable[Standing]:
    last: dict[int, int] = {}
    scores: dict[int, float] = {}
    for i, observed in enumerate(observations):
        last[observed.trial_id] = i
        if observed.score is not None and _usable(observed.score):
            scores[observed.trial_id] = objective.sign * observed.score
    for trial_id in sorted(last):
        i = last[trial_id]
        yield Standing(
            trial_id=trial_id,
            row=rows[i],
            epochs=observations[i].epochs,
            score=scores.get(trial_id),
            state=observations[i].state,
            latest=i,
        )


def read_history(cube: Cube, state: SearchState) -> History:
    """Lay out all observations in the cube."""
    observed = [*state.imported, *state.observations]
    rows = cube.encode([o.values for o in observed])
    scored = [i for i, o in enumerate(observed) if o.state in _SETTLED and _usable(o.score)]
    failed = [
        i
        for i, o in enumerate(observed)
        if o.state is TrialState.INFEASIBLE or (o.state in _SETTLED and not _usable(o.score))
    ]
    # Training that ended by itself would not change with more epochs.
    epochs = [
        state.epochs if observed[i].state is TrialState.COMPLETE else observed[i].epochs for i in scored
    ]
    sign = state.objective.sign
    return History(
        standings=tuple(_standings(state.observations, rows[len(state.imported) :], state.objective)),
        x=rows[scored],
        epochs=np.array(epochs, dtype=np.float64),
        y=np.array([sign * float(observed[i].score or 0.0) for i in scored], dtype=np.float64),
        infeasible=rows[failed],
        tried=frozenset(keys_of(rows)),
    )
