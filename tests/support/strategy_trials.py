"""Spaces and trials for the tests of the strategy: small builders, and hypothesis strategies."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from hypothesis import strategies as st

from hptune.space import Boolean, Choice, Condition, Fixed, Float, Hyperparameter, Integer, Space, Tier
from hptune.space.scales import Scale
from hptune.study.trial import Direction, Objective, Trial, TrialState

ACCURACY = Objective(name="val_accuracy", direction=Direction.MAX)
LOSS = Objective(name="val_loss", direction=Direction.MIN)

RATE = Float(
    name="learning_rate",
    tier=Tier.FIRST,
    low=1e-5,
    high=1.0,
    scale=Scale.LOG,
    limits=(1e-7, 10.0),
    default=1e-3,
)
NOISE = Float(name="noise", low=0.0, high=1.0)


def space_of(*hps: Hyperparameter) -> Space:
    return Space(hyperparameters=hps)


def trial(number: int, values: Mapping[str, Any], score: float | None, **more: Any) -> Trial:
    """One trial that was trained for 10 epochs unless told otherwise."""
    settings: dict[str, Any] = {
        "pass_number": 1,
        "seed": 0,
        "state": TrialState.COMPLETE,
        "epochs": 10,
        "best_epoch": 10,
        **more,
    }
    return Trial(id=number, values=values, score=score, **settings)


def graded(
    values: Callable[[int], Mapping[str, Any]], score: Callable[[int], float], count: int
) -> list[Trial]:
    """Trials 1..count with the values and scores of their index, from 0, and never the same configuration."""
    return [trial(i + 1, {**values(i), "salt": float(i)}, float(score(i)) + 0.001 * i) for i in range(count)]


def infeasible(number: int, values: Mapping[str, Any], reason: str = "diverged") -> Trial:
    return trial(number, values, None, state=TrialState.INFEASIBLE, epochs=0, best_epoch=None, reason=reason)


def spread(count: int, low: float = 1e-5, high: float = 1.0) -> list[float]:
    """Numbers with equal factors between them, both ends included."""
    return [low * (high / low) ** (i / (count - 1)) for i in range(count)]


def sampled(
    space: Space, count: int, score: Callable[[Mapping[str, Any]], float], seed: int = 0, **more: Any
) -> list[Trial]:
    """Trials at random places of a space."""
    rng = np.random.default_rng(seed)
    found = []
    for i in range(count):
        values = space.sample(rng)
        found.append(trial(i + 1, values, float(score(values)), **more))
    return found


def good_near(rate: float) -> Callable[[Mapping[str, Any]], float]:
    """A score that is best at one learning rate and blind to everything else."""
    return lambda values: 1.0 - 0.05 * (math.log10(values["learning_rate"]) - math.log10(rate)) ** 2


def curve(
    scores: list[float], name: str = "val_accuracy", **others: list[float]
) -> tuple[dict[str, float], ...]:
    """One mapping per epoch."""
    return tuple({name: s, **{k: v[i] for k, v in others.items()}} for i, s in enumerate(scores))


PARENT = Choice(name="optimizer", options=("adam", "sgd", "rmsprop", "nadam"))
MOMENTUM = Float(
    name="momentum",
    low=0.5,
    high=0.999,
    scale=Scale.LOG_COMPLEMENT,
    when=(Condition(parent="optimizer", values=("sgd", "rmsprop")),),
)
MIXED = space_of(
    RATE,
    PARENT,
    MOMENTUM,
    Integer(name="units", low=16, high=512, scale=Scale.LOG, step=2, limits=(4, 4096)),
    Integer(name="layers", low=1, high=6, limits=(0, 12)),
    Integer(name="width", low=3, high=90, scale=Scale.LOG),
    Float(name="dropout", low=0.0, high=0.6, step=0.1),
    Float(name="decay", low=1e-6, high=1e-2, scale=Scale.LOG, step=10.0),
    Choice(name="batch_size", options=(16, 32, 64, 128, 256), ordered=True),
    Boolean(name="batch_norm"),
    Fixed(name="epsilon", value=1e-7),
)


@st.composite
def numbers(draw: st.DrawFn, name: str) -> Hyperparameter:
    """Any number, with limits around its range."""
    scale = draw(st.sampled_from(list(Scale)))
    hard = draw(st.booleans())
    if draw(st.booleans()) and scale is not Scale.LOG_COMPLEMENT:
        low = draw(st.integers(1 if scale is Scale.LOG else -20, 50))
        high = low + draw(st.integers(1, 300))
        step = draw(st.sampled_from([None, 2, 3]))
        limits = (
            max(low - draw(st.integers(0, 40)), 1 if scale is Scale.LOG else -99),
            high + draw(st.integers(0, 99)),
        )
        return Integer(name=name, low=low, high=high, scale=scale, step=step, limits=limits, hard=hard)
    if scale is Scale.LOG_COMPLEMENT:
        low, high = 1 - 10 ** draw(st.floats(-1, 0)), 1 - 10 ** draw(st.floats(-6, -1.2))
        limits = (low - draw(st.floats(0, 1)), 1 - (1 - high) / 10 ** draw(st.floats(0, 2)))
        return Float(name=name, low=low, high=high, scale=scale, limits=limits, hard=hard)
    if scale is Scale.LOG:
        low = 10 ** draw(st.floats(-9, 3))
        high = low * 10 ** draw(st.floats(0.1, 6))
        step = draw(st.sampled_from([None, None, 2.0, 10**0.5]))
        limits = (low / 10 ** draw(st.floats(0, 3)), high * 10 ** draw(st.floats(0, 3)))
        return Float(name=name, low=low, high=high, scale=scale, step=step, limits=limits, hard=hard)
    low = round(draw(st.floats(-1000, 1000)), 3)
    width = 10 ** draw(st.floats(-3, 4))
    step = draw(st.sampled_from([None, None, width / 7, width / 2]))
    limits = (low - draw(st.floats(0, 3)) * width, low + width + draw(st.floats(0, 3)) * width)
    return Float(name=name, low=low, high=low + width, step=step, limits=limits, hard=hard)


@st.composite
def spaces(draw: st.DrawFn) -> Space:
    """A space of every kind, with a conditional."""
    options = draw(st.lists(st.integers(0, 99), min_size=2, max_size=6, unique=True))
    words = ("adam", "sgd", "rmsprop", "nadam", "ftrl")[: draw(st.integers(2, 5))]
    hps = [
        draw(numbers("a")),
        draw(numbers("b")),
        Choice(name="word", options=words, hard=draw(st.booleans())),
        Choice(
            name="run", options=tuple(sorted(options)), ordered=draw(st.booleans()), hard=draw(st.booleans())
        ),
        Boolean(name="flag"),
        Fixed(name="still", value=draw(st.sampled_from([1, 0.5, "x", True]))),
        Float(
            name="child",
            low=0.0,
            high=1.0,
            when=(Condition(parent="word", values=draw(st.sampled_from([words[:1], words[-1:], words]))),),
        ),
    ]
    return space_of(*hps)


@st.composite
def trials_of(draw: st.DrawFn, space: Space, most: int = 40) -> list[Trial]:
    """Trials of that space or near it: any state, with scores that may be missing, alike or not finite."""
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    odd = st.sampled_from([None, math.nan, math.inf, 0.5])
    scores = st.one_of(st.floats(0, 1), st.sampled_from([0.25, 0.5]), odd)
    if draw(st.booleans()):
        scores = st.floats(0, 1)
    states = draw(
        st.sampled_from(
            [
                [TrialState.COMPLETE],
                list(TrialState),
                [TrialState.INFEASIBLE],
                [TrialState.COMPLETE, TrialState.INFEASIBLE],
                [TrialState.COMPLETE, TrialState.PAUSED],
            ]
        )
    )
    found = []
    for i in range(draw(st.integers(0, most))):
        values = dict(space.sample(rng))
        if rng.random() < 0.1:
            values["a"] = float(rng.normal() * 10)
        state = states[int(rng.integers(len(states)))]
        found.append(
            trial(
                i + 1,
                values,
                draw(scores),
                state=state,
                epochs=int(rng.choice([2, 6, 18])),
                pass_number=int(rng.integers(1, 3)),
            )
        )
    return found
